"""Makes the first key of a store that somebody has just signed up for."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.sign_up import SignUp
from tenants.services.create_api_key import create_api_key


def create_first_key(*, sign_up: SignUp) -> str | None:
    """Return the text of a secret key of the test environment, once; then `None`."""
    with on_platform(), transaction.atomic():
        is_first = SignUp.objects.filter(
            pk=sign_up.pk, state=SignUp.State.DONE, key_shown_at=None
        ).update(key_shown_at=timezone.now())
        if not is_first:
            return None
        test = Environment.objects.get(tenant_id=sign_up.tenant_id, kind=Environment.Kind.TEST)
        return create_api_key(environment=test, actor=sign_up.actor, name="First steps").text
