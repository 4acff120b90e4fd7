"""Finds out what rises in a store, and tells serving: the hourly job."""

from __future__ import annotations

import numpy as np
import structlog
from django.db import connection

from engine.core.trends import rises
from engine.selectors.visits import items_of, last_event_id, visits
from engine.services.remove_old_artifacts import artifacts_of
from saas.lib.trends import Trends, read_trends, write_trends
from tenants.models.environment import Environment

log = structlog.get_logger()

# Of a window; whoever filters by a small category still finds some.
MOST_PRODUCTS = 5_000


def refresh_trends(*, environment: Environment) -> Trends | None:
    """Write what rises now, inside `in_environment`; a second time without new events, nothing.

    Returns
    -------
    Trends or None
        As written; None where no event has come since the last time.
    """
    folder = artifacts_of(environment.pk)
    before = read_trends(folder)
    last = last_event_id()
    if before is not None and before.last_event_id == last:
        return None
    with connection.cursor() as cursor:
        # Four months of a large store's events take longer to count than any request may.
        cursor.execute("SET LOCAL statement_timeout = '5min'")
    counted = visits()
    steepest = {
        window: [
            (counted.products[row], float(rise[row]))
            for row in np.argsort(-rise, kind="stable")[:MOST_PRODUCTS].tolist()
            if rise[row] > 0
        ]
        for window, rise in rises(counted.by_window).items()
    }
    item_ids = items_of({product for rising in steepest.values() for product, _ in rising})
    trends = Trends(
        last_event_id=last,
        rising={
            window: [
                (item_id, rise) for product, rise in rising for item_id in item_ids.get(product, ())
            ]
            for window, rising in steepest.items()
        },
    )
    write_trends(folder, trends)
    log.info("trends_refreshed", **{window: len(each) for window, each in trends.rising.items()})
    return trends
