"""One recommendation call, from its bytes to its answer: the hot path, without SQL or blocking."""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog
from msgspec import UNSET
from ulid import ULID

from api.inference import metrics
from api.inference.answers import Answer, Freshness, encode, for_page
from api.inference.bodies import ClientDisconnected, Receive, read_body
from api.inference.credentials import Caller
from api.inference.decoding import decode
from api.inference.error_reports import report_error
from api.inference.recommend import Outcome, recommend
from api.inference.rendering import answer_items, model_name
from api.inference.requests import Request
from api.inference.responses import Send, our_fault, page_headers, send_json, send_problem
from api.inference.runtime import Runtime
from api.inference.shelf import Shelf
from api.inference.shopper import Shopper, find_shopper, find_shopper_since
from billing.metering.record import Operation, UsageFlag
from saas.lib.errors import NotAcceptable, ShelfwiseError, UnknownField

OPERATIONS: Mapping[str, Operation] = {
    "for-user": Operation.FOR_USER,
    "similar": Operation.SIMILAR,
    "popular": Operation.POPULAR,
    "recently-viewed": Operation.RECENTLY_VIEWED,
    "rerank": Operation.RERANK,
}
# Bound once: looking a child up costs more than observing.
_SECONDS = {name: metrics.CALL_SECONDS.labels(name) for name in OPERATIONS}
_ANSWERED = {name: metrics.ANSWERS.labels(name, "200") for name in OPERATIONS}

_log = structlog.get_logger()


async def handle_call(
    runtime: Runtime,
    operation: str,
    *,
    headers: Mapping[bytes, bytes],
    request_id: str,
    receive: Receive,
    send: Send,
) -> None:
    """Answer one call with items or with a problem."""
    started = time.perf_counter()
    origin = headers.get(b"origin")
    caller: Caller | None = None
    try:
        _check_accept(headers.get(b"accept"))
        caller = await runtime.credentials.caller(headers.get(b"authorization"), origin=origin)
        request = decode(operation, await read_body(headers, receive))
        body = await _answered(runtime, operation, caller, request, started)
    except ClientDisconnected:
        return
    except ShelfwiseError as error:
        metrics.ANSWERS.labels(operation, str(error.status)).inc()
        page = () if caller and not caller.is_publishable else page_headers(origin)
        await send_problem(send, error, request_id=request_id, headers=page)
        return
    except Exception as error:  # noqa: BLE001  # the edge: whatever it is, the caller gets a problem
        metrics.ANSWERS.labels(operation, "500").inc()
        _log.exception(
            "call_failed",
            operation=operation,
            request_id=request_id,
            environment=caller.environment.id if caller else None,
        )
        report_error(error)
        await send_problem(send, our_fault(), request_id=request_id)
        return
    page = page_headers(origin) if caller.is_publishable else ()
    await send_json(send, status=200, body=body, request_id=request_id, headers=page)
    _ANSWERED[operation].inc()
    _SECONDS[operation].observe(time.perf_counter() - started)


def _check_accept(accept: bytes | None) -> None:
    if accept is None or b"json" in accept or b"*/*" in accept or b"application/*" in accept:
        return
    raise NotAcceptable(
        f"'{accept.decode('latin-1')[:80]}' is not what this service answers; "
        "accept 'application/json'."
    )


async def _answered(
    runtime: Runtime, operation: str, caller: Caller, request: Request, started: float
) -> bytes:
    if caller.is_publishable and request.user_id is not None:
        await runtime.credentials.admit_user(
            caller, user_id=request.user_id, token=request.user_token
        )
    if caller.is_publishable and request.min_watermark is not None:
        raise UnknownField(
            "'min_watermark' is for secret keys alone; a page leaves it out.",
            pointer="/min_watermark",
        )
    environment_id = caller.environment.id
    shelf = runtime.shelves.get(environment_id)
    if shelf is None:
        shelf = await runtime.shelves.opened(environment_id)
    shopper, freshness = await _found(runtime, request, shelf, environment_id)
    outcome = recommend(request, shelf=shelf, shopper=shopper)
    call_id = ULID()
    answer = Answer(
        recommendation_id=str(call_id),
        type=operation,
        placement=request.placement,
        items=answer_items(
            outcome,
            shelf=shelf,
            has_product=caller.is_publishable or "product" in request.include,
        ),
        warnings=outcome.warnings,
        model=model_name(shelf.model),
        strategy=outcome.strategy,
        fallback=outcome.fallback,
        freshness=freshness,
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )
    if outcome.fallback is not None:
        metrics.FALLBACKS.labels(outcome.fallback.reason).inc()
    _record(runtime, operation, caller, call_id, outcome, has_items=bool(answer.items))
    return encode(for_page(answer) if caller.is_publishable else answer)


async def _found(
    runtime: Runtime, request: Request, shelf: Shelf, environment_id: int
) -> tuple[Shopper, Freshness]:
    find = find_shopper if request.min_watermark is None else find_shopper_since
    found = await find(
        request,
        environment_id=environment_id,
        identities=shelf.identities,
        recent_events=runtime.recent_events,
    )
    shopper, state = found if isinstance(found, tuple) else (found, UNSET)
    return shopper, Freshness(
        watermark=shopper.recents.watermark,
        lag_ms=runtime.shelves.lag_ms(),
        min_watermark=state,
    )


def _record(
    runtime: Runtime,
    operation: str,
    caller: Caller,
    call_id: ULID,
    outcome: Outcome,
    *,
    has_items: bool,
) -> None:
    """Keep the call before its answer leaves; an empty answer is not one to charge for."""
    is_billable = has_items and caller.environment.kind == "live"
    flags = UsageFlag.BILLABLE if is_billable else UsageFlag(0)
    if outcome.fallback is not None:
        flags |= UsageFlag.FALLBACK
    is_recorded = runtime.usage_log.append(
        call_id=call_id.bytes,
        environment_id=caller.environment.id,
        units=1,
        operation=OPERATIONS[operation],
        flags=flags,
        at_ms=call_id.milliseconds,
    )
    if not is_recorded:
        metrics.USAGE_UNRECORDED.inc()
