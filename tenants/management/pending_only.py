"""How django-tenants' migration command finds its way past what needs no migration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django_tenants.migration_executors import MigrationExecutor, get_executor

from tenants.selectors.migrations import unmigrated_schemas

# With one of these the command does more, or less, than bring a schema to the code's migrations.
_MORE_THAN_MIGRATING = (
    "app_label",
    "check_unapplied",
    "fake",
    "fake_initial",
    "migration_name",
    "plan",
    "prune",
    "run_syncdb",
)


class PendingOnly:
    """An executor of django-tenants, for the schemas alone that lack a migration."""

    def __init__(self, executor: MigrationExecutor) -> None:
        self._executor = executor

    def run_migrations(self, *, tenants: Iterable[str]) -> None:
        """Migrate the schemas of these names that need it."""
        names = list(tenants)
        if not any(self._executor.options.get(option) for option in _MORE_THAN_MIGRATING):
            names = unmigrated_schemas(names)
        if names:
            self._executor.run_migrations(tenants=names)


def pending_only(codename: str | None) -> Any:
    """Return what makes the executor of that name (the setting GET_EXECUTOR_FUNCTION)."""
    executor = get_executor(codename)
    return lambda args, options: PendingOnly(executor(args, options))
