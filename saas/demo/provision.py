"""Makes the demo's stores, people and keys, as the owner; JSON in, JSON out.

Run by the demo in a process of its own, so that no other process of it holds the owner's login.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from typing import Any

import django

from saas.lib.process_start import starting

# With room for what a newcomer tries; the rate of the free plan would not do for the checks.
PLAN = "growth"


def main() -> None:
    """Read what is wanted from standard input, make what is missing, print the keys."""
    with starting():
        django.setup()
    wanted = json.load(sys.stdin)
    # What is logged on the way is no answer.
    with redirect_stdout(sys.stderr):
        made = _made(wanted)
    json.dump(made, sys.stdout)


def _made(wanted: dict[str, Any]) -> list[dict[str, Any]]:
    _shorten_trainings()
    _make_staff(**wanted["staff"])
    return [_make_store(**store) for store in wanted["stores"]]


def _shorten_trainings() -> None:
    from billing.models.plan import Plan
    from saas.lib.config import config
    from tenants.context import on_platform

    with on_platform():
        Plan.objects.update(training_seconds=config().training_seconds)


def _make_store(*, name: str, slug: str, members: list[dict[str, str]]) -> dict[str, Any]:
    from saas.lifecycle.open_tenant import open_tenant
    from tenants.context import on_platform
    from tenants.models.environment import Environment
    from tenants.models.person import Member
    from tenants.services.create_api_key import create_api_key

    with on_platform():
        environments = list(Environment.objects.filter(tenant__slug=slug))
        if not environments:
            created = open_tenant(name=name, slug=slug, actor="command", plan_code=PLAN)
            environments = [created.live, created.test]
        for member in members:
            person = _make_person(email=member["email"], password=member["password"])
            Member.objects.get_or_create(
                person=person, tenant=environments[0].tenant, defaults={"role": member["role"]}
            )
        keys = {
            each.kind: {
                f"{kind}_key": create_api_key(
                    environment=each,
                    actor="command",
                    kind=kind,
                    name="demo",
                    allowed_origins=[f"https://{slug}.example"] if kind == "publishable" else (),
                ).text
                for kind in ("secret", "publishable")
            }
            for each in environments
        }
    return {
        "slug": slug,
        "environments": keys,
        "environment_ids": {each.kind: each.pk for each in environments},
    }


def _make_staff(*, email: str, password: str, totp_secret: str) -> None:
    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal.auth import TOTP

    from tenants.context import on_platform

    person = _make_person(email=email, password=password, is_staff=True)
    with on_platform():
        # A start that was cut short may have set up another secret.
        Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).delete()
        TOTP.activate(person, totp_secret)


def _make_person(*, email: str, password: str, is_staff: bool = False) -> Any:
    from tenants.context import on_platform
    from tenants.models.person import Person

    with on_platform():
        person = Person.objects.filter(email=email).first()
        if person is None:
            make = Person.objects.create_superuser if is_staff else Person.objects.create_user
            person = make(email, password)
        return person


if __name__ == "__main__":
    main()
