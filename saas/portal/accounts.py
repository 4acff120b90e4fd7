"""What is ours in allauth's log-in, for the portal and the staff console alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest, HttpResponseRedirect
from typing_extensions import override

from saas.lib.config import config
from saas.lib.sealing import seal, unseal
from tenants.selectors.stores import store_name
from tenants.services.post_mail import post_mail

_SECOND_FACTORS = "second factors"
# Failed log-ins to one account from all addresses together: what many of them can guess. One has
# ten an hour (ACCOUNT_RATE_LIMITS), so it takes ten to keep anybody else out.
FAILED_ANYWHERE: Any = {
    "app": "allauth.account",
    "action": "login_failed",
    "config": {"login_failed": "100/h/key"},
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Names the store in mails, which a worker sends, and counts failed log-ins over all hosts."""

    error_messages = {  # noqa: RUF012  # as allauth declares it
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "This e-mail address and password do not go together.",
        "too_many_login_attempts": "Too many attempts failed. Wait an hour, or set a new password.",
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
        known = {"request": current.request, "email": email, "store": store, **context}
        mail = self.render_mail(template_prefix, email, known)
        post_mail(to=email, subject=mail.subject, text=mail.body)

    @override
    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        super().pre_authenticate(request, **credentials)
        taken = ratelimit.consume(request, **FAILED_ANYWHERE, key=_account(credentials))
        if taken is None:
            raise self.validation_error("too_many_login_attempts")
        # Given back with the others where the password was right.
        self._login_failed_rl_usage.usage += taken.usage

    @override
    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # allauth's begins with the host, and there are as many hosts as there are stores; and it
        # ends with the account, so that a stranger could keep its owner out.
        return f"{_account(credentials)} from {ratelimit.get_ip(request)}"

    @override
    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        super()._delete_login_attempts_cached_email(request, **credentials)
        ratelimit.clear(request, **FAILED_ANYWHERE, key=_account(credentials))


def _account(credentials: Mapping[str, Any]) -> str:
    return str(credentials.get("email", "")).lower()


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    """Keeps the secrets of authenticator apps unreadable for who sees the database alone."""

    @override
    def encrypt(self, text: str) -> str:
        return seal(text, purpose=_SECOND_FACTORS)

    @override
    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, purpose=_SECOND_FACTORS)
