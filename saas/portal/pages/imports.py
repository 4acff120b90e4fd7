"""Imports: upload a file and see what it would do, before it does; feeds that bring files."""

from __future__ import annotations

from typing import IO, Any, Final, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from api.v1.import_options import FORMATS, KINDS, MODES, check_reading
from api.v1.uploads import read_upload_form
from engine.selectors.feeds import feed_bodies, feeds
from engine.selectors.imports import import_bodies
from engine.services.create_feed import MAX_FEEDS
from engine.services.import_uploads import Upload
from engine.services.read_columns import read_columns
from engine.services.start_import import start_import
from saas.lib.errors import InvalidParameter, ShelfwiseError, UnreadableFile
from saas.portal.roles import Right
from saas.portal.upload_tickets import check_upload_ticket, upload_ticket
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

PAGE = 20
TONES: Final = {"completed": "good", "failed": "bad", "needs_confirmation": "warn"}
OPEN: Final = frozenset({"queued", "running"})
_FEED_TONES: Final = {"completed": "good", "failed": "bad", "skipped": "warn"}
_FIELDS = ("kind", "format", "mode", "timezone", "file")
_CHOICES: Final = {"kind": KINDS, "format": FORMATS, "mode": MODES}


@environment_page(Right.SEE_DATA)
def imports(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List the imports and the feeds, with the form for another file."""
    return _render(request, visit)


@csrf_exempt  # the ticket stands for the token
@require_POST
@environment_page(Right.CHANGE_DATA)
def upload(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Take a file and find out what it would do; nothing of the store's data is changed yet."""
    check_upload_ticket(request, visit.environment)
    fields: dict[str, str] = {}
    try:
        with Upload(environment_id=visit.environment.pk) as file:
            sent, _ = read_upload_form(cast(IO[bytes], request), request.META, file)
            fields.update(sent)
            _check(fields)
            _start(visit, file, fields)
    except ShelfwiseError as refusal:
        return _render(request, visit, fields=fields, refusal=refusal)
    return redirect("import", environment=visit.environment.kind, import_id=file.import_id)


def _start(visit: Visit, file: Upload, fields: dict[str, str]) -> None:
    with in_environment(visit.environment):
        found = read_columns(
            environment_id=visit.environment.pk, import_id=file.import_id, kind=fields["kind"]
        )
        start_import(
            environment=visit.environment,
            import_id=file.import_id,
            kind=fields["kind"],
            file_format=fields["format"],
            mode=fields["mode"],
            is_dry_run=True,
            time_zone=fields["timezone"] or None,
            mapping=found.suggested if found else {},
        )
        file.keep()


def _check(fields: dict[str, str]) -> None:
    for name, known in _CHOICES.items():
        if fields.setdefault(name, "") not in known:
            raise InvalidParameter(f"Choose the {name} of the file.", pointer=f"/{name}")
    fields["timezone"] = fields.get("timezone", "").strip()
    check_reading(
        kind=fields["kind"],
        mode=fields["mode"],
        time_zone=fields["timezone"] or None,
        mapping={},
    )


def _render(
    request: HttpRequest,
    visit: Visit,
    *,
    fields: dict[str, str] | None = None,
    refusal: ShelfwiseError | None = None,
) -> HttpResponse:
    before = request.GET.get("before", "").replace("\0", "") or None
    with in_environment(visit.environment):
        rows = import_bodies(kinds=KINDS, limit=PAGE + 1, before=before)
        known = feeds(environment_id=visit.environment.pk, kinds=KINDS, limit=MAX_FEEDS)
        feed_rows = [
            {**body, "tone": _FEED_TONES.get(body["last_run"]["status"], "neutral")}
            for body in feed_bodies(known)
        ]
    shown = rows[:PAGE]
    context: dict[str, Any] = {
        "imports": [{**row, "tone": TONES.get(row["status"], "neutral")} for row in shown],
        "is_open": any(row["status"] in OPEN for row in shown),
        "next": shown[-1]["id"] if len(rows) > PAGE else None,
        "before": before,
        "feeds": feed_rows,
        "kinds": KINDS,
        "formats": FORMATS,
        "asked": {"kind": "items", "format": "auto", "mode": "incremental", **(fields or {})},
        "errors": {} if refusal is None else _by_field(refusal),
        "ticket": upload_ticket(request, visit.environment),
    }
    return visit.render(
        "portal/imports.html", context, status=200 if refusal is None else refusal.status
    )


def _by_field(refusal: ShelfwiseError) -> dict[str, str]:
    """Return the sentence by the field that it is about; what no field is for is the file's."""
    if isinstance(refusal, UnreadableFile):
        return {"file": refusal.detail}
    pointer = refusal.errors[0].pointer.strip("/") if refusal.errors else ""
    name = pointer if pointer in _FIELDS else "file"
    is_missing = name == "file" and isinstance(refusal, InvalidParameter)
    return {name: "Choose the file to upload." if is_missing else refusal.detail}
