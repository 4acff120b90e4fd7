"""What is ours in allauth's log-in, for the portal and the staff console alike."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from typing_extensions import override

from saas.lib.config import config
from tenants.selectors.stores import store_name


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Names the store in mails, and counts a person's failed log-ins over all hosts."""

    error_messages = {  # noqa: RUF012  # as allauth declares it
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "This e-mail address and password do not go together.",
        "too_many_login_attempts": "Too many attempts failed. Wait five minutes, or set a new "
        "password.",
    }

    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Let people sign up on the portal's own host, where their new store's pages will be."""
        if hasattr(request, "store_slug"):
            raise ImmediateHttpResponse(HttpResponseRedirect(f"{config().portal_url}/sign-up/"))
        return request.get_host() == config().portal_host

    @override
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        slug = getattr(current.request, "store_slug", None)
        store = store_name(slug=slug) if slug else None
        super().send_mail(template_prefix, email, {"store": store, **context})

    @override
    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # allauth's begins with the host, and there are as many hosts as there are stores.
        return str(credentials.get("email", "")).lower()


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    """Keeps the secrets of authenticator apps unreadable for who sees the database alone."""

    @override
    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    @override
    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()


def _cipher() -> Fernet:
    # A key of its own, derived from the one that the deployment keeps.
    digest = hashlib.sha256(b"second factors of " + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
