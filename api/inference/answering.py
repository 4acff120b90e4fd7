"""One recommendation call from its request to its answer, recorded before the answer leaves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from api.inference import metrics
from api.inference.answers import Answer, Freshness, PublicAnswer, as_items
from api.inference.charges import Charge
from api.inference.credentials import Caller
from api.inference.recommend import Outcome, recommend
from api.inference.rendering import model_name, rendered_items, rendered_page_items
from api.inference.requests import Common, Request
from api.inference.runtime import Runtime
from api.inference.shelf import Shelf
from api.inference.shopper import Shopper, find_shopper, find_shopper_since
from billing.metering.record import Operation, UsageFlag, tag_of, took_step
from saas.lib.errors import UnknownField
from saas.lib.ids import Ulid, make_ulid

OPERATIONS: Mapping[str, Operation] = {
    "for-user": Operation.FOR_USER,
    "similar": Operation.SIMILAR,
    "bought-together": Operation.BOUGHT_TOGETHER,
    "cart": Operation.CART,
    "trending": Operation.TRENDING,
    "popular": Operation.POPULAR,
    "recently-viewed": Operation.RECENTLY_VIEWED,
    "rerank": Operation.RERANK,
}
# As numbers: adding flags up as such takes as long as writing the record.
_BILLABLE, _FALLBACK = int(UsageFlag.BILLABLE), int(UsageFlag.FALLBACK)
# What a page may not ask for.
_SECRET_MEMBERS = ("min_watermark", "seed")


class Visit(NamedTuple):
    """Who asks, for whom, and what is known: the same for every box of a page."""

    caller: Caller
    shelf: Shelf
    shopper: Shopper
    freshness: Freshness


class Given(NamedTuple):
    """An answer, and what was decided."""

    answer: Answer | PublicAnswer
    outcome: Outcome


async def begin_visit(runtime: Runtime, caller: Caller, asked: Common) -> Visit:
    """Check what the caller may name and look the shopper up.

    Raises
    ------
    ShelfwiseError
        A page names a user without the user's token, or asks for what is not a page's.
    """
    if caller.is_publishable:
        await _check_page(runtime, caller, asked)
    environment_id = caller.environment.id
    shelf = runtime.shelves.get(environment_id)
    if shelf is None:
        shelf = await runtime.shelves.opened(environment_id)
    find = find_shopper if asked.min_watermark is None else find_shopper_since
    shopper, state = await find(
        asked,
        environment_id=environment_id,
        identities=shelf.identities,
        recent_events=runtime.recent_events,
    )
    freshness = Freshness(
        watermark=shopper.recents.watermark,
        lag_ms=runtime.shelves.lag_ms(),
        min_watermark=state,
    )
    return Visit(caller, shelf, shopper, freshness)


async def _check_page(runtime: Runtime, caller: Caller, asked: Common) -> None:
    if asked.user_id is not None:
        await runtime.credentials.admit_user(caller, user_id=asked.user_id, token=asked.user_token)
    for name in _SECRET_MEMBERS:
        if getattr(asked, name) is not None:
            raise UnknownField(
                f"'{name}' is for secret keys alone; a page leaves it out.", pointer=f"/{name}"
            )


async def answer(
    runtime: Runtime,
    visit: Visit,
    operation: str,
    request: Request,
    *,
    charge: Charge,
    started: float,
) -> Given:
    """Recommend, and keep the record of it; `started` is of `time.perf_counter`.

    Raises
    ------
    QuotaExceeded
        The store's calls are used up, and it wants an error then.
    """
    caller, shelf = visit.caller, visit.shelf
    is_limited = charge.is_used_up()
    decide = partial(recommend, request, shelf=shelf, shopper=visit.shopper, is_limited=is_limited)
    outcome = await runtime.scans.run(shelf, caller.environment.id, decide)
    call_id = make_ulid()
    if outcome.fallback is not None:
        metrics.FALLBACKS.labels(outcome.fallback.reason).inc()
    # A preview is no call of the store's: it uses nothing and leaves no record.
    if not caller.is_preview:
        # An empty answer is not one to charge for, nor is one that is given instead of a refusal.
        is_free = is_limited or charge.is_free or caller.environment.kind != "live"
        is_billable = bool(outcome.picked) and not is_free
        if is_billable:
            charge.use()
        placement_tag = runtime.labels.tag(caller.environment.id, request.placement)
        _record(
            runtime,
            operation,
            caller,
            call_id,
            outcome,
            is_billable=is_billable,
            placement_tag=placement_tag,
            took_ms=(time.perf_counter() - started) * 1000,
        )
    if caller.is_publishable:
        page_items = rendered_page_items(outcome.picked, shelf)
        return Given(PublicAnswer(call_id.text, as_items(page_items), outcome.fallback), outcome)
    items = rendered_items(outcome.picked, shelf, has_product="product" in request.include)
    given = Answer(
        recommendation_id=call_id.text,
        type=operation,
        placement=request.placement,
        items=as_items(items),
        warnings=outcome.warnings,
        model=model_name(shelf.model),
        strategy=outcome.strategy,
        fallback=outcome.fallback,
        freshness=visit.freshness,
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )
    return Given(given, outcome)


def _record(
    runtime: Runtime,
    operation: str,
    caller: Caller,
    call_id: Ulid,
    outcome: Outcome,
    *,
    is_billable: bool,
    placement_tag: int,
    took_ms: float,
) -> None:
    """Keep the call before its answer leaves."""
    flags = _BILLABLE if is_billable else 0
    if outcome.fallback is not None:
        flags |= _FALLBACK
    is_recorded = runtime.usage_log.append(
        call_id=call_id.packed,
        environment_id=caller.environment.id,
        units=1,
        operation=OPERATIONS[operation],
        flags=flags,
        at_ms=call_id.epoch_ms,
        took_step=took_step(took_ms),
        key_tag=tag_of(caller.key.id),
        placement_tag=placement_tag,
    )
    if not is_recorded:
        metrics.USAGE_UNRECORDED.inc()
