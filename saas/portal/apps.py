"""Registers the portal's templates and static files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.signals import email_confirmed
from django.apps import AppConfig
from typing_extensions import override

if TYPE_CHECKING:
    from allauth.account.models import EmailAddress


class PortalConfig(AppConfig):
    """The pages of tenant admins; no models."""

    name = "saas.portal"
    label = "portal"

    @override
    def ready(self) -> None:
        email_confirmed.connect(_start_sign_up)


def _start_sign_up(email_address: EmailAddress, **_: Any) -> None:
    from tenants.services.request_store import start_sign_up

    start_sign_up(person_id=email_address.user_id)
