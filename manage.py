"""Runs a management command: under the owner's login where it changes schemas."""

from __future__ import annotations

import os
import sys

from saas.lib.process_start import starting

# Everything else runs as the application, which cannot change a schema.
OWNER_COMMANDS = frozenset({"migrate_schemas", "tenant_create", "tenant_delete"})


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
    if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ["SHELFWISE_LOGIN"] = "owner"
    with starting():
        import django
        from django.core.management import execute_from_command_line

        django.setup()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
