"""The routes of the portal's host."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from saas.portal.views import overview

urlpatterns = [
    path("", overview, name="overview"),
    path("login/", LoginView.as_view(template_name="portal/login.html"), name="login"),
    path("logout/", LogoutView.as_view(next_page="login"), name="logout"),
]
