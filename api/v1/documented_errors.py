"""Says in the OpenAPI document how each call can fail: its statuses, and the codes behind each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from saas.lib.errors import ShelfwiseError
from saas.lib.problems import CONTENT_TYPE

_ALWAYS = {400, 406, 429, 500, 503}
_WITH_CREDENTIAL = {401, 402, 403}
_WITH_BODY = {413, 415}
_OF_WRITES = {404, 409, 422}
_WRITES = {"post", "put", "patch", "delete"}


def error_kinds() -> list[type[ShelfwiseError]]:
    """Return every error that a client can meet, by status and code."""

    def below(kind: type[ShelfwiseError]) -> Iterator[type[ShelfwiseError]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    return sorted(set(below(ShelfwiseError)), key=lambda kind: (kind.status, kind.code))


def problem_responses() -> dict[str, Any]:
    """Return the components that calls refer to, one for each status of an error."""
    codes: dict[int, list[str]] = {}
    for kind in error_kinds():
        codes.setdefault(kind.status, []).append(f"`{kind.code}`")
    problem = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        f"Problem{status}": {
            "description": f"{', '.join(names)}: see `/docs/errors`.",
            "content": problem,
        }
        for status, names in codes.items()
    }


def add_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    """Let an operation say with which statuses it refuses."""
    statuses = set(_ALWAYS)
    # The one public call that may refuse looks at a credential in its body.
    if "security" in operation or "requestBody" in operation:
        statuses |= _WITH_CREDENTIAL
    if "requestBody" in operation:
        statuses |= _WITH_BODY
    if "{" in path:
        statuses.add(404)
    is_recommendation = "recommendations" in operation["tags"]
    if method in _WRITES and not is_recommendation:
        statuses |= _OF_WRITES
    for status in sorted(statuses):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
