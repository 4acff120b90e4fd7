"""The routes of the pages about a store's data, below its environment."""

from __future__ import annotations

from django.urls import path

from saas.portal.pages import one_import
from saas.portal.pages.catalogue import catalogue, completeness, item
from saas.portal.pages.events import event_tail, events
from saas.portal.pages.imports import imports, upload

urlpatterns = [
    path("catalogue/", catalogue, name="catalogue"),
    path("catalogue/completeness/", completeness, name="completeness"),
    path("catalogue/item/", item, name="item"),
    path("events/", events, name="events"),
    path("events/tail/", event_tail, name="event-tail"),
    path("imports/", imports, name="imports"),
    path("imports/upload/", upload, name="import-upload"),
    path("imports/feeds/<slug:feed_id>/run/", one_import.run_feed_now, name="feed-run"),
    path("imports/<slug:import_id>/", one_import.one_import, name="import"),
    path("imports/<slug:import_id>/progress/", one_import.import_progress, name="import-progress"),
    path("imports/<slug:import_id>/check/", one_import.check_again, name="import-check"),
    path("imports/<slug:import_id>/apply/", one_import.apply_import, name="import-apply"),
    path("imports/<slug:import_id>/cancel/", one_import.cancel, name="import-cancel"),
    path("imports/<slug:import_id>/confirm/", one_import.confirm, name="import-confirm"),
    path("imports/<slug:import_id>/errors.csv", one_import.errors_csv, name="import-errors"),
]
