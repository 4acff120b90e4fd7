"""One recommendation call, from its bytes to its answer: the hot path, without SQL or blocking."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog

from api.inference import metrics
from api.inference.answering import OPERATIONS, answer, begin_visit
from api.inference.answers import Answer, BatchAnswer, PublicAnswer, encode, for_page
from api.inference.batch import decode_batch
from api.inference.bodies import ClientDisconnected, Receive, read_body
from api.inference.credentials import Caller
from api.inference.decoding import decode
from api.inference.explain_requests import decode_question
from api.inference.explaining import explain
from api.inference.explanations import explanation_for_page
from api.inference.responses import (
    Send,
    header_pairs,
    our_fault,
    page_headers,
    send_json,
    send_problem,
)
from api.inference.runtime import Runtime
from saas.lib.errors import NotAcceptable, ShelfwiseError
from saas.lib.problems import problem
from saas.lib.rate_limit import take_page_call
from tenants.error_reports import report_error

# A page's boxes in one call.
BATCH = "batch"
# Where an item stands in the answer to a call.
EXPLAIN = "explain"
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
    started = time.perf_counter()
    origin = headers.get(b"origin")
    caller: Caller | None = None
    try:
        _check_accept(headers.get(b"accept"))
        caller = await runtime.credentials.caller(headers.get(b"authorization"), origin=origin)
        rate = take_page_call(caller.environment.id, address) if caller.is_publishable else {}
        sent = await read_body(headers, receive)
        if operation == BATCH:
            body = await _answered_batch(runtime, caller, sent, started, request_id=request_id)
        elif operation == EXPLAIN:
            body = await _explained(runtime, caller, sent, started)
        else:
            body = await _answered(runtime, operation, caller, sent, started)
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
    page = [*page_headers(origin), *header_pairs(rate)] if caller.is_publishable else ()
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
    runtime: Runtime, operation: str, caller: Caller, body: bytes, started: float
) -> bytes:
    request = decode(operation, body)
    visit = await begin_visit(runtime, caller, request)
    await runtime.turns.wait(caller.environment.id)
    given = answer(runtime, visit, operation, request, started=started)
    return encode(for_page(given) if caller.is_publishable else given)


async def _explained(runtime: Runtime, caller: Caller, body: bytes, started: float) -> bytes:
    question = decode_question(body)
    visit = await begin_visit(runtime, caller, question.request)
    await runtime.turns.wait(caller.environment.id)
    given = explain(visit, question, started=started)
    return encode(explanation_for_page(given) if caller.is_publishable else given)


async def _answered_batch(
    runtime: Runtime, caller: Caller, body: bytes, started: float, *, request_id: str
) -> bytes:
    batch = decode_batch(body)
    visit = await begin_visit(runtime, caller, batch.asked)
    shown: list[str] = []
    results: list[Answer | PublicAnswer | dict[str, Any]] = []
    for box in range(len(batch.asked.requests)):
        try:
            # Another store's call need not wait for the whole page.
            await runtime.turns.wait(caller.environment.id)
            operation, request = batch.request(box, exclude=shown if batch.asked.distinct else ())
            given = answer(runtime, visit, operation, request, started=started)
        except ShelfwiseError as error:
            results.append(problem(error.within(f"/requests/{box}"), instance=request_id))
            continue
        except Exception as error:  # noqa: BLE001  # a box's edge: the others must be answered
            _log.exception("box_failed", request_id=request_id, box=box)
            report_error(error)
            results.append(problem(our_fault(), instance=request_id))
            continue
        shown += [item.id for item in given.items]
        results.append(for_page(given) if caller.is_publishable else given)
    return encode(BatchAnswer(results))
