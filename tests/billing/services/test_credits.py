"""Credit: small amounts at one person's word, others at two, each told to Stripe once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from billing import tasks
from billing.jobs import CREDIT_JOB
from billing.models.credit import Credit
from billing.selectors.credits import waiting_credits
from billing.services.comp_usage import comp_usage
from billing.services.decide_credit import approve_credit, decline_credit
from billing.services.grant_credit import grant_credit
from billing.services.send_credit import send_credit
from saas.lib.errors import BillingUnavailable, Conflict, InvalidParameter, NotFound
from tenants.models.audit_event import AuditEvent
from tenants.models.job import Job
from tenants.services.run_job import claim_job

ADA, EVE = "staff:ada@shelfwise.example", "staff:eve@shelfwise.example"

Grant = Callable[..., str]


@pytest.fixture
def grant(acorn_customer: Any) -> Grant:
    def give(amount_minor: int, *, key: str, actor: str = ADA, reason: str = "An outage") -> str:
        return grant_credit(
            tenant_id=acorn_customer.tenant_id,
            amount_minor=amount_minor,
            actor=actor,
            reason=reason,
            key=key,
        )

    return give


def at_stripe(customer: Any) -> list[int]:
    """Return what Stripe has, after all jobs that are queued have run."""
    for job in Job.objects.filter(kind=CREDIT_JOB, state="queued"):
        send_credit(credit_id=UUID(job.payload["credit_id"]))
    grants = customer.stripe.world.all("billing.credit_grant").values()
    return [each["amount"]["monetary"]["value"] for each in grants]


def deeds(customer: Any) -> list[tuple[str, str]]:
    rows = AuditEvent.objects.filter(tenant=customer.tenant_id, action__startswith="credit_")
    return list(rows.order_by("pk").values_list("action", "actor"))


def test_a_small_credit_is_one_persons_word(acorn_customer: Any, grant: Grant) -> None:
    assert grant(100_000, key="1") == "approved"

    assert at_stripe(acorn_customer) == [100_000]
    assert deeds(acorn_customer) == [("credit_approved", ADA)]
    assert Credit.objects.get(key="1").state == "granted"


def test_a_second_click_gives_nothing(acorn_customer: Any, grant: Grant) -> None:
    for _ in range(2):
        grant(500, key="1")

    assert at_stripe(acorn_customer) == [500]
    assert len(deeds(acorn_customer)) == 1


def test_over_a_thousand_somebody_else_decides(acorn_customer: Any, grant: Grant) -> None:
    assert grant(100_001, key="1") == "waiting"
    assert at_stripe(acorn_customer) == []
    (credit,) = waiting_credits()
    assert (credit.amount_minor, credit.asked_by) == (100_001, ADA)

    with pytest.raises(Conflict, match="somebody else"):
        approve_credit(credit_id=credit.id, actor=ADA, reason="Mine.")
    approve_credit(credit_id=credit.id, actor=EVE, reason="So agreed.")

    assert at_stripe(acorn_customer) == [100_001]
    assert deeds(acorn_customer) == [("credit_asked", ADA), ("credit_approved", EVE)]
    assert waiting_credits() == ()


def test_what_was_declined_is_never_given(acorn_customer: Any, grant: Grant) -> None:
    grant(200_000, key="1")
    (credit,) = waiting_credits()
    decline_credit(credit_id=credit.id, actor=EVE, reason="Too much.")

    with pytest.raises(Conflict, match="declined already"):
        approve_credit(credit_id=credit.id, actor=EVE, reason="After all.")
    assert grant(200_000, key="1") == "declined"
    assert at_stripe(acorn_customer) == []


def test_many_small_credits_of_a_month_count_together(grant: Grant) -> None:
    assert grant(60_000, key="1") == "approved"
    assert grant(60_000, key="2", actor=EVE) == "waiting"
    assert grant(40_000, key="3") == "approved"


def test_what_two_decided_leaves_room_for_one(grant: Grant) -> None:
    grant(500_000, key="1")
    (credit,) = waiting_credits()
    approve_credit(credit_id=credit.id, actor=EVE, reason="So agreed.")

    assert grant(100_000, key="2") == "approved"


@pytest.mark.parametrize(("amount", "reason"), [(0, "An outage"), (-1, "An outage"), (1, " ")])
def test_there_is_no_credit_of_nothing_or_for_nothing(
    grant: Grant, amount: int, reason: str
) -> None:
    with pytest.raises(InvalidParameter):
        grant(amount, key="1", reason=reason)


def test_a_credit_that_does_not_exist_is_not_decided(database: None) -> None:
    with pytest.raises(NotFound):
        approve_credit(credit_id=UUID(int=1), actor=EVE, reason="So agreed.")


def test_a_worker_that_dies_after_stripes_answer_grants_once(
    acorn_customer: Any, grant: Grant
) -> None:
    grant(500, key="1")
    assert at_stripe(acorn_customer) == [500]
    # As after a crash before our commit, and more than the day for which Stripe knows a key.
    Credit.objects.update(state="approved", stripe_grant_id="")
    acorn_customer.stripe.world.replays.clear()

    assert at_stripe(acorn_customer) == [500]
    assert Credit.objects.get().stripe_grant_id


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "500", "503"])
def test_a_stripe_that_stays_away_is_asked_again_later(
    acorn_customer: Any, grant: Grant, fault: Any
) -> None:
    grant(500, key="1")
    # The first request asks what it has; the grant itself is tried three times.
    acorn_customer.stripe.post_switches(faults=["slow", fault, fault, fault], slow_seconds=0)
    with pytest.raises(BillingUnavailable):
        send_credit(credit_id=Credit.objects.get().pk)
    assert Credit.objects.get().state == "approved"

    assert at_stripe(acorn_customer) == [500]


def test_the_workers_know_the_job(acorn_customer: Any, grant: Grant) -> None:
    grant(500, key="1")
    job = Job.objects.get(kind=CREDIT_JOB)
    claimed = claim_job(job_id=job.pk, kind=CREDIT_JOB, environment_id=None)
    assert claimed is not None
    assert tasks.send_credit.name == CREDIT_JOB


def test_calls_worth_over_a_thousand_are_not_comped_by_one(
    acorn_customer: Any,
) -> None:
    hour = acorn_customer.row.current_period_start
    # 2,100,000 calls of 0.05 cents beyond the included 100,000.
    acorn_customer.use(hour, 2_200_000)
    asked: Any = {"tenant_id": acorn_customer.tenant_id, "hour": hour, "actor": ADA}

    with pytest.raises(Conflict, match=r"worth 1000\.50 EUR"):
        comp_usage(**asked, units=2_001_000, reason="An outage")
    comp_usage(**asked, units=2_000_000, reason="An outage")
