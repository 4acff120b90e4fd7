"""How far the making of a store is that somebody asked for."""

from __future__ import annotations

from tenants.context import on_platform
from tenants.models.sign_up import SignUp


def sign_up_of(*, person_id: int) -> SignUp | None:
    """Return what a person signed up for last, or `None`."""
    with on_platform():
        mine = SignUp.objects.filter(person_id=person_id).select_related("tenant")
        return mine.order_by("-id").first()
