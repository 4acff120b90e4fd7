"""Turns an error into the body of `application/problem+json` (RFC 9457), for every edge alike."""

from __future__ import annotations

from typing import Any

from saas.lib.errors import ShelfwiseError

CONTENT_TYPE = "application/problem+json"


def problem(error: ShelfwiseError, *, instance: str) -> dict[str, Any]:
    """Return the problem body; `instance` is the request id.

    >>> from saas.lib.errors import NotFound
    >>> problem(NotFound("No item 'sku-19'."), instance="req_1")["code"]
    'not_found'
    """
    return {
        "type": f"/docs/errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "instance": instance,
        "errors": [each.as_member() for each in error.errors],
        **error.members,
    }
