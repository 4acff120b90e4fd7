"""The way into the staff console: allauth's steps, which end with a second factor or nowhere."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.account.views import LoginView, ReauthenticateView
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import admin
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from typing_extensions import override

from saas.staff.site import has_second_factor, open_console


class StaffLoginForm(LoginForm):  # type: ignore[misc]  # allauth is untyped
    """Knows staff alone: anybody else's password is as wrong as any."""

    @override
    def clean(self) -> Any:
        cleaned = super().clean()
        if self.user is not None and not self.user.is_staff:
            raise get_adapter().validation_error("email_password_mismatch")
        return cleaned


class _Step:
    """A page before the console, in its look."""

    request: HttpRequest

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Add what the library draws its pages with."""
        own = super().get_context_data(**given)  # type: ignore[misc]  # a view's
        return {**admin.site.each_context(self.request), **own}


class _OfStaff(_Step):
    """Steps that only staff who have logged in may take."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated or not request.user.is_staff:
            return redirect_to_login(request.path, reverse("account_login"))
        page: HttpResponseBase = super().dispatch(  # type: ignore[misc]  # a view's
            request, *args, **kwargs
        )
        return page


class StaffLoginView(_Step, LoginView):  # type: ignore[misc]
    """E-mail address and password; then the second factor, which who has none sets up first."""

    template_name = "staff/log_in.html"
    extra_context = {"title": "Log in"}  # noqa: RUF012  # as Django's views have it

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        person = request.user
        if person.is_authenticated and not has_second_factor(request):
            if person.is_staff and not is_mfa_enabled(person, [Authenticator.Type.TOTP]):
                return HttpResponseRedirect(reverse("mfa_activate_totp"))
            # A session from before the second factor was set up.
            logout(request)
        page: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return page

    @override
    def get_form_class(self) -> type[StaffLoginForm]:
        return StaffLoginForm


class SecondFactorView(_Step, AuthenticateView):  # type: ignore[misc]
    """The code of the authenticator app, or a recovery code."""

    template_name = "staff/second_factor.html"
    extra_context = {"title": "Second factor"}  # noqa: RUF012

    @override
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        open_console(self.request)
        return response


class EnrolView(_OfStaff, ActivateTOTPView):  # type: ignore[misc]
    """Sets up the authenticator app; the code that proves it is this session's second factor."""

    template_name = "staff/enrol.html"
    extra_context = {"title": "Set up your second factor"}  # noqa: RUF012

    @override
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        made = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        post_authentication(self.request, made)
        open_console(self.request)
        return response


class RecoveryCodesView(_OfStaff, ViewRecoveryCodesView):  # type: ignore[misc]
    """The codes for the day on which the app is lost."""

    template_name = "staff/recovery_codes.html"
    extra_context = {"title": "Recovery codes"}  # noqa: RUF012


class StaffReauthenticateView(_OfStaff, ReauthenticateView):  # type: ignore[misc]
    """The password once more, before something that a stolen session should not do."""

    template_name = "staff/log_in.html"
    extra_context = {"title": "Your password once more"}  # noqa: RUF012
