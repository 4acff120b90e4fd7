"""What staff and the clock do to Stripe's events, and staff's look at the totals."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.jobs import APPLY_EVENT_JOB, RECONCILE_JOB
from billing.models.stripe_event import StripeEvent
from billing.services import purge_stripe_events as purge
from billing.services.apply_stripe_event import apply_stripe_event
from billing.services.ask_reconciliation import ask_reconciliation
from billing.services.replay_stripe_event import replay_stripe_event
from saas.lib.errors import InvalidParameter, NotFound
from tenants.models.audit_event import AuditEvent
from tenants.models.job import Job

BY: Any = {"actor": "staff:eve@shelfwise.example", "reason": "The webhook came in an outage."}


def make_event(identifier: str, *, days_old: int = 0, is_done: bool = True, **about: Any) -> None:
    at = timezone.now() - timedelta(days=days_old)
    body = json.dumps({"data": {"object": about}})
    StripeEvent.objects.create(
        pk=identifier,
        type="customer.subscription.updated",
        body=body,
        received_at=at,
        processed_at=at if is_done else None,
    )


def test_events_go_after_ninety_days_but_for_those_never_acted_on(database: None) -> None:
    make_event("evt_old", days_old=91)
    make_event("evt_recent", days_old=89)
    make_event("evt_stuck", days_old=91, is_done=False)

    assert purge.purge_stripe_events() == 1
    kept = StripeEvent.objects.filter(pk__startswith="evt_").order_by("pk")
    assert list(kept.values_list("pk", flat=True)) == ["evt_recent", "evt_stuck"]


def test_events_go_the_oldest_first_a_step_at_a_time(database: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(purge, "MOST_AT_ONCE", 2)
    for days_old in (91, 93, 92):
        make_event(f"evt_{days_old}", days_old=days_old)

    assert purge.purge_stripe_events() == 2
    assert StripeEvent.objects.get(pk__startswith="evt_").pk == "evt_91"
    assert purge.purge_stripe_events() == 1


def test_an_event_is_acted_on_again_at_staffs_word(acorn_customer: Any) -> None:
    make_event("evt_1", customer=acorn_customer.id)
    row = acorn_customer.row
    row.state = "unpaid"
    row.save()

    replay_stripe_event(event_id="evt_1", **BY)
    replay_stripe_event(event_id="evt_1", **BY)

    (job,) = Job.objects.filter(kind=APPLY_EVENT_JOB)
    apply_stripe_event(event_id=job.payload["event_id"])
    assert acorn_customer.row.state == "active"
    deeds = AuditEvent.objects.filter(action="stripe_event_replayed").order_by("pk")
    assert [(each.tenant_id, each.before) for each in deeds] == [
        (acorn_customer.tenant_id, {"is_processed": True}),
        (acorn_customer.tenant_id, {"is_processed": False}),
    ]


def test_an_event_of_a_customer_that_we_do_not_know_is_the_platforms(database: None) -> None:
    make_event("evt_1", customer="cus_of_somebody_else")
    replay_stripe_event(event_id="evt_1", **BY)

    assert AuditEvent.objects.get(object="stripe_event:evt_1").tenant_id is None


def test_nothing_is_replayed_that_stripe_has_not_said(database: None) -> None:
    with pytest.raises(NotFound, match="evt_9"):
        replay_stripe_event(event_id="evt_9", **BY)


def test_staff_has_the_totals_compared_at_once(database: None) -> None:
    for _ in range(2):
        ask_reconciliation(**BY)

    assert Job.objects.filter(kind=RECONCILE_JOB).count() == 1


@pytest.mark.parametrize("ask", [ask_reconciliation, replay_stripe_event])
def test_staff_says_why(database: None, ask: Any) -> None:
    event = {"event_id": "evt_1"} if ask is replay_stripe_event else {}
    with pytest.raises(InvalidParameter, match="Say why"):
        ask(**event, actor=BY["actor"], reason=" ")
