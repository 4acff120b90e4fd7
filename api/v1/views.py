"""The bases of every view: for whom a call runs, and that its answer leaves after the commit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from typing_extensions import override

from api.v1 import paths as _paths  # noqa: F401  # registers the converter "id" for all routes
from api.v1.authentication import BeaconAuthentication, BearerAuthentication, Caller
from api.v1.idempotency import answer_once, idempotency_key
from api.v1.pages import let_page_read, preflight
from api.v1.parameters import check_id, check_query
from api.v1.parsers import BeaconParser, read_data
from api.v1.permissions import PAGE_METHODS
from saas.lib.plan_rates import take_plan_call
from saas.lib.rate_limit import take_page_call
from saas.lib.refusals import WARNING_STATES, payment_required
from tenants.context import in_environment
from tenants.tokens import PUBLISHABLE_SCOPES


class ApiView(APIView):
    """A view that checks what the URL carries and reads the body before it is run."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]  # noqa: RUF012
    # The query parameters that the view's GET reads; any other is refused.
    query_parameters: ClassVar[Collection[str]] = ()
    # Those of its other methods.
    write_parameters: ClassVar[Collection[str]] = ()
    # What a replayed answer leaves out.
    secret_members: ClassVar[Collection[str]] = ()

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args = args
        self.kwargs = kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(self.request, *args, **kwargs)
            handler = self._handler()
            self._check_request()
            response = self.answer(partial(handler, self.request, *args, **kwargs))
        except Exception as error:  # noqa: BLE001  # the edge: every error becomes a problem
            response = self.handle_exception(error)
        return self._finalize(response)

    def answer(self, handler: partial[HttpResponse]) -> HttpResponse:
        """Run the handler; a base class says for whom."""
        return handler()

    def answer_or_problem(self, handler: partial[HttpResponse]) -> HttpResponse:
        """Run the handler in a savepoint, so that its problem can be stored and its effect not."""
        try:
            with transaction.atomic():
                response = handler()
        except Exception as error:  # noqa: BLE001  # as in dispatch
            response = self.handle_exception(error)
        return self._finalize(response)

    def _finalize(self, response: HttpResponse) -> HttpResponse:
        # The stubs say Response, the code takes any response of Django's.
        return self.finalize_response(self.request, cast(Response, response))

    def _handler(self) -> Any:
        name = (self.request.method or "").lower()
        if name not in self.http_method_names or not hasattr(self, name):
            # Before the query and the body are looked at: they belong to another method.
            self.http_method_not_allowed(self.request)
        return getattr(self, name)

    def _check_request(self) -> None:
        is_read = self.request.method == "GET"
        known = self.query_parameters if is_read else self.write_parameters
        check_query(self.request.query_params, known=known)
        for name, value in self.kwargs.items():
            check_id(name, value)
        if self.request.method in {"POST", "PUT", "PATCH"}:
            read_data(self.request)


class PublicView(ApiView):
    """A view that asks for no credential."""

    authentication_classes = ()
    permission_classes = ()


class EnvironmentView(ApiView):
    """A view that runs for the caller's environment: its tables, its role, one transaction."""

    # By HTTP method, for each method of the view.
    required_scopes: ClassVar[Mapping[str, str]] = {}
    # For the store's server alone, whatever the scope.
    needs_secret_key: ClassVar[bool] = False
    # What a store that has stopped paying may still do for a while, and what it always may.
    reading_methods: ClassVar[Collection[str]] = ("GET", "HEAD")
    is_always_answered: ClassVar[bool] = False
    _has_secret_key = False
    # What the caller is told of its rate, and of how it stands with paying.
    _told: Mapping[str, str] = MappingProxyType({})

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        origin = request.headers.get("Origin")
        methods = self._page_methods()
        if origin is not None and methods and request.method == "OPTIONS":
            return preflight(origin, methods=methods)
        response = super().dispatch(request, *args, **kwargs)
        for name, value in self._told.items():
            response.headers[name] = value
        if origin is not None and methods and not self._has_secret_key:
            let_page_read(response, origin)
        return response

    @override
    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        self._has_secret_key = self.caller.kind == "secret"
        entitlement = self.caller.entitlement
        if self.caller.kind == "publishable":
            address = request.META["REMOTE_ADDR"]
            self._told = take_page_call(self.caller.environment.pk, address)
        elif entitlement.rate_per_second is not None and entitlement.burst is not None:
            self._told = take_plan_call(
                str(entitlement.pk),
                per_second=entitlement.rate_per_second,
                burst=entitlement.burst,
            )
        if self._has_secret_key and entitlement.state in WARNING_STATES:
            self._told = {**self._told, "X-Billing-State": entitlement.state}

    @override
    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        entitlement = self.caller.entitlement
        is_reading = entitlement.access == "reads" and request.method in self.reading_methods
        if entitlement.access != "full" and not (is_reading or self.is_always_answered):
            raise payment_required(
                access=entitlement.access,
                state=entitlement.state,
                is_page=self.caller.kind == "publishable",
            )

    @classmethod
    def _page_methods(cls) -> list[str]:
        return [
            method
            for method, scope in cls.required_scopes.items()
            if not cls.needs_secret_key and scope in PUBLISHABLE_SCOPES and method in PAGE_METHODS
        ]

    @property
    def caller(self) -> Caller:
        """Return whom the request acts for."""
        return cast(Caller, self.request.auth)

    @override
    def answer(self, handler: partial[HttpResponse]) -> HttpResponse:
        key = idempotency_key(self.request)
        with in_environment(self.caller.environment):
            if key is None:
                return handler()
            return answer_once(
                environment=self.caller.environment,
                request=self.request,
                key=key,
                answer=partial(self.answer_or_problem, handler),
                secret_members=self.secret_members,
            )


class BeaconView(EnvironmentView):
    """A view that a page may also tell something with `navigator.sendBeacon` when it is left.

    Its key stands in the query then, and its JSON comes as text/plain; anything else would have
    the browser ask first, which it does not do for a page that is gone.
    """

    authentication_classes: Sequence[type[BaseAuthentication]] = (
        BeaconAuthentication,
        BearerAuthentication,
    )
    write_parameters: ClassVar = ("key",)

    @override
    def get_parsers(self) -> list[BaseParser]:
        parsers = super().get_parsers()
        # The OpenAPI document is made of views without a request.
        request: Request | None = self.request
        is_beacon = request is not None and "key" in request.GET
        return [*parsers, BeaconParser()] if is_beacon else parsers
