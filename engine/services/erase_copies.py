"""Removes copies of an erased shopper's data: what imports keep, and files made for downloading."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson
from django.db import connection

from engine.files.records import shortened
from engine.models.imports import Import
from engine.models.privacy import PrivacyRequest
from engine.rows.values import shown
from engine.selectors.exports import download_of_export
from engine.selectors.privacy import download_of_request, exports_of
from engine.selectors.privacy_subject import Subject
from engine.services.import_uploads import upload_path
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.export import Export

# What may name shoppers.
_IMPORTS = ("events", "users")
_EXPORTS = ("events", "recommendations")
_IMPORT_ENDED = (Import.Status.COMPLETED, Import.Status.FAILED, Import.Status.CANCELLED)
_EXPORT_ENDED = (Export.Status.COMPLETED, Export.Status.FAILED)
_REQUEST_ENDED = (PrivacyRequest.Status.COMPLETED, PrivacyRequest.Status.FAILED)
# The line stays, so that the numbers of an import stay true.
_REDACT_ERRORS = """
    UPDATE engine_importrowerror SET value = '', detail = 'Its shopper was erased.'
    WHERE (value = ANY(%b::text[]) OR detail LIKE ANY(%b::text[]))
        AND import_id IN (SELECT id FROM engine_import WHERE kind = ANY(%b::text[]))
"""
_DELETE_STAGED = """
    DELETE FROM engine_stagedrow
    WHERE row LIKE ANY(%b::text[])
        AND import_id IN (SELECT id FROM engine_import WHERE kind = ANY(%b::text[]))
"""


def erase_copies(*, environment: Environment, subject: Subject, before: datetime) -> dict[str, int]:
    """Remove the copies, inside `in_environment`; asked again, it finds nothing.

    Files that may hold any shopper go whole: an upload whose import has ended is of no use, and an
    export can be asked for again.

    Parameters
    ----------
    environment, subject
        Whose shopper, and who it was.
    before
        When it was erased; younger files know nothing of the subject.

    Returns
    -------
    dict of str to int
        How many rows and files, by the names of the receipt.
    """
    files = [
        *_uploads(environment, before=before),
        *_withdrawn_exports(environment, before=before),
        *_personal_files(environment, subject),
    ]
    return {"import_rows": _erase_import_rows(subject), "files": sum(map(_remove, files))}


def has_copies_in_the_making(*, environment: Environment, before: datetime) -> bool:
    """Say whether an import or export that began before a moment may still write one."""
    imports = Import.objects.filter(kind__in=_IMPORTS, created_at__lt=before)
    requests = PrivacyRequest.objects.filter(kind=PrivacyRequest.Kind.EXPORT, created_at__lt=before)
    with on_platform():
        exports = Export.objects.filter(
            environment=environment, kind__in=_EXPORTS, created_at__lt=before
        )
        if exports.exclude(status__in=_EXPORT_ENDED).exists():
            return True
    return (
        imports.exclude(status__in=_IMPORT_ENDED).exists()
        or requests.exclude(status__in=_REQUEST_ENDED).exists()
    )


def _erase_import_rows(subject: Subject) -> int:
    kinds = list(_IMPORTS)
    values = [shortened(each) for each in subject.ids]
    quoted = [_pattern(shown(each)) for each in subject.ids]
    in_json = [_pattern(orjson.dumps(each).decode()) for each in subject.ids]
    with connection.cursor() as cursor:
        cursor.execute(_REDACT_ERRORS, [values, quoted, kinds])
        n_errors = cursor.rowcount
        cursor.execute(_DELETE_STAGED, [in_json, kinds])
        return int(n_errors + cursor.rowcount)


def _uploads(environment: Environment, *, before: datetime) -> Iterator[Path]:
    ended = Import.objects.filter(
        kind__in=_IMPORTS, status__in=_IMPORT_ENDED, created_at__lt=before
    )
    for import_id in ended.values_list("id", flat=True):
        yield upload_path(environment_id=environment.pk, import_id=import_id)


def _withdrawn_exports(environment: Environment, *, before: datetime) -> Iterator[Path]:
    with on_platform():
        ended = Export.objects.filter(
            environment=environment,
            kind__in=_EXPORTS,
            status=Export.Status.COMPLETED,
            created_at__lt=before,
        )
        for export in ended:
            yield download_of_export(export).path
            export.status = Export.Status.FAILED
            export.error = "It was removed when a shopper was erased; ask for a new one."
            export.save()


def _personal_files(environment: Environment, subject: Subject) -> Iterator[Path]:
    for request in exports_of(subject, environment=environment):
        yield download_of_request(request, environment_id=environment.pk).path


def _remove(path: Path) -> bool:
    """Remove a file with its folder, and say whether it was there."""
    if not path.exists():
        return False
    shutil.rmtree(path.parent)
    return True


def _pattern(text: str) -> str:
    r"""Return what LIKE finds a text by.

    >>> print(_pattern("50%_a"))
    %50\%\_a%
    """
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
