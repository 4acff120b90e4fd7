"""The tree of errors: services raise them, one handler per edge turns them into problem+json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self


def pointer_step(name: str) -> str:
    """Return a member's name as a JSON pointer writes it (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad value inside a request: where it stands, a stable code, and the way out."""

    pointer: str
    code: str
    detail: str
    index: int | None = None
    id: str | None = None

    def as_member(self) -> dict[str, Any]:
        """Return the JSON member of `errors`, without the members that do not apply."""
        member: dict[str, Any] = {}
        if self.index is not None:
            member["index"] = self.index
        if self.id is not None:
            member["id"] = self.id
        return member | {"pointer": self.pointer, "code": self.code, "detail": self.detail}


class ShelfwiseError(Exception):
    """An answer the caller can act on: a stable code, a status and one sentence."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        pointer: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        if pointer is not None:
            self.errors = (FieldError(pointer=pointer, code=self.code, detail=detail), *errors)
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    def within(self, place: str) -> Self:
        """Let the error point into a larger document, where its own begins at `place`."""
        self.errors = tuple(replace(each, pointer=place + each.pointer) for each in self.errors)
        return self


class BadRequest(ShelfwiseError):
    """The request cannot be understood."""

    code = "bad_request"
    status = 400
    title = "Bad request"


class MalformedJson(BadRequest):
    """The body is not the JSON this service reads (RFC 8259, no NaN, no lone surrogates)."""

    code = "malformed_json"
    title = "Malformed JSON"


class TooDeep(BadRequest):
    """The body nests deeper than any request needs."""

    code = "too_deep"
    title = "JSON nested too deeply"


class InvalidParameter(BadRequest):
    """A query parameter, a path part or a member of the body has a value out of range."""

    code = "invalid_parameter"
    title = "Invalid parameter"


class UnknownField(BadRequest):
    """A member that this call does not know."""

    code = "unknown_field"
    title = "Unknown field"


class InvalidFilter(BadRequest):
    """The filter expression cannot be read."""

    code = "invalid_filter"
    title = "Invalid filter"


class MalformedEncoding(BadRequest):
    """The body does not inflate."""

    code = "malformed_encoding"
    title = "Malformed content encoding"


class InvalidToken(ShelfwiseError):
    """No credential, or one that is wrong, expired, revoked or foreign: one body for all."""

    code = "invalid_token"
    status = 401
    title = "Invalid credential"

    def __init__(self) -> None:
        super().__init__(
            "The API key or token is missing, wrong, expired or revoked; "
            "send 'Authorization: Bearer <API key>'.",
            headers={"WWW-Authenticate": 'Bearer realm="shelfwise"'},
        )


class PaymentRequired(ShelfwiseError):
    """The subscription does not allow this call now."""

    code = "payment_required"
    status = 402
    title = "Payment required"


class Forbidden(ShelfwiseError):
    """The credential is good, the call is not allowed with it."""

    code = "forbidden"
    status = 403
    title = "Forbidden"


class InsufficientScope(Forbidden):
    """The credential lacks the scope that this call needs."""

    code = "insufficient_scope"
    title = "Insufficient scope"

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This credential lacks the scope '{scope}'; use a key that has it.",
            headers={
                "WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"',
            },
            members={"scope": scope},
        )


class UserTokenRequired(Forbidden):
    """A browser named a shopper without the shop's word for it."""

    code = "user_token_required"
    title = "User token required"


class OriginNotAllowed(Forbidden):
    """A browser key was used on a page that is not on its list."""

    code = "origin_not_allowed"
    title = "Origin not allowed"


class TenantSuspended(Forbidden):
    """Staff suspended the tenant."""

    code = "tenant_suspended"
    title = "Tenant suspended"


class NotFound(ShelfwiseError):
    """No such object for this caller: another tenant's object answers the same."""

    code = "not_found"
    status = 404
    title = "Not found"


class MethodNotAllowed(ShelfwiseError):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"


class NotAcceptable(ShelfwiseError):
    """The caller accepts no form that this call can answer in."""

    code = "not_acceptable"
    status = 406
    title = "Not acceptable"


class Conflict(ShelfwiseError):
    """The object's state does not allow the call now."""

    code = "conflict"
    status = 409
    title = "Conflict"


class IdempotencyInProgress(Conflict):
    """The first request with this Idempotency-Key is still running."""

    code = "idempotency_in_progress"
    title = "Request in progress"


class PayloadTooLarge(ShelfwiseError):
    """The body is larger than this service reads."""

    code = "payload_too_large"
    status = 413
    title = "Payload too large"


class BatchTooLarge(PayloadTooLarge):
    """More rows than one batch may carry."""

    code = "batch_too_large"
    title = "Batch too large"


class ImportTooLarge(PayloadTooLarge):
    """A file with more bytes, rows or columns than one import takes."""

    code = "import_too_large"
    title = "Import too large"


class UnsupportedMediaType(ShelfwiseError):
    """The body is not JSON."""

    code = "unsupported_media_type"
    status = 415
    title = "Unsupported media type"


class UnsupportedEncoding(UnsupportedMediaType):
    """The body's Content-Encoding is not gzip."""

    code = "unsupported_encoding"
    title = "Unsupported content encoding"


class Unprocessable(ShelfwiseError):
    """The request is readable, its content is not acceptable."""

    code = "unprocessable"
    status = 422
    title = "Unprocessable content"


class InvalidObject(Unprocessable):
    """A single object has bad members; each is named in `errors`."""

    code = "invalid_object"
    title = "Invalid object"


class UnreadableFile(Unprocessable):
    """A file that is none of the formats of an import, or breaks off."""

    code = "unreadable_file"
    title = "Unreadable file"


class UrlNotAllowed(Unprocessable):
    """A URL that we do not call: not https, or it leads anywhere but to the public internet."""

    code = "url_not_allowed"
    title = "URL not allowed"


class RowsRejected(Unprocessable):
    """No row of a batch could be taken; counts and errors are members."""

    code = "rows_rejected"
    title = "Rows rejected"


class IdempotencyMismatch(Unprocessable):
    """An Idempotency-Key came again with another body."""

    code = "idempotency_mismatch"
    title = "Idempotency-Key reused"


class RateLimited(ShelfwiseError):
    """More calls per second than the plan allows."""

    code = "rate_limited"
    status = 429
    title = "Too many requests"


class QuotaExceeded(RateLimited):
    """The plan's recommendation calls are used up."""

    code = "quota_exceeded"
    title = "Quota exceeded"


class InternalError(ShelfwiseError):
    """Our fault; the request id leads staff to the log line."""

    code = "internal_error"
    status = 500
    title = "Internal error"


class Unavailable(ShelfwiseError):
    """A part of the service is away for a moment; the caller may retry."""

    code = "unavailable"
    status = 503
    title = "Service unavailable"


class StorageUnavailable(Unavailable):
    """PostgreSQL is away, so nothing can be written durably."""

    code = "storage_unavailable"
    title = "Storage unavailable"


class BillingUnavailable(Unavailable):
    """The payment provider is away, or not set up here."""

    code = "billing_unavailable"
    title = "Billing unavailable"


class Overloaded(Unavailable):
    """Shed before it could queue."""

    code = "overloaded"
    title = "Overloaded"
