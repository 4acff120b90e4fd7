"""The routes of what a store decides."""

from __future__ import annotations

from django.urls import path

from saas.portal.pages import (
    settings,
    settings_deletion,
    settings_placements,
    settings_privacy,
    settings_webhooks,
)

_PLACEMENTS = "<environment:environment>/placements/"
_PRIVACY = "<environment:environment>/privacy/"
_WEBHOOKS = "<environment:environment>/webhooks/"

urlpatterns = [
    path("", settings.store_settings, name="settings"),
    path("delete/", settings_deletion.delete_store, name="delete-store"),
    path("delete/keep/", settings_deletion.keep_store, name="keep-store"),
    path("delete/export/", settings_deletion.export_store, name="export-store"),
    path("<environment:environment>/", settings.environment_settings, name="environment-settings"),
    path(_PLACEMENTS, settings_placements.placements, name="placements"),
    path(f"{_PLACEMENTS}one/", settings_placements.placement, name="placement"),
    path(
        f"{_PLACEMENTS}remove/",
        settings_placements.remove_placement,
        name="remove-placement",
    ),
    path(_PRIVACY, settings_privacy.privacy, name="privacy"),
    path(f"{_PRIVACY}requests/", settings_privacy.privacy_requests_part, name="privacy-requests"),
    path(f"{_PRIVACY}export/", settings_privacy.export_shopper, name="export-shopper"),
    path(f"{_PRIVACY}erase/", settings_privacy.erase_shopper, name="erase-shopper"),
    path(_WEBHOOKS, settings_webhooks.webhook_list, name="webhooks"),
    path(f"{_WEBHOOKS}<slug:webhook_id>/", settings_webhooks.webhook_detail, name="webhook"),
    path(
        f"{_WEBHOOKS}<slug:webhook_id>/delete/",
        settings_webhooks.remove_webhook,
        name="delete-webhook",
    ),
]
