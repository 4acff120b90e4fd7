"""Lets the shipper drop days of the ledger that are long over, and no others."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations

APP_LOGIN = '"' + settings.APP_LOGIN.replace('"', '""') + '"'

# Ten days longer than Stripe takes corrections, which is 35. A call and its bucket are written in
# one transaction, so each call found here is counted there; where it is not, a person has to look.
# True: the day is gone. Waiting for the lock keeps every other user of the ledger waiting: briefly.
DROP_PARTITION = """
    CREATE FUNCTION billing_drop_ledger_partition(day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
    DECLARE
        partition text := 'billing_usageledger_' || to_char(day, 'YYYYMMDD');
        is_counted boolean;
    BEGIN
        IF day IS NULL OR day >= current_date - 45 THEN
            RETURN false;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtext('billing_ensure_ledger_partition'));
        IF to_regclass('public.' || partition) IS NULL THEN
            RETURN true;
        END IF;
        EXECUTE format(
            'SELECT coalesce(bool_and(bucket.calls >= found.calls AND bucket.units >= found.units'
            '     AND bucket.id IS NOT NULL), true)'
            ' FROM (SELECT environment_id, date_trunc(''hour'', at, ''UTC'') AS hour, operation,'
            '           count(*) AS calls, coalesce(sum(units) FILTER (WHERE flags & 1 <> 0), 0)'
            '               AS units'
            '       FROM public.%I GROUP BY environment_id, hour, operation) AS found'
            ' LEFT JOIN public.billing_usagebucket AS bucket'
            '     USING (environment_id, hour, operation)', partition
        ) INTO is_counted;
        IF is_counted THEN
            EXECUTE format('DROP TABLE public.%I', partition);
        END IF;
        RETURN is_counted;
    END $$
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_usage")]

    operations = [
        migrations.RunSQL(
            DROP_PARTITION, "DROP FUNCTION billing_drop_ledger_partition(date)"
        ),
        migrations.RunSQL(
            [
                "REVOKE ALL ON FUNCTION billing_drop_ledger_partition(date) FROM PUBLIC",
                f"GRANT EXECUTE ON FUNCTION billing_drop_ledger_partition(date) TO {APP_LOGIN}",
            ],
            migrations.RunSQL.noop,
        ),
    ]
