"""What a call takes from its store's quota, before it is answered and without a socket.

Only where this process's lease has run out a call waits for the next round with the counters.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import hiredis

from api.inference.credentials import Caller
from billing.metering.quota import Quota, Quotas
from saas.lib.plan_rates import PlanRate, rate_headers
from saas.lib.refusals import WARNING_STATES, quota_exceeded

if TYPE_CHECKING:
    from api.inference.runtime import Runtime

# The counters answer within a millisecond, or are away and the call goes on without them.
_MAX_WAIT_SECONDS = 1.0


class Charge:
    """The units that a call may use; what it does not use goes back with `close`."""

    __slots__ = ("_caller", "_forget", "_left", "_quota", "_quotas", "is_free")

    def __init__(self, caller: Caller, quotas: Quotas, quota: Quota | None, units: int) -> None:
        # Of a call that was charged when it came first.
        self.is_free = False
        # What to do where it comes to nothing.
        self._forget: Callable[[], None] | None = None
        self._caller = caller
        self._quotas = quotas
        self._quota = quota
        self._left = units

    def is_used_up(self) -> bool:
        """Say whether the next answer is one beyond the limit, which costs nothing.

        Raises
        ------
        QuotaExceeded
            It is, and the store prefers an error.
        """
        if self._quota is None or self._left:
            return False
        entitlement = self._caller.entitlement
        if self._caller.environment.on_limit == "error" and entitlement is not None:
            raise quota_exceeded(
                limit=self._quota.limit or 0,
                used=self._quotas.used(self._quota),
                limited_by=entitlement.limited_by,
                period_end=self._quota.period_end,
                is_page=self._caller.is_publishable,
            )
        return True

    def use(self) -> None:
        """Charge for one answer."""
        self._left -= 1
        self._forget = None

    def close(self) -> None:
        """Give back what was not used."""
        if self._forget is not None:
            self._forget()
        if self._quota is not None and self._left:
            self._quotas.give_back(self._quota, self._left)
            self._left = 0


async def begin_charge(
    runtime: Runtime, caller: Caller, *, units: int, mark: bytes | None
) -> Charge:
    """Take units of the store's quota, where it has one; a call that came before needs none."""
    if mark is None or caller.is_preview or caller.environment.kind != "live":
        return await _taken(runtime, caller, units)
    environment_id = caller.environment.id
    if await runtime.repeats.is_first(environment_id, mark):
        charge = await _taken(runtime, caller, units)
        charge._forget = partial(runtime.repeats.forget, environment_id, mark)
        return charge
    charge = Charge(caller, runtime.quotas, None, units)
    charge.is_free = True
    return charge


async def _taken(runtime: Runtime, caller: Caller, units: int) -> Charge:
    quota = quota_of(caller)
    quotas = runtime.quotas
    if quota is None:
        return Charge(caller, quotas, None, units)
    taken = quotas.take(quota, units)
    if taken < units and not quotas.is_exhausted(quota):
        with contextlib.suppress(TimeoutError):
            done = asyncio.wrap_future(runtime.quota_rounds.next_round())
            await asyncio.wait_for(done, _MAX_WAIT_SECONDS)
        taken += quotas.take(quota, units - taken)
    return Charge(caller, quotas, quota, taken)


def quota_of(caller: Caller) -> Quota | None:
    """Return what the caller's calls count against."""
    entitlement = caller.entitlement
    if entitlement is None or entitlement.period_start is None or caller.environment.kind != "live":
        return None
    return Quota(
        caller.environment.id,
        entitlement.period_start,
        entitlement.period_end or 0,
        entitlement.call_limit,
    )


async def take_rate(runtime: Runtime, caller: Caller) -> dict[str, str]:
    """Count a server's call against its plan's rate and return what is left of it.

    Raises
    ------
    RateLimited
        The store's servers call more often than its plan allows.
    """
    entitlement = caller.entitlement
    if entitlement is None or entitlement.rate_per_second is None or entitlement.burst is None:
        return {}
    # The store's servers must not be refused because somebody looks at the portal.
    if caller.is_preview:
        return {}
    rate = PlanRate(entitlement.rate_per_second, entitlement.burst)
    allowance = runtime.plan_rates.take(entitlement.tenant_id, rate)
    if allowance is None:
        question = runtime.plan_rates.question(entitlement.tenant_id, rate)
        try:
            [reply] = await runtime.redis.ask([question])
        except (hiredis.ReplyError, OSError, TimeoutError):
            allowance = runtime.plan_rates.take_alone(entitlement.tenant_id, rate)
        else:
            allowance = runtime.plan_rates.learn(entitlement.tenant_id, rate, reply)
    return rate_headers(allowance, rate)


def plan_headers(runtime: Runtime, caller: Caller) -> dict[str, str]:
    """Tell a store's server how it stands with its plan; a page is told nothing."""
    entitlement = caller.entitlement
    if entitlement is None or caller.is_publishable:
        return {}
    headers = {}
    if entitlement.state in WARNING_STATES:
        headers["X-Billing-State"] = entitlement.state
    quota = quota_of(caller)
    if quota is not None:
        limit = entitlement.included_calls if quota.limit is None else quota.limit
        headers["X-Quota-Limit"] = str(limit)
        headers["X-Quota-Used"] = str(runtime.quotas.used(quota))
        headers["X-Quota-Reset"] = str(quota.period_end)
    return headers
