"""How many calls of a period a process may still answer: taken from memory, without a socket.

Each process holds a lease: units that the counter in Valkey has set aside for it. A thread reports
what was taken and asks for more (`quota_rounds`), so that all processes together never take more
than the limit, and the leases shrink near it so that none is left over where others wait.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# A second's calls, at a round each quarter: enough to go on while a round is late.
ROUNDS_AHEAD = 4
LEAST_LEASE = 16
MOST_LEASE = 65_536
# After so many rounds without a call a process lets its lease go, well before it would expire.
IDLE_ROUNDS = 40


class Quota(NamedTuple):
    """A store's limit in its period; None as `limit`: counted, without an end."""

    environment_id: int
    period_start: int
    period_end: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Message:
    """What a round tells the counter of one store, and what it asks for.

    `kept` may be taken while the round is under way; calls wait for `needed`. `total` and
    `reported` count from this process's beginning, so that a message whose answer was lost can be
    sent again. A counter of another `epoch` was lost and rebuilt meanwhile, and holds what was
    taken until then.
    """

    quota: Quota
    epoch: str
    reported: int
    total: int
    kept: int
    needed: int
    wanted: int


class Dead(NamedTuple):
    """A process that holds a lease and says nothing any more: when it last did, and its log."""

    process: str
    reported_ms: int
    log: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the counter says: what all have taken, what we got, and what nobody holds."""

    epoch: str
    used: int
    granted: int
    free: int
    dead: tuple[Dead, ...] = ()


@dataclass(slots=True)
class _Account:
    quota: Quota
    epoch: str = ""
    # What may be taken without asking.
    left: int = 0
    total: int = 0
    reported: int = 0
    # Of all processes, as of the last round.
    used: int = 0
    is_exhausted: bool = False
    is_scarce: bool = False
    # Whether anybody has ever said what is used.
    is_told: bool = False
    # How much is wanted at hand: doubled where it did not suffice.
    lease: int = LEAST_LEASE
    # Since the last round.
    refused: int = 0
    total_before: int = 0
    idle_rounds: int = 0


class Quotas:
    """The accounts of one process."""

    def __init__(self) -> None:
        self._accounts: dict[int, _Account] = {}
        self._lock = threading.Lock()
        self._is_blind = False

    def take(self, quota: Quota, units: int) -> int:
        """Take as many of these units as may be answered now; what is not used is given back."""
        with self._lock:
            account = self._accounts.get(quota[0])
            if account is None or account.quota != quota:
                account = self._renewed(account, quota)
            if quota[3] is not None:
                if units > account.left:
                    account.refused += units - account.left
                    units = account.left
                account.left -= units
            account.total += units
            return units

    def give_back(self, quota: Quota, units: int) -> None:
        """Take back what was not charged after all."""
        with self._lock:
            account = self._accounts.get(quota.environment_id)
            if account is not None and account.quota.period_start == quota.period_start:
                account.total -= units
                if account.quota.limit is not None:
                    account.left += units

    def is_exhausted(self, quota: Quota) -> bool:
        """Say whether all is taken, so that asking again would change nothing."""
        account = self._accounts.get(quota.environment_id)
        return account is not None and account.quota == quota and account.is_exhausted

    def used(self, quota: Quota) -> int:
        """Return what all processes have taken, as far as this one knows."""
        account = self._accounts.get(quota.environment_id)
        if account is None or account.quota.period_start != quota.period_start:
            return 0
        return account.used + account.total - account.reported

    def messages(self, *, is_last: bool = False) -> list[Message]:
        """Return what the next round has to say; an idle lease, and the last, is let go with it."""
        with self._lock:
            sent = [
                self._message(each, is_last=is_last)
                for each in self._accounts.values()
                if _has_news(each)
            ]
            self._is_blind = False
            return sent

    def settle(self, messages: Sequence[Message], replies: Iterable[Reply]) -> None:
        """Take in what the counter answered to these messages."""
        with self._lock:
            for message, reply in zip(messages, replies, strict=True):
                account = self._accounts.get(message.quota.environment_id)
                if account is None or account.quota != message.quota:
                    continue
                account.left += reply.granted
                account.epoch, account.used = reply.epoch, reply.used
                account.reported = message.total
                account.is_told = True
                limit = message.quota.limit
                if limit is not None:
                    account.is_exhausted = reply.used >= limit
                    account.is_scarce = reply.free * 20 <= limit

    def go_on_blindly(self, used_by_quota: Mapping[Quota, int]) -> None:
        """Serve on what was known last, since the counter does not answer."""
        with self._lock:
            self._is_blind = True
            for account in self._accounts.values():
                limit = account.quota.limit
                if account.quota in used_by_quota and not account.is_told:
                    account.used, account.is_told = used_by_quota[account.quota], True
                if limit is not None:
                    used = account.used + account.total - account.reported
                    account.left = max(0, limit - used)
                    account.is_exhausted = used >= limit

    def unknown(self) -> list[Quota]:
        """Return the quotas of which no round has ever told what is used."""
        with self._lock:
            return [each.quota for each in self._accounts.values() if not each.is_told]

    def _renewed(self, account: _Account | None, quota: Quota) -> _Account:
        if account is not None and account.quota.period_start == quota.period_start:
            # Only the limit has moved: what was taken stays taken.
            account.quota = quota
            account.is_exhausted = account.is_scarce = False
            return account
        self._accounts[quota.environment_id] = _Account(quota)
        return self._accounts[quota.environment_id]

    def _message(self, account: _Account, *, is_last: bool) -> Message:
        demand = account.total - account.total_before + account.refused
        account.idle_rounds = 0 if demand else account.idle_rounds + 1
        patience = 1 if account.is_scarce else IDLE_ROUNDS
        is_letting_go = is_last or account.idle_rounds >= patience
        if self._is_blind or is_letting_go:
            account.left = 0
        wanted = 0
        if not is_letting_go and account.quota.limit is not None:
            wanted = self._wanted(account, demand)
        needed = min(account.refused, wanted)
        account.total_before, account.refused = account.total, 0
        return Message(
            quota=account.quota,
            epoch=account.epoch,
            reported=account.reported,
            total=account.total,
            kept=account.left,
            needed=needed,
            wanted=wanted,
        )

    def _wanted(self, account: _Account, demand: int) -> int:
        if account.refused:
            account.lease = min(max(2 * account.lease, account.refused), MOST_LEASE)
        else:
            account.lease = max(LEAST_LEASE, ROUNDS_AHEAD * demand, account.lease // 2)
        is_enough = account.left >= account.lease / 2
        return 0 if is_enough else account.lease - account.left


def _has_news(account: _Account) -> bool:
    is_reported = account.total == account.reported
    return bool(account.left or account.refused or not is_reported or not account.is_told)
