"""What Schemathesis checks beyond its own: a request that fits the document is taken or explained.

Loaded by Schemathesis itself (SCHEMATHESIS_HOOKS).
"""

from __future__ import annotations

import os
import re
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure

# What no schema can say of a request, by the codes of the problem or of its errors.
EXPLAINED = {
    # Of a number beyond 64 bits: JSON Schema knows no such limit.
    "malformed_json",
    # One key comes with several bodies.
    "idempotency_mismatch",
    "idempotency_in_progress",
    # Of rows that fit the schema: a shopper is missing, a time is to come, an attribute's type …
    "rows_rejected",
    "invalid_object",
    # What there is, and in which state.
    "not_found",
    "conflict",
    # Languages of their own.
    "invalid_filter",
    "invalid_origin",
    "url_not_allowed",
    # A list that may not be empty: Django REST Framework's document is silent about that.
    "empty",
    # Rights to name a user.
    "user_token_required",
}
# Cursors, watermarks, names of zones and currencies have a form of their own, times may be over,
# spans end after they begin, formats, modes, scopes and users are of one kind of request, a new
# attribute needs a type, to JSON Schema 1.0 is a whole number, and of some members a request has
# exactly one (no pointer).
EXPLAINED_AT = re.compile(
    r"[?]cursor|[?]from|/min_watermark|/timezone|(/spend_cap)?/currency|/mapping|/file|/format"
    r"|/expires_at|/type|/users|/mode|/scopes"
    r"|(/requests/\d+|/placements/.+)?/(limit|seed|max_per_brand|max_per_category)|",
    re.DOTALL,
)
# Any id must be printable, in the eyes of Unicode.
UNPRINTABLE = re.compile("cannot be printed|control characters|a NUL|Null characters")


@schemathesis.hook
def before_call(_context: Any, case: Any, _sent: Any) -> None:
    """Keep the run from revoking the key that it calls with, and from naming two callers.

    Beside the key in the header, whatever a page's key says is not looked at.
    """
    case.query.pop("key", None)
    if case.path_parameters.get("key_id") == os.environ["FUZZ_KEY_ID"]:
        case.path_parameters["key_id"] = "key_of_nobody"


@schemathesis.check
def valid_requests_are_taken_or_explained(_context: Any, response: Any, case: Any) -> None:
    """Refuse no valid request but for what the document cannot say."""
    # The coverage phase's texts have the right length and ignore their format.
    is_valid = case.meta.generation.mode.is_positive and case.meta.phase.name.value == "fuzzing"
    # A key that fits the document is still nobody's.
    if not is_valid or response.status_code < 300 or case.path == "/v1/auth/token":
        return
    problem = response.json()
    for error in problem["errors"] or [{"code": problem["code"], "pointer": "", "detail": ""}]:
        if not (
            {problem["code"], error["code"]} & EXPLAINED
            or EXPLAINED_AT.fullmatch(error["pointer"])
            or UNPRINTABLE.search(error["detail"])
        ):
            raise Failure(
                operation=case.operation.label,
                title="A valid request was refused",
                message=f"{response.status_code} {problem['code']}: {error}",
            )
