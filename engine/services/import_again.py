"""Imports the file of a dry run, which was kept for that: with another mapping, or for good."""

from __future__ import annotations

from collections.abc import Mapping

from engine.models.imports import Import
from engine.selectors.imports import locked_import
from engine.services.import_uploads import upload_path
from engine.services.start_import import start_import
from saas.lib.errors import Conflict
from saas.lib.ids import new_ulid
from tenants.models.environment import Environment

_ENDED = (Import.Status.COMPLETED, Import.Status.FAILED, Import.Status.CANCELLED)


def import_again(
    *,
    environment: Environment,
    import_id: str,
    is_dry_run: bool,
    mapping: Mapping[str, str] | None = None,
) -> str:
    """Queue an import of the file; call inside the environment.

    Parameters
    ----------
    environment, import_id
        Whose dry run, and which.
    is_dry_run
        Whether nothing is to be written this time either.
    mapping
        The file's columns by our fields; as before where it is `None`.

    Returns
    -------
    str
        The id of the new import. It owns the file: of two who ask, one gets it. It is as old as
        the file, so that an erasure finds it and a full one spares the items that changed since.

    Raises
    ------
    NotFound
        There is no such import.
    Conflict
        It is no dry run, has not ended, or its file is gone.
    """
    row = locked_import(import_id)
    if not row.dry_run or row.status not in _ENDED:
        raise Conflict(
            f"The import '{import_id}' is no dry run that has ended; send its file again instead."
        )
    path = upload_path(environment_id=environment.pk, import_id=import_id)
    again_id = new_ulid()
    again = upload_path(environment_id=environment.pk, import_id=again_id)
    try:
        path.parent.rename(again.parent)
    except FileNotFoundError:
        raise Conflict(
            f"The file of the dry run '{import_id}' is not kept any more, or is being imported "
            "already; see the newer imports, or send it again."
        ) from None
    start_import(
        environment=environment,
        import_id=again_id,
        kind=row.kind,
        file_format=row.format,
        mode=row.mode,
        is_dry_run=is_dry_run,
        time_zone=row.timezone,
        mapping=row.mapping if mapping is None else mapping,
        uploaded_at=row.created_at,
    )
    return again_id
