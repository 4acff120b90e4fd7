"""The routes of the staff console's host."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from saas.staff.log_in import (
    EnrolView,
    RecoveryCodesView,
    SecondFactorView,
    StaffLoginView,
    StaffReauthenticateView,
)

handler400 = "saas.staff.errors.bad_request"
handler403 = "saas.staff.errors.permission_denied"
handler404 = "saas.staff.errors.not_found"
handler500 = "saas.staff.errors.server_error"

_home = admin.site.admin_view(RedirectView.as_view(pattern_name="home"))

# By the names under which allauth looks for them; its other pages are not of this host.
urlpatterns = [
    path("login/", StaffLoginView.as_view(), name="account_login"),
    path("logout/", admin.site.logout, name="account_logout"),
    # Names of the portal's, on the page for a form that has expired.
    path("login/", StaffLoginView.as_view(), name="login"),
    path("logout/", admin.site.logout, name="logout"),
    path("password-again/", StaffReauthenticateView.as_view(), name="account_reauthenticate"),
    path("second-factor/", SecondFactorView.as_view(), name="mfa_authenticate"),
    path("second-factor/set-up/", EnrolView.as_view(), name="mfa_activate_totp"),
    path("second-factor/codes/", RecoveryCodesView.as_view(), name="mfa_view_recovery_codes"),
    # A second factor is not switched off, and needs no page of its own.
    path("second-factor/home/", _home, name="mfa_index"),
    path("second-factor/home/", _home, name="mfa_deactivate_totp"),
    path("second-factor/home/", _home, name="mfa_reauthenticate"),
    path("", admin.site.admin_view(admin.site.index), name="home"),
    path("", admin.site.urls),
]
