"""What every page of the staff console is made of: rows to look at, and deeds that ask why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from typing_extensions import override
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from saas.lib.errors import ShelfwiseError
from tenants.deeds import Deed, Elsewhere, ReasonForm

# The colours of states, whatever they are states of.
STATES = {
    "active": "success",
    "suspended": "danger",
    "deleted": "default",
    "queued": "info",
    "running": "info",
    "pending": "info",
    "done": "success",
    "completed": "success",
    "delivered": "success",
    "failed": "danger",
    "dropped": "default",
}
# Of rows that are chosen in a list and done to in one go.
MOST_AT_ONCE = 100


_Column = TypeVar("_Column", bound=Callable[..., Any])


def column(title: str, **look: Any) -> Callable[[_Column], _Column]:
    """Give a method of a page its heading; `look` is `label`, `ordering` or `boolean` of unfold."""
    made: Callable[[_Column], _Column] = display(description=title, **look)
    return made


class ConsoleAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Rows that are looked at, never edited by hand; what can be done about them is a deed."""

    deeds: ClassVar[tuple[Deed, ...]] = ()
    # Those of no row in particular, offered above the list.
    list_deeds: ClassVar[tuple[Deed, ...]] = ()
    # A table that grows for ever is paged through without being counted.
    is_endless: ClassVar[bool] = False
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    list_before_template = "staff/list_deeds.html"
    change_form_outer_before_template = "staff/deeds.html"
    actions: ClassVar[Any] = None

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        # A page asks for its row several times.
        known: dict[str, Any] = request.__dict__.setdefault("_console_rows", {})
        if object_id not in known:
            known[object_id] = super().get_object(request, object_id, from_field)
        return known[object_id]

    def may_do(self, request: HttpRequest) -> bool:
        """Say whether this person may do deeds here, not only look."""
        meta = self.model._meta
        return bool(request.user.has_perm(f"{meta.app_label}.change_{meta.model_name}"))

    @override
    def get_paginator(self, *arguments: Any, **options: Any) -> Paginator[Any]:
        make = InfinitePaginator if self.is_endless else Paginator
        pages: Paginator[Any] = make(*arguments[1:], **options)
        return pages

    @override
    def get_urls(self) -> list[URLPattern]:
        deeds = [
            path(f"{'deeds/' if many else '<path:object_id>/deeds/'}<slug:name>/", view, name=name)
            for many, view, name in (
                (True, self.admin_site.admin_view(self.deed_view), self._url_name("list_deed")),
                (False, self.admin_site.admin_view(self.deed_view), self._url_name("deed")),
            )
        ]
        return [*deeds, *super().get_urls()]

    @override
    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if not self.may_do(request):
            return {}
        return {
            deed.name: (self._choose(deed), deed.name, deed.title)
            for deed in self.deeds
            if deed.is_for_many
        }

    def _choose(self, deed: Deed) -> Callable[..., HttpResponse]:
        def choose(_: object, request: HttpRequest, chosen: Any) -> HttpResponse:
            keys = [str(row.pk) for row in chosen[: MOST_AT_ONCE + 1]]
            if len(keys) > MOST_AT_ONCE:
                messages.error(request, f"Choose {MOST_AT_ONCE} at most; you chose more.")
                return HttpResponseRedirect(request.get_full_path())
            address = reverse(f"admin:{self._url_name('list_deed')}", args=[deed.name])
            query = "&".join(f"row={key}" for key in keys)
            return HttpResponseRedirect(f"{address}?{query}")

        return choose

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        offered = [
            (deed, reverse(f"admin:{self._url_name('list_deed')}", args=[deed.name]))
            for deed in (self.list_deeds if self.may_do(request) else ())
        ]
        context = {**(extra_context or {}), "list_deeds": offered}
        page: HttpResponse = super().changelist_view(request, context)
        return page

    def page_context(self, row: Any) -> dict[str, Any]:
        """Return what a row's page shows beside its fields."""
        return {}

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = None if object_id is None else self.get_object(request, object_id)
        offered = [
            (deed, reverse(f"admin:{self._url_name('deed')}", args=[object_id, deed.name]))
            for deed in (self.deeds if row is not None and self.may_do(request) else ())
            if deed.is_offered(row)
        ]
        own = {} if row is None else self.page_context(row)
        context = {**(extra_context or {}), "deeds": offered, **own}
        page: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        return page

    def deed_view(
        self, request: HttpRequest, name: str, object_id: str | None = None
    ) -> HttpResponse:
        """Ask why, and do it; a refusal of the service is shown beside the form."""
        if not self.may_do(request):
            raise PermissionDenied
        deed, rows = self._wanted(request, name, object_id)
        form = deed.form(request.POST or None, initial=dict(deed.initial(rows[0])))
        if request.method == "POST" and form.is_valid():
            answer = self._do(request, deed, rows, form, object_id)
            if answer is not None:
                return answer
        context = {
            **self.admin_site.each_context(request),
            "title": deed.title,
            "opts": self.model._meta,
            "deed": deed,
            "rows": [row for row in rows if row is not None],
            "form": form,
            "back": self._back(object_id),
        }
        status = 400 if form.errors else 200
        return TemplateResponse(request, "staff/deed.html", context, status=status)

    def _do(
        self,
        request: HttpRequest,
        deed: Deed,
        rows: list[Any],
        form: ReasonForm,
        object_id: str | None,
    ) -> HttpResponse | None:
        """Do it to each row, up to one that is refused; None where that is the first."""
        actor = f"staff:{request.user.email}"  # type: ignore[union-attr]  # somebody logged in
        for row in rows:
            try:
                done = deed.do(row, actor, form.cleaned_data)
            except ShelfwiseError as error:
                if row is rows[0]:
                    form.add_error(None, error.detail)
                    return None
                # Those before it are done, and not to be done again.
                messages.error(request, error.detail)
                break
            if isinstance(done, Elsewhere):
                return self._leave(request, deed, done, object_id)
            messages.success(request, done)
        return HttpResponseRedirect(self._back(object_id))

    def _leave(
        self, request: HttpRequest, deed: Deed, to: Elsewhere, object_id: str | None
    ) -> HttpResponse:
        if not to.says:
            return HttpResponseRedirect(to.url)
        context = {
            **self.admin_site.each_context(request),
            "title": deed.title,
            "opts": self.model._meta,
            "to": to,
            "back": self._back(object_id),
        }
        return TemplateResponse(request, "staff/elsewhere.html", context)

    def _wanted(
        self, request: HttpRequest, name: str, object_id: str | None
    ) -> tuple[Deed, list[Any]]:
        if object_id is None:
            for deed in self.list_deeds:
                if deed.name == name:
                    return deed, [None]
        keys = request.GET.getlist("row") if object_id is None else [object_id]
        rows = [self.get_object(request, key) for key in keys[:MOST_AT_ONCE]]
        for deed in self.deeds:
            if deed.name == name and rows and all(row and deed.is_offered(row) for row in rows):
                return deed, rows
        raise Http404

    def _back(self, object_id: str | None) -> str:
        if object_id is None:
            return reverse(f"admin:{self._url_name('changelist')}")
        return reverse(f"admin:{self._url_name('change')}", args=[object_id])

    def _url_name(self, what: str) -> str:
        meta = self.model._meta
        return f"{meta.app_label}_{meta.model_name}_{what}"
