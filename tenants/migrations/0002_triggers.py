"""What PostgreSQL itself enforces: the control clock, and an audit log that only grows."""

from __future__ import annotations

from django.db import migrations

CONTROL_CLOCK = """
INSERT INTO tenants_controlclock (id, seq) VALUES (1, 0);

CREATE FUNCTION tenants_stamp_control_seq() RETURNS trigger
LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    UPDATE tenants_controlclock SET seq = seq + 1 WHERE id = 1 RETURNING seq INTO NEW.control_seq;
    RETURN NEW;
END $$;

CREATE TRIGGER stamp_control_seq BEFORE INSERT OR UPDATE ON tenants_tenant
    FOR EACH ROW EXECUTE FUNCTION tenants_stamp_control_seq();
CREATE TRIGGER stamp_control_seq BEFORE INSERT OR UPDATE ON tenants_entitlement
    FOR EACH ROW EXECUTE FUNCTION tenants_stamp_control_seq();
CREATE TRIGGER stamp_control_seq BEFORE INSERT OR UPDATE ON tenants_environment
    FOR EACH ROW EXECUTE FUNCTION tenants_stamp_control_seq();
-- Not for last_used_at, which moves all the time and decides nothing.
CREATE TRIGGER stamp_control_seq
    BEFORE INSERT OR UPDATE OF scopes, allowed_origins, expires_at, revoked_at ON tenants_apikey
    FOR EACH ROW EXECUTE FUNCTION tenants_stamp_control_seq();
"""

APPEND_ONLY_AUDIT = """
CREATE FUNCTION tenants_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tenants_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION tenants_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [
        migrations.RunSQL(CONTROL_CLOCK, migrations.RunSQL.noop),
        migrations.RunSQL(APPEND_ONLY_AUDIT, migrations.RunSQL.noop),
    ]
