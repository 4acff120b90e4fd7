"""The routes of the portal's own host: log-in, and one's stores."""

from __future__ import annotations

from django.urls import include, path

from saas.portal.pages.home import home
from saas.portal.pages.invitation import invitation
from saas.portal.pages.sign_up import make_first_key, sign_up_progress

handler400 = "saas.portal.errors.bad_request"
handler403 = "saas.portal.errors.permission_denied"
handler404 = "saas.portal.errors.not_found"
handler500 = "saas.portal.errors.server_error"

urlpatterns = [
    path("", home, name="home"),
    path("sign-up/progress/", sign_up_progress, name="sign-up-progress"),
    path("invitations/<str:token>/", invitation, name="invitation"),
    path("sign-up/key/", make_first_key, name="sign-up-key"),
    path("", include("saas.portal.account_urls")),
]
