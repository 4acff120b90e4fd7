"""Plans are rows: staff changes what one costs and allows, and its stores have it in seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from billing.models.plan import Plan
from billing.selectors.plans import plans
from billing.services.apply_due_entitlements import apply_due_entitlements
from billing.services.assign_plan import assign_plan
from billing.services.save_plan import FIELDS, save_plan
from saas.lib.errors import InvalidParameter
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement

BY: Any = {"actor": "staff:eve@shelfwise.example", "reason": "A contract."}


def save(code: str, **fields: Any) -> None:
    save_plan(code=code, fields=fields, **BY)


def test_a_plans_stores_have_its_new_limits(acorn: Environment) -> None:
    assign_plan(tenant_id=acorn.tenant_id, plan_code="free", **BY)
    save("free", rate_per_second=7, included_calls=12_000)
    apply_due_entitlements()

    entitlement = Entitlement.objects.get(pk=acorn.tenant_id)
    assert (entitlement.rate_per_second, entitlement.call_limit) == (7, 12_000)
    deed = AuditEvent.objects.filter(action="plan_saved").latest("pk")
    assert deed.before == {"rate_per_second": 5, "included_calls": 10_000}
    assert deed.after == {"rate_per_second": 7, "included_calls": 12_000}


def test_another_price_is_another_price_at_stripe(database: None) -> None:
    Plan.objects.filter(pk="growth").update(
        stripe_flat_price_id="price_1", stripe_metered_price_id="price_2"
    )
    save("growth", rate_per_second=120)
    assert Plan.objects.get(pk="growth").stripe_flat_price_id == "price_1"
    save("growth", price_minor=31_900)
    assert Plan.objects.get(pk="growth").stripe_flat_price_id == ""


def test_a_contract_is_a_plan_of_its_own(database: None) -> None:
    enterprise = Plan.objects.get(pk="enterprise")
    terms = {name: getattr(enterprise, name) for name in FIELDS}
    save("birch-2027", **{**terms, "name": "Birch Shoes 2027", "price_minor": 250_000})

    contract = next(each for each in plans() if each.code == "birch-2027")
    assert (contract.price_minor, contract.is_offered, contract.is_hard) == (250_000, False, False)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"colour": "blue"}, "/colour"),
        ({"tiers": [{"up_to": 5, "unit_amount_decimal": "0"}]}, "/tiers"),
        ({"tiers": [{"unit_amount_decimal": "0"}]}, "/tiers"),
        ({"price_minor": -1}, "/price_minor"),
        ({"quota": "elastic"}, "/quota"),
        ({"name": ""}, "/name"),
        ({"rate_per_second": 0}, "/rate_per_second"),
        ({"burst": 0}, "/burst"),
    ],
)
def test_a_plan_that_makes_no_sense_is_not_saved(
    database: None, fields: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidParameter) as refused:
        save("starter", **fields)
    assert refused.value.errors[0].pointer == pointer


def test_what_is_on_offer_comes_first_by_its_price(database: None) -> None:
    assert [each.code for each in plans()] == ["free", "starter", "growth", "enterprise"]
    assert plans()[1].tiers[0].up_to == 100_000


def test_the_month_of_a_saved_plan_goes_on(acorn: Environment) -> None:
    now = datetime.now(tz=UTC)
    assign_plan(tenant_id=acorn.tenant_id, plan_code="free", **BY)
    before = Entitlement.objects.get(pk=acorn.tenant_id)
    save("free", burst=20)
    apply_due_entitlements()

    after = Entitlement.objects.get(pk=acorn.tenant_id)
    assert (after.period_start, after.period_end) == (before.period_start, before.period_end)
    assert after.changes_at is not None
    assert after.changes_at > now
