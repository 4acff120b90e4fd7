"""Makes the usage tables, as the owner; the app login may add to the ledger and not change it."""

from __future__ import annotations

import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

APP_LOGIN = '"' + settings.APP_LOGIN.replace('"', '""') + '"'

CREATE_LEDGER = [
    """
    CREATE TABLE billing_usageledger (
        call_id uuid PRIMARY KEY,
        at timestamptz NOT NULL,
        environment_id bigint NOT NULL,
        source_id integer NOT NULL,
        units integer NOT NULL,
        operation smallint NOT NULL,
        flags smallint NOT NULL
    ) PARTITION BY RANGE (call_id)
    """,
    "CREATE TABLE billing_usageledger_default PARTITION OF billing_usageledger DEFAULT",
]
DROP_LEDGER = ["DROP TABLE billing_usageledger"]

# A row trigger, since a statement trigger on the parent does not guard its partitions.
REFUSE_CHANGES = [
    """
    CREATE FUNCTION billing_refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'The usage ledger is append-only: % is refused.', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
    """
    CREATE TRIGGER billing_usageledger_append_only
        BEFORE UPDATE OR DELETE ON billing_usageledger
        FOR EACH ROW EXECUTE FUNCTION billing_refuse_ledger_change()
    """,
]
ALLOW_CHANGES = [
    "DROP TRIGGER billing_usageledger_append_only ON billing_usageledger",
    "DROP FUNCTION billing_refuse_ledger_change()",
]

# The app login owns no table, so the owner lends it this one act: a partition for a near UTC day.
# A ULID's first 48 bits are milliseconds, so a day is one range of uuids.
# False: the day is out of reach, or the default partition has taken calls of that day already.
ENSURE_PARTITION = [
    """
    CREATE FUNCTION billing_ensure_ledger_partition(day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
    DECLARE
        partition text := 'billing_usageledger_' || to_char(day, 'YYYYMMDD');
        first_ms bigint := extract(epoch FROM day::timestamp) * 1000;
        first_id text := lpad(to_hex(first_ms), 12, '0') || repeat('0', 20);
        end_id text := lpad(to_hex(first_ms + 86400000), 12, '0') || repeat('0', 20);
    BEGIN
        IF day IS NULL OR day < current_date - 60 OR day > current_date + 7 THEN
            RETURN false;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtext('billing_ensure_ledger_partition'));
        IF to_regclass('public.' || partition) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE public.%I PARTITION OF public.billing_usageledger'
                ' FOR VALUES FROM (%L) TO (%L)', partition, first_id::uuid, end_id::uuid
            );
        END IF;
        RETURN true;
    EXCEPTION WHEN check_violation THEN
        RETURN false;
    END $$
    """,
]
FORGET_PARTITION = ["DROP FUNCTION billing_ensure_ledger_partition(date)"]

GRANT = [
    "REVOKE ALL ON billing_usageledger, billing_usageledger_default, billing_usagebucket,"
    f" billing_usagesource FROM PUBLIC, {APP_LOGIN}",
    f"GRANT SELECT, INSERT ON billing_usageledger TO {APP_LOGIN}",
    f"GRANT SELECT, INSERT, UPDATE ON billing_usagebucket, billing_usagesource TO {APP_LOGIN}",
    "REVOKE ALL ON FUNCTION billing_ensure_ledger_partition(date) FROM PUBLIC",
    f"GRANT EXECUTE ON FUNCTION billing_ensure_ledger_partition(date) TO {APP_LOGIN}",
]
REVOKE = [
    f"REVOKE ALL ON billing_usageledger, billing_usagebucket, billing_usagesource FROM {APP_LOGIN}",
    f"REVOKE ALL ON FUNCTION billing_ensure_ledger_partition(date) FROM {APP_LOGIN}",
]


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="UsageLedger",
            fields=[
                ("call_id", models.UUIDField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("environment_id", models.BigIntegerField()),
                ("source_id", models.IntegerField()),
                ("units", models.IntegerField()),
                ("operation", models.SmallIntegerField()),
                ("flags", models.SmallIntegerField()),
            ],
            options={"db_table": "billing_usageledger", "managed": False},
        ),
        migrations.CreateModel(
            name="UsageBucket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("environment_id", models.BigIntegerField()),
                ("hour", models.DateTimeField()),
                ("operation", models.SmallIntegerField()),
                ("calls", models.BigIntegerField()),
                ("units", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("environment_id", "hour", "operation"),
                        name="billing_usagebucket_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageSource",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.TextField()),
                ("shipped_bytes", models.BigIntegerField(db_default=0)),
                ("last_sequence", models.BigIntegerField(db_default=0)),
                ("sequence_holes", models.BigIntegerField(db_default=0)),
                ("bad_records", models.BigIntegerField(db_default=0)),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("name",), name="billing_usagesource_once")
                ],
            },
        ),
        migrations.RunSQL(CREATE_LEDGER, DROP_LEDGER),
        migrations.RunSQL(REFUSE_CHANGES, ALLOW_CHANGES),
        migrations.RunSQL(ENSURE_PARTITION, FORGET_PARTITION),
        migrations.RunSQL(GRANT, REVOKE),
    ]
