"""Ends an export that will never be written, with a reason its store understands."""

from __future__ import annotations

from django.utils import timezone

from tenants.context import on_platform
from tenants.models.export import Export


def fail_export(*, export_id: str, reason: str) -> None:
    """Mark the export as failed; call in the transaction that ends its job.

    Parameters
    ----------
    export_id
        The export that the store watches.
    reason
        One sentence for the shop's owner.
    """
    with on_platform():
        Export.objects.filter(pk=export_id).update(
            status=Export.Status.FAILED,
            error=reason,
            finished_at=timezone.now(),
            user_ids=None,
        )
