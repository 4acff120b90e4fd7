"""Has a usage log shipped once more: what the ledger has already is not counted again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from ulid import ULID

from billing.metering.log_folder import bring_back
from billing.metering.usage_log import LOG_SUFFIX
from billing.models.usage import UsageSource
from saas.lib.errors import Conflict, NotFound
from tenants.context import on_platform
from tenants.services.record_audit import check_reason, record_audit

# The ledger knows a call again for 45 days; a log is written to for some hours after its name.
REPLAYED_FOR = timedelta(days=40)


def replay_segment(*, name: str, folder: Path, actor: str, reason: str) -> None:
    """Begin a log anew; the host's shipper does the rest within a second.

    Runs on the host that has the log, and can be repeated.

    Parameters
    ----------
    name
        The log, without what was added when it was put away.
    folder
        Where this host keeps its logs.
    actor, reason
        For the audit log.

    Raises
    ------
    NotFound
        The ledger or this host knows no such log.
    Conflict
        The log is so old that its calls could be counted twice.
    InvalidParameter
        There is no reason.
    """
    reason = check_reason(reason)
    if timezone.now() - _begun_at(name) > REPLAYED_FOR:
        raise Conflict(f"'{name}' is over {REPLAYED_FOR.days} days old; count its calls by hand.")
    with on_platform(), transaction.atomic():
        source = UsageSource.objects.select_for_update().filter(name=name).first()
        if source is None:
            raise NotFound(f"The ledger knows no usage log '{name}'.")
        UsageSource.objects.filter(pk=source.pk).update(shipped_bytes=0, last_sequence=0)
        record_audit(
            tenant_id=None,
            actor=actor,
            action="usage_log_replayed",
            object=f"usage_log:{name}",
            reason=reason,
            before={"shipped_bytes": source.shipped_bytes},
            after={"shipped_bytes": 0},
        )
        if not (folder / name).exists() and not bring_back(folder, name):
            raise NotFound(f"'{folder}' has no usage log '{name}'; run this on its host.")


def _begun_at(name: str) -> datetime:
    try:
        return ULID.from_str(name.removesuffix(LOG_SUFFIX).rpartition("-")[2]).datetime
    except ValueError:
        return datetime.fromtimestamp(0, tz=UTC)
