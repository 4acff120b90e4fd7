"""Changes what a plan costs and allows, or adds a plan: a contract is a row of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from billing.core.tiers import read_tiers
from billing.models.plan import Plan
from billing.models.subscription import Subscription
from saas.lib.errors import InvalidParameter
from tenants.context import on_platform
from tenants.models.tenant import Entitlement
from tenants.services.record_audit import check_reason, record_audit

FIELDS = (
    *("name", "is_offered", "currency", "price_minor", "included_calls", "tiers"),
    *("quota", "hard_multiple", "trial_days", "trial_calls", "rate_per_second", "burst"),
    *("catalogue_items", "events_per_day", "retention_days", "training_seconds"),
)
# What a price of Stripe's is made of; it never changes, so another one is made.
_PRICED = ("currency", "price_minor", "tiers")
_POSITIVE = ("included_calls", "rate_per_second", "burst")


def save_plan(*, code: str, fields: Mapping[str, Any], actor: str, reason: str) -> None:
    """Write a plan's row; its stores have the new limits within seconds.

    Who has bought it at another price keeps that until the plan is changed or chosen again.

    Parameters
    ----------
    code
        The plan; a new one needs all fields without a default.
    fields
        Of `FIELDS`, what is to change.
    actor, reason
        For the audit log.

    Raises
    ------
    InvalidParameter
        A field does not exist or does not fit, or there is no reason.
    """
    reason = check_reason(reason)
    for name in fields:
        if name not in FIELDS:
            raise InvalidParameter(f"A plan has no '{name[:60]}'.", pointer=f"/{name[:60]}")
    with on_platform(), transaction.atomic():
        plan = Plan.objects.select_for_update().filter(pk=code).first()
        before = {} if plan is None else _shown(plan, fields)
        plan = plan or Plan(code=code)
        for name, value in fields.items():
            setattr(plan, name, value)
        if any(before.get(name) != fields[name] for name in _PRICED if name in fields):
            plan.stripe_flat_price_id = plan.stripe_metered_price_id = ""
        _check(plan)
        plan.save()
        record_audit(
            tenant_id=None,
            actor=actor,
            action="plan_saved",
            object=f"plan:{code}",
            reason=reason,
            before=before,
            after=_shown(plan, fields),
        )
        # The clock decides anew for them, some hundreds at a time.
        subscribed = Subscription.objects.filter(plan=plan).values("pk")
        Entitlement.objects.filter(pk__in=subscribed).update(changes_at=timezone.now())


def _check(plan: Plan) -> None:
    for name in _POSITIVE:
        if getattr(plan, name) == 0:
            raise InvalidParameter(f"'{name}' is 0; allow at least 1.", pointer=f"/{name}")
    try:
        read_tiers(plan.tiers)
        unset = [each.name for each in Plan._meta.fields if getattr(plan, each.name) is None]
        plan.full_clean(exclude=unset, validate_unique=False)
    except ValidationError as error:
        name, (problem, *_) = next(iter(error.message_dict.items()))
        raise InvalidParameter(f"'{name}': {problem}", pointer=f"/{name}") from None
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise InvalidParameter(f"'tiers': {error}", pointer="/tiers") from None


def _shown(plan: Plan, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in fields}
