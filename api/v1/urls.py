"""The routes under /v1: each resource's module brings its own."""

from __future__ import annotations

from api.v1 import (
    attributes,
    auth,
    collect,
    data_quality,
    events,
    exports,
    feeds,
    imports,
    items,
    keys,
    models,
    openapi,
    privacy,
    readiness,
    settings,
    stripe_webhook,
    training_runs,
    usage,
    users,
    webhooks,
)

urlpatterns = [
    *auth.urlpatterns,
    *keys.urlpatterns,
    *items.urlpatterns,
    *attributes.urlpatterns,
    *users.urlpatterns,
    *events.urlpatterns,
    *collect.urlpatterns,
    *imports.urlpatterns,
    *feeds.urlpatterns,
    *exports.urlpatterns,
    *models.urlpatterns,
    *training_runs.urlpatterns,
    *readiness.urlpatterns,
    *privacy.urlpatterns,
    *data_quality.urlpatterns,
    *settings.urlpatterns,
    *usage.urlpatterns,
    *webhooks.urlpatterns,
    *stripe_webhook.urlpatterns,
    *openapi.urlpatterns,
]
