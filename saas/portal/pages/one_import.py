"""One import: how far it has come, what it found, and what can be done about it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from api.v1.imports import errors_as_csv
from engine.selectors.feeds import feed_of
from engine.selectors.import_details import import_details
from engine.selectors.imports import check_errors_kept, import_body, import_errors, import_kind
from engine.services.cancel_import import cancel_import
from engine.services.confirm_import import confirm_import
from engine.services.import_again import import_again
from engine.services.read_columns import FileColumns, read_columns
from engine.services.request_feed_run import request_feed_run
from saas.lib.errors import Conflict, InvalidParameter, ShelfwiseError
from saas.portal.pages.imports import OPEN, TONES
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment


@environment_page(Right.SEE_DATA)
def one_import(request: HttpRequest, visit: Visit, import_id: str) -> HttpResponse:
    """Show an import; of a dry run also the file's columns, while it is kept."""
    return _render(visit, import_id)


@environment_page(Right.SEE_DATA)
def import_progress(request: HttpRequest, visit: Visit, import_id: str) -> HttpResponse:
    """Answer how far it has come; when it has ended, the whole page is to be shown anew."""
    with in_environment(visit.environment):
        context = _state(import_id)
    if not context["is_open"]:
        return HttpResponseClientRefresh()
    return visit.render("portal/imports/progress.html", context)


@require_POST
@environment_page(Right.CHANGE_DATA)
def check_again(request: HttpRequest, visit: Visit, import_id: str) -> HttpResponse:
    """Try the file of a dry run with another mapping."""
    with in_environment(visit.environment):
        found = _columns(visit, import_id)
    try:
        mapping = _chosen(request, found)
        with in_environment(visit.environment):
            again = import_again(
                environment=visit.environment,
                import_id=import_id,
                is_dry_run=True,
                mapping=mapping,
            )
    except InvalidParameter as refusal:
        return _render(visit, import_id, refusal=refusal, request=request)
    return redirect("import", environment=visit.environment.kind, import_id=again)


@require_POST
@environment_page(Right.CHANGE_DATA)
def apply_import(request: HttpRequest, visit: Visit, import_id: str) -> HttpResponse:
    """Import the file of a dry run for good."""
    with in_environment(visit.environment):
        body = import_body(import_id)
        _check_agreed(request, body)
        again = import_again(environment=visit.environment, import_id=import_id, is_dry_run=False)
    messages.success(request, "The import has begun.")
    return redirect("import", environment=visit.environment.kind, import_id=again)


@require_POST
@environment_page(Right.CHANGE_DATA)
def cancel(request: HttpRequest, visit: Visit, import_id: str) -> HttpResponse:
    """Stop an import."""
    with in_environment(visit.environment):
        cancel_import(environment=visit.environment, import_id=import_id)
    return redirect("import", environment=visit.environment.kind, import_id=import_id)


@require_POST
@environment_page(Right.CHANGE_DATA)
def confirm(request: HttpRequest, visit: Visit, import_id: str) -> HttpResponse:
    """Let a full import delete as much as it said."""
    with in_environment(visit.environment):
        _check_agreed(request, import_body(import_id))
        confirm_import(environment=visit.environment, import_id=import_id)
    return redirect("import", environment=visit.environment.kind, import_id=import_id)


@environment_page(Right.SEE_DATA)
def errors_csv(request: HttpRequest, visit: Visit, import_id: str) -> HttpResponse:
    """Download each bad row with the way to fix it."""
    with in_environment(visit.environment):
        import_kind(import_id)
        check_errors_kept(import_id)
    errors = import_errors(environment=visit.environment, import_id=import_id)
    return StreamingHttpResponse(  # type: ignore[return-value]  # a response all the same
        errors_as_csv(errors),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{import_id}-errors.csv"'},
    )


@require_POST
@environment_page(Right.CHANGE_DATA)
def run_feed_now(request: HttpRequest, visit: Visit, feed_id: str) -> HttpResponse:
    """Look at a feed's file now, and read it even if it is unchanged."""
    with in_environment(visit.environment):
        request_feed_run(feed_of(environment_id=visit.environment.pk, feed_id=feed_id))
    messages.success(request, "The feed is being looked at.")
    return redirect("imports", environment=visit.environment.kind)


def _render(
    visit: Visit,
    import_id: str,
    *,
    refusal: ShelfwiseError | None = None,
    request: HttpRequest | None = None,
) -> HttpResponse:
    unreadable = ""
    with in_environment(visit.environment):
        context = _state(import_id)
        found = None
        if context["import"]["dry_run"] and not context["is_open"]:
            try:
                found = _columns(visit, import_id)
            except ShelfwiseError as error:
                unreadable = error.detail
    chosen = {} if request is None else request.POST
    mapping = context["details"].mapping or (found.suggested if found else {})
    context |= {
        "columns": None if found is None else _column_rows(found, mapping, chosen),
        "fields": found.fields if found else (),
        "is_kept": found is not None or bool(unreadable),
        "refusal": refusal,
    }
    return visit.render(
        "portal/imports/import.html", context, status=200 if refusal is None else refusal.status
    )


def _state(import_id: str) -> dict[str, Any]:
    body = import_body(import_id)
    details = import_details(import_id)
    return {
        "import": body,
        "details": details,
        "percent": round(100 * details.share),
        "tone": TONES.get(body["status"], "neutral"),
        "is_open": body["status"] in OPEN,
        "reasons": sorted(body["errors_by_code"].items(), key=lambda each: -each[1]),
    }


def _columns(visit: Visit, import_id: str) -> FileColumns | None:
    kind = import_kind(import_id)
    return read_columns(environment_id=visit.environment.pk, import_id=import_id, kind=kind)


def _column_rows(found: FileColumns, mapping: Any, chosen: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "samples": [text for text in column.samples if text],
            "input": f"field-{number}",
            "field": chosen.get(f"field-{number}", found.field_of(column.name, mapping)),
        }
        for number, column in enumerate(found.columns)
    ]


def _chosen(request: HttpRequest, found: FileColumns | None) -> dict[str, str]:
    """Return the mapping that the form describes; a column under its own name needs none."""
    if found is None:
        raise Conflict("The file is not kept any more; send it again.")
    mapping: dict[str, str] = {}
    for number, column in enumerate(found.columns):
        field = request.POST.get(f"field-{number}", "")
        if not field:
            continue
        if field not in found.fields:
            raise InvalidParameter(f"'{field[:60]}' is no field of such a row.", pointer="/mapping")
        if field in mapping:
            raise InvalidParameter(
                f"Both '{mapping[field]}' and '{column.name}' are to be the {field}; choose one.",
                pointer="/mapping",
            )
        mapping[field] = column.name
    return {
        field: column for field, column in mapping.items() if found.field_of(column, {}) != field
    }


def _check_agreed(request: HttpRequest, body: dict[str, Any]) -> None:
    """Refuse to delete items that nobody has agreed to."""
    would_delete = body.get("would_delete", 0)
    if would_delete and request.POST.get("agreed") != str(would_delete):
        raise Conflict(
            f"{would_delete} items would be deleted; tick that you want this, and send it again."
        )
