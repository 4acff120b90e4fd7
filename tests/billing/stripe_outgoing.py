"""Checks each request of ours to Stripe before it leaves: what no server here may let pass.

The local Stripe checks what comes in by the same request types; this looks at our own side, so that
a lenient server would not hide a mistake from us.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe
from typing_extensions import override

from billing.local_stripe.endpoint import Endpoint
from billing.local_stripe.parameters import checked, parse_form
from billing.local_stripe.problems import StripeProblem
from billing.local_stripe.server import ENDPOINTS
from billing.local_stripe.world import API_VERSION


class CheckedClient(stripe.RequestsClient):
    """The client of the `stripe` library that our gateway makes, with a look at what it sends."""

    @override
    def request(  # type: ignore[override]  # as RequestsClient's own is
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        check_request(method, url, headers or {}, post_data or "")
        return super().request(method, url, headers, post_data)


def check_request(method: str, url: str, headers: Mapping[str, str], body: str) -> None:
    """Refuse what Stripe's documents do not have, and a deed that a retry would do twice.

    Raises
    ------
    AssertionError
        It must not be sent.
    """
    method, parts = method.upper(), urlsplit(url)
    endpoint = _endpoint(method, parts.path)
    assert endpoint is not None, f"The local Stripe has no {method} {parts.path}."
    if parts.path.startswith("/v1/"):
        try:
            checked(endpoint.parameters, parse_form(body if method == "POST" else parts.query))
        except StripeProblem as problem:
            raise AssertionError(f"{method} {parts.path}: {problem}") from None
    if method == "POST":
        assert headers.get("Idempotency-Key"), f"{method} {parts.path} without Idempotency-Key"
    assert headers["Stripe-Version"] == API_VERSION
    assert "X-Stripe-Client-Telemetry" not in headers


def _endpoint(method: str, path: str) -> Endpoint | None:
    for endpoint in ENDPOINTS:
        pattern = re.sub(r"\{\w+\}", "[^/]+", endpoint.path)
        if endpoint.method == method and re.fullmatch(pattern, path):
            return endpoint
    return None
