"""One recommendation call, from its bytes to its answer: the hot path, without SQL or blocking."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from itertools import count
from typing import Any

import structlog

from api.inference import metrics
from api.inference.answering import OPERATIONS, Visit, answer, begin_visit
from api.inference.answers import Answer, BatchAnswer, PublicAnswer, encode
from api.inference.batch import Batch, decode_batch
from api.inference.bodies import ClientDisconnected, Receive, read_body
from api.inference.charges import Charge, begin_charge, plan_headers, take_rate
from api.inference.credentials import Caller
from api.inference.explain_requests import decode_question
from api.inference.explaining import explain
from api.inference.explanations import explanation_for_page
from api.inference.placements import decode_call
from api.inference.rendering import item_ids
from api.inference.repeats import mark_of
from api.inference.responses import (
    Send,
    header_pairs,
    our_fault,
    page_headers,
    send_json,
    send_problem,
)
from api.inference.runtime import Runtime
from api.inference.stopwatch import Stopwatch
from saas.lib.errors import NotAcceptable, ShelfwiseError
from saas.lib.problems import problem
from saas.lib.rate_limit import take_page_call
from tenants.error_reports import report_error

# A page's boxes in one call.
BATCH = "batch"
# Where an item stands in the answer to a call.
EXPLAIN = "explain"
# Longer than a page should wait.
SLOW_SECONDS = 0.1
# Of so many calls one is logged, also if it is not slow.
SAMPLED_CALLS = 100
_calls = count(1)
# Bound once: looking a child up costs more than observing.
_SECONDS = {name: metrics.CALL_SECONDS.labels(name) for name in (*OPERATIONS, BATCH, EXPLAIN)}
_ANSWERED = {name: metrics.ANSWERS.labels(name, "200") for name in (*OPERATIONS, BATCH, EXPLAIN)}

_log = structlog.get_logger()


async def handle_call(
    runtime: Runtime,
    operation: str,
    *,
    headers: Mapping[bytes, bytes],
    address: str,
    request_id: str,
    receive: Receive,
    send: Send,
) -> None:
    """Answer one call with items or with a problem."""
    watch = Stopwatch()
    origin = headers.get(b"origin")
    caller: Caller | None = None
    try:
        _check_accept(headers.get(b"accept"))
        caller = await runtime.credentials.caller(headers.get(b"authorization"), origin=origin)
        if caller.is_publishable:
            rate = take_page_call(caller.environment.id, address)
            runtime.page_rates.tell(caller.environment.id, address)
        else:
            rate = await take_rate(runtime, caller)
        watch.mark("credentials")
        sent = await read_body(headers, receive)
        watch.mark("body")
        key = headers.get(b"idempotency-key")
        mark = None if key is None else mark_of(key, operation=operation, body=sent)
        if operation == BATCH:
            body = await _answered_batch(runtime, caller, sent, mark, watch, request_id=request_id)
        elif operation == EXPLAIN:
            body = await _explained(runtime, caller, sent, watch)
        else:
            body = await _answered(runtime, operation, caller, sent, mark, watch)
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
    own = header_pairs({**rate, **plan_headers(runtime, caller)})
    await send_json(send, status=200, body=body, request_id=request_id, headers=[*page, *own])
    watch.mark("sending")
    _ANSWERED[operation].inc()
    _SECONDS[operation].observe(watch.seconds())
    _log_call(watch, operation, caller, request_id=request_id)


def _log_call(watch: Stopwatch, operation: str, caller: Caller, *, request_id: str) -> None:
    """Log each slow call, and one of many of the others."""
    is_slow = watch.seconds() > SLOW_SECONDS
    if is_slow or next(_calls) % SAMPLED_CALLS == 0:
        _log.log(
            logging.WARNING if is_slow else logging.INFO,
            "slow_call" if is_slow else "call",
            operation=operation,
            request_id=request_id,
            environment=caller.environment.id,
            seconds=round(watch.seconds(), 4),
            milliseconds=watch.milliseconds_by_part(),
        )


def _check_accept(accept: bytes | None) -> None:
    if accept is None or b"json" in accept or b"*/*" in accept or b"application/*" in accept:
        return
    raise NotAcceptable(
        f"'{accept.decode('latin-1')[:80]}' is not what this service answers; "
        "accept 'application/json'."
    )


async def _answered(
    runtime: Runtime,
    operation: str,
    caller: Caller,
    body: bytes,
    mark: bytes | None,
    watch: Stopwatch,
) -> bytes:
    request = decode_call(operation, body, placements=caller.environment.placements)
    watch.mark("decoding")
    visit = await begin_visit(runtime, caller, request)
    watch.mark("shopper")
    with closing(await begin_charge(runtime, caller, units=1, mark=mark)) as charge:
        await runtime.turns.wait(caller.environment.id)
        watch.mark("turn")
        given = await answer(
            runtime, visit, operation, request, charge=charge, started=watch.started
        )
    watch.mark("scoring")
    return encode(given.answer)


async def _explained(runtime: Runtime, caller: Caller, body: bytes, watch: Stopwatch) -> bytes:
    question = decode_question(body, placements=caller.environment.placements)
    watch.mark("decoding")
    visit = await begin_visit(runtime, caller, question.request)
    watch.mark("shopper")
    await runtime.turns.wait(caller.environment.id)
    watch.mark("turn")
    tell = partial(explain, visit, question, started=watch.started)
    given = await runtime.scans.run(visit.shelf, caller.environment.id, tell)
    watch.mark("scoring")
    return encode(explanation_for_page(given) if caller.is_publishable else given)


async def _answered_batch(
    runtime: Runtime,
    caller: Caller,
    body: bytes,
    mark: bytes | None,
    watch: Stopwatch,
    *,
    request_id: str,
) -> bytes:
    batch = decode_batch(body, placements=caller.environment.placements)
    watch.mark("decoding")
    visit = await begin_visit(runtime, caller, batch.asked)
    watch.mark("shopper")
    units = len(batch.asked.requests)
    with closing(await begin_charge(runtime, caller, units=units, mark=mark)) as charge:
        results = await _boxes(runtime, visit, batch, charge, watch, request_id=request_id)
    return encode(BatchAnswer(results))


async def _boxes(
    runtime: Runtime,
    visit: Visit,
    batch: Batch,
    charge: Charge,
    watch: Stopwatch,
    *,
    request_id: str,
) -> list[Answer | PublicAnswer | dict[str, Any]]:
    shown: list[str] = []
    results: list[Answer | PublicAnswer | dict[str, Any]] = []
    for box in range(len(batch.asked.requests)):
        try:
            # Another store's call need not wait for the whole page.
            await runtime.turns.wait(visit.caller.environment.id)
            watch.mark("turn")
            operation, request = batch.request(box, exclude=shown if batch.asked.distinct else ())
            given = await answer(
                runtime, visit, operation, request, charge=charge, started=watch.started
            )
            watch.mark("scoring")
        except ShelfwiseError as error:
            results.append(problem(error.within(f"/requests/{box}"), instance=request_id))
            continue
        except Exception as error:  # noqa: BLE001  # a box's edge: the others must be answered
            _log.exception("box_failed", request_id=request_id, box=box)
            report_error(error)
            results.append(problem(our_fault(), instance=request_id))
            continue
        shown += item_ids(given.outcome.picked, visit.shelf)
        results.append(given.answer)
    return results
