"""Makes Stripe's products and prices of our plans, so that a plan can be bought."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import orjson
import structlog
from django.db import transaction

from billing.models.plan import Plan
from billing.stripe_gateway import StripeGateway, gateway
from tenants.context import on_platform

_log = structlog.get_logger()


def mirror_plans() -> int:
    """Make what Stripe lacks of each plan that is bought there, and note its ids on the row.

    Also of a free one on offer, so that a store can change down to it.

    A price of Stripe's never changes, so a plan with another amount gets another one; who has the
    old price keeps it. Harmless when repeated or cut short: Stripe is asked by our own keys first.

    Returns
    -------
    int
        The number of plans whose row has changed.

    Raises
    ------
    BillingUnavailable
        Stripe is away; the rows that are done stay so.
    """
    with on_platform():
        plans = [plan for plan in Plan.objects.order_by("code") if _is_sold(plan)]
    if not plans:
        return 0
    stripe = gateway()
    meter = stripe.ensure_meter()
    changed = 0
    for plan in plans:
        wanted = _mirrored(stripe, plan, meter=meter)
        if any(getattr(plan, name) != value for name, value in wanted.items()):
            with on_platform(), transaction.atomic():
                Plan.objects.filter(pk=plan.pk).update(**wanted)
            _log.info("plan_mirrored", plan=plan.code)
            changed += 1
    return changed


def _is_sold(plan: Plan) -> bool:
    return (
        plan.is_offered
        or bool(plan.price_minor)
        or any(Decimal(str(tier["unit_amount_decimal"])) > 0 for tier in plan.tiers)
    )


def _mirrored(stripe: StripeGateway, plan: Plan, *, meter: str) -> dict[str, str]:
    product = stripe.ensure_product(code=plan.code, name=plan.name)
    currency = plan.currency.lower()
    flat = stripe.ensure_price(
        lookup_key=f"{plan.code}-month-{plan.price_minor}-{currency}",
        plan=plan.code,
        product=product,
        currency=currency,
        nickname=plan.name,
        unit_amount=plan.price_minor,
        recurring={"interval": "month"},
    )
    tiers = [
        {
            "up_to": tier["up_to"] or "inf",
            "unit_amount_decimal": Decimal(str(tier["unit_amount_decimal"])),
        }
        for tier in plan.tiers
    ]
    metered = stripe.ensure_price(
        lookup_key=f"{plan.code}-calls-{_digest(plan.tiers)}-{currency}",
        plan=plan.code,
        product=product,
        currency=currency,
        nickname=f"{plan.name}: recommendation calls",
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=tiers,
        recurring={"interval": "month", "usage_type": "metered", "meter": meter},
    )
    return {
        "stripe_product_id": product,
        "stripe_flat_price_id": flat,
        "stripe_metered_price_id": metered,
    }


def _digest(tiers: object) -> str:
    return hashlib.sha256(orjson.dumps(tiers, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
