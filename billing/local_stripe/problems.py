"""Stripe's errors as its API answers them."""

from __future__ import annotations

from typing import Any


class StripeProblem(Exception):
    """An answer that refuses: Stripe's error body and status."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.should_retry = should_retry
        named = {"code": code, "param": param}
        error = {"type": kind, "message": message} | {k: v for k, v in named.items() if v}
        self.body: dict[str, Any] = {"error": error}


def no_such(kind: str, identifier: str, *, param: str = "id") -> StripeProblem:
    """Make the 404 for an object that is not there."""
    return StripeProblem(
        f"No such {kind}: '{identifier}'", status=404, code="resource_missing", param=param
    )
