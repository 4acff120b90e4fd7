"""How often somebody may call: the generic cell rate algorithm, in this process's memory.

Each process counts for itself, and may learn what others have counted.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from saas.lib.errors import RateLimited

# A shop's page with five boxes, clicked through quickly by a whole office behind one address.
PAGE_CALLS_PER_SECOND = 20
PAGE_BURST = 1_000
# Of callers that are remembered; each is a number.
MOST_CALLERS = 100_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a call.

    Attributes
    ----------
    remaining
        Calls that could follow at once.
    full_after
        Seconds until all could.
    retry_after
        Seconds until this call would be let through; None where it was.
    """

    remaining: int
    full_after: float
    retry_after: float | None


class RateLimit:
    """Lets each caller make `burst` calls at once and `per_second` in the long run."""

    def __init__(
        self, *, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds_each = 1 / per_second
        self._burst = burst
        self._clock = clock
        # When each caller's calls so far are worked off.
        self._done_at: dict[Hashable, float] = {}
        self._lock = threading.Lock()
        self.policy = f"q={burst};w={math.ceil(burst / per_second)}"

    def take(self, caller: Hashable) -> Allowance:
        """Count a call, unless it is one too many."""
        now = self._clock()
        with self._lock:
            busy = max(0.0, self._done_at.get(caller, now) - now)
            busy_then = busy + self.seconds_each
            too_long = busy_then - self._burst * self.seconds_each
            # Rounding must not cost the last call of a burst.
            if too_long > self.seconds_each / 2:
                return Allowance(remaining=0, full_after=busy, retry_after=too_long)
            if len(self._done_at) >= MOST_CALLERS:
                self._forget(now)
            self._done_at[caller] = now + busy_then
        remaining = self._burst - math.ceil(busy_then / self.seconds_each - 0.5)
        return Allowance(remaining=remaining, full_after=busy_then, retry_after=None)

    def learn(self, caller: Hashable, *, busy_seconds: float) -> None:
        """Take over a count of several processes, where it is higher than the own."""
        done_at = self._clock() + busy_seconds
        with self._lock:
            self._done_at[caller] = max(done_at, self._done_at.get(caller, done_at))

    def _forget(self, now: float) -> None:
        late = {caller: at for caller, at in self._done_at.items() if at > now}
        # More callers at once than can be told apart: rather let through than refuse the innocent.
        self._done_at = late if len(late) < MOST_CALLERS else {}


PAGE_RATE = RateLimit(per_second=PAGE_CALLS_PER_SECOND, burst=PAGE_BURST)


def take_page_call(environment_id: int, address: str) -> dict[str, str]:
    """Count a page's call and return the headers that tell it what is left.

    Parameters
    ----------
    environment_id
        Whose publishable key it was.
    address
        The browser's; of IPv6 all of a network count as one.

    Raises
    ------
    RateLimited
        The address has called too often.
    """
    return _taken(
        PAGE_RATE,
        (environment_id, network_of(address)),
        name="page",
        refusal=lambda seconds: (
            f"Pages at '{address}' call more than {PAGE_CALLS_PER_SECOND} times a second; "
            f"go on in {seconds} s, or call from your server with a secret key."
        ),
    )


def _taken(
    rate: RateLimit, caller: Hashable, *, name: str, refusal: Callable[[int], str]
) -> dict[str, str]:
    """Count a call and return its headers, or raise the refusal."""
    return told(rate.take(caller), policy=rate.policy, name=name, refusal=refusal)


def told(
    allowance: Allowance, *, policy: str, name: str, refusal: Callable[[int], str]
) -> dict[str, str]:
    """Return the headers of what is left, or raise the refusal, which names the seconds."""
    left = f'"{name}";r={allowance.remaining};t={math.ceil(allowance.full_after)}'
    headers = {"RateLimit-Policy": f'"{name}";{policy}', "RateLimit": left}
    if allowance.retry_after is None:
        return headers
    seconds = max(1, math.ceil(allowance.retry_after))
    raise RateLimited(refusal(seconds), headers={**headers, "Retry-After": str(seconds)})


def network_of(address: str) -> str:
    """Return what one household or attacker holds: an IPv4 address, or 64 bits of IPv6.

    >>> network_of("203.0.113.7"), network_of("2001:db8:1:2:3:4:5:6")
    ('203.0.113.7', '2001:db8:1:2::/64')
    """
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
