"""Time's effect on subscriptions: periods, trials, invoices and payments, step by step."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from billing.local_stripe.invoices import DAY, LIVE, attempt_payment, finalize, open_draft
from billing.local_stripe.lines import flat_line, pending_lines
from billing.local_stripe.world import Resource, World

# A subscription whose first invoice stays unpaid ends after 23 hours.
INCOMPLETE_SECONDS = 23 * 3_600
TRIAL_NOTICE_SECONDS = 3 * DAY

Step = tuple[int, Callable[[], None]]


def catch_up(world: World) -> None:
    """Do everything that is due, of each subscription in the order in which it fell due."""
    for subscription in list(world.all("subscription").values()):
        now = world.now(subscription["customer"])
        while steps := [step for step in _steps(world, subscription) if step[0] <= now]:
            min(steps, key=lambda step: step[0])[1]()
            world.is_changed = True


def period_end(after: int, anchor: Resource, *, months: int = 0) -> int:
    """Return the first moment after a time at which a period ends, or one some months earlier."""
    moment = datetime.fromtimestamp(after, tz=UTC)
    for step in (months, months + 1):
        years, month = divmod(moment.month - 1 + step, 12)
        year, month = moment.year + years, month + 1
        ends = datetime(
            year,
            month,
            min(anchor["day_of_month"], monthrange(year, month)[1]),
            anchor["hour"],
            anchor["minute"],
            anchor["second"],
            tzinfo=UTC,
        ).timestamp()
        if ends > after or months:
            return int(ends)
    raise AssertionError("Each month has its anchor.")


def _steps(world: World, subscription: Resource) -> Iterator[Step]:
    status = subscription["status"]
    item = subscription["items"]["data"][0]
    if status in LIVE:
        yield item["current_period_end"], lambda: _end_period(world, subscription)
    if status == "trialing" and not subscription["trial_notice"]:
        at = subscription["trial_end"] - TRIAL_NOTICE_SECONDS
        yield at, lambda: _announce_trial_end(world, subscription)
    if status == "incomplete":
        at = subscription["created"] + INCOMPLETE_SECONDS
        yield at, lambda: end_subscription(world, subscription, status="incomplete_expired", at=at)
    for invoice in world.all("invoice").values():
        if invoice["parent"]["subscription_details"]["subscription"] != subscription["id"]:
            continue
        if finalizes := invoice["automatically_finalizes_at"]:
            yield finalizes, lambda i=invoice, at=finalizes: _bill(world, i, at=at)  # type: ignore[misc]
        if retries := invoice["next_payment_attempt"]:
            yield (
                retries,
                lambda i=invoice, at=retries: _retry(world, i, at=at),  # type: ignore[misc]
            )


def _bill(world: World, invoice: Resource, *, at: int) -> None:
    finalize(world, invoice, at=at)
    attempt_payment(world, invoice, at=at)


def _retry(world: World, invoice: Resource, *, at: int) -> None:
    attempt_payment(world, invoice, at=at)


def _announce_trial_end(world: World, subscription: Resource) -> None:
    subscription["trial_notice"] = True
    world.emit("customer.subscription.trial_will_end", subscription)


def _end_period(world: World, subscription: Resource) -> None:
    """Close the period: its usage and the next month's price go to a draft."""
    items = subscription["items"]["data"]
    ended = items[0]["current_period_end"]
    is_last = subscription["cancel_at_period_end"]
    lines = pending_lines(world, subscription, consume=True)
    _follow_schedule(world, subscription, at=ended)
    ends = period_end(ended, subscription["billing_cycle_anchor_config"])
    if not is_last:
        begins = period_end(ends, subscription["billing_cycle_anchor_config"], months=-1)
        lines.append(
            flat_line(
                world,
                subscription,
                start=ended,
                end=ends,
                part=ends - ended,
                whole=ends - begins,
            )
        )
    open_draft(world, subscription, reason="subscription_cycle", at=ended, lines=lines)
    if is_last:
        end_subscription(world, subscription, status="canceled", at=ended)
        return
    for item in items:
        item |= {"current_period_start": ended, "current_period_end": ends}
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    world.emit("customer.subscription.updated", subscription)


def _follow_schedule(world: World, subscription: Resource, *, at: int) -> None:
    """Move to the schedule's phase that begins now, and let go of it after its last one."""
    schedule = world.all("subscription_schedule").get(subscription["schedule"] or "")
    if schedule is None:
        return
    for phase in schedule["phases"]:
        if phase["start_date"] == at:
            for item, planned in zip(subscription["items"]["data"], phase["items"], strict=True):
                item["price"] = world.get("price", planned["price"])
            if phase is schedule["phases"][-1] and schedule["end_behavior"] == "release":
                schedule["status"] = "released"
                subscription["schedule"] = None


def end_subscription(world: World, subscription: Resource, *, status: str, at: int) -> None:
    """End a subscription for good."""
    subscription |= {"status": status, "ended_at": at, "canceled_at": at}
    for invoice in world.all("invoice").values():
        if invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]:
            invoice["next_payment_attempt"] = None
    is_deleted = status == "canceled"
    world.emit(f"customer.subscription.{'deleted' if is_deleted else 'updated'}", subscription)
