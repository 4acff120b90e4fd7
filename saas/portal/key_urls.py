"""The routes of a store's API keys."""

from __future__ import annotations

from django.urls import path, re_path

from saas.portal.pages import keys

urlpatterns = [
    path("", keys.keys, name="keys"),
    re_path(
        r"^(?P<environment>live|test)/new/(?P<key_kind>secret|publishable)/$",
        keys.new_key,
        name="key-new",
    ),
    path("<environment:environment>/<slug:key_id>/rotate/", keys.rotate_key, name="key-rotate"),
    path("<environment:environment>/<slug:key_id>/revoke/", keys.revoke_key, name="key-revoke"),
]
