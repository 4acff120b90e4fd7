"""What the newest events say about how a store sends them; bounded, whatever it has sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

from engine.selectors.finding import MAX_SAMPLES, Finding, share
from engine.selectors.known_refs import IS_KNOWN

# Newest by when they came: enough for shares to a tenth of a percent.
LINES_LOOKED_AT = 50_000

# One statement, so that all numbers are of one moment and the events are read once. What they
# point at is looked up by scalar subqueries: a join may read a whole table for its hash.
_LOOK = f"""
WITH newest AS MATERIALIZED (
    SELECT id, line, type, source, occurred_at, received_at, user_id, anonymous_id, session_id,
        item_ref_id, price, currency, event_key,
        coalesce(event_id, 'evt_' || replace(event_key::text, '-', '')) AS event_id
    FROM engine_event ORDER BY id DESC LIMIT %(lines)s
), refs AS MATERIALIZED (
    SELECT item_ref_id, {IS_KNOWN} AS is_known
    FROM (SELECT DISTINCT item_ref_id FROM newest WHERE item_ref_id IS NOT NULL) AS named
), by_type AS (
    SELECT type, count(*) AS lines, count(*) FILTER (WHERE is_known) AS matched
    FROM newest JOIN refs USING (item_ref_id) GROUP BY type ORDER BY lines DESC, type
), unknown AS (
    SELECT item_ref_id, count(*) AS lines FROM newest JOIN refs USING (item_ref_id)
    WHERE NOT is_known GROUP BY item_ref_id ORDER BY lines DESC, item_ref_id LIMIT %(samples)s
), nobodys AS (
    SELECT id, event_id, type FROM newest
    WHERE line = 0 AND user_id IS NULL AND anonymous_id IS NULL
), early AS (
    SELECT id, event_id, occurred_at, received_at FROM newest
    WHERE line = 0 AND occurred_at > received_at + interval '1 minute'
), repeats AS (
    -- A file may know the day alone; of one order, the same line twice is two of it.
    SELECT min(event_id) AS event_id, type, count(DISTINCT event_key) AS times
    FROM newest WHERE source <> 'import' AND type NOT IN ('purchase', 'refund')
    GROUP BY type, user_id, anonymous_id, session_id, item_ref_id,
        date_trunc('second', occurred_at)
    HAVING min(event_key::text) <> max(event_key::text)
), sold AS (
    SELECT DISTINCT ON (item_ref_id) item_ref_id, price, currency, occurred_at
    FROM newest WHERE type = 'purchase' AND price IS NOT NULL AND item_ref_id IS NOT NULL
    ORDER BY item_ref_id, occurred_at DESC
), priced AS (
    SELECT item.item_id, item.price, sold.price AS sold_price, sold.occurred_at,
        item.updated_at < sold.occurred_at
            AND abs(sold.price - item.price) > 0.01 * item.price AS is_stale
    FROM sold CROSS JOIN LATERAL (
        SELECT listed.item_id, listed.price, listed.currency, listed.updated_at
        FROM engine_itemref AS ref JOIN engine_item AS listed ON listed.id = ref.item_id
        WHERE ref.id = sold.item_ref_id LIMIT 1
    ) AS item
    WHERE item.price IS NOT NULL
        AND coalesce(sold.currency, item.currency) IS NOT DISTINCT FROM item.currency
)
SELECT jsonb_build_object(
    'lines', (SELECT count(*) FROM newest),
    'events', (SELECT count(*) FROM newest WHERE line = 0),
    'since', (SELECT min(received_at) FROM newest),
    'types', (SELECT jsonb_agg(to_jsonb(by_type)) FROM by_type),
    'unknown', (
        SELECT jsonb_agg(jsonb_build_object(
            'item_id', (SELECT ref FROM engine_itemref WHERE id = item_ref_id), 'lines', lines
        )) FROM unknown
    ),
    'no_shopper', (SELECT count(*) FROM nobodys),
    'no_shopper_samples', (
        SELECT jsonb_agg(jsonb_build_object('event_id', event_id, 'type', type))
        FROM (SELECT * FROM nobodys ORDER BY id DESC LIMIT %(samples)s) AS sample
    ),
    'future_times', (SELECT count(*) FROM early),
    'future_times_samples', (
        SELECT jsonb_agg(jsonb_build_object(
            'event_id', event_id, 'ts', occurred_at, 'received_at', received_at
        )) FROM (SELECT * FROM early ORDER BY id DESC LIMIT %(samples)s) AS sample
    ),
    'duplicates', (SELECT coalesce(sum(times - 1), 0) FROM repeats),
    'duplicates_samples', (
        SELECT jsonb_agg(to_jsonb(sample))
        FROM (SELECT * FROM repeats ORDER BY times DESC, event_id LIMIT %(samples)s) AS sample
    ),
    'priced', (SELECT count(*) FROM priced),
    'stale_prices', (SELECT count(*) FROM priced WHERE is_stale),
    'stale_prices_samples', (
        SELECT jsonb_agg(jsonb_build_object(
            'item_id', item_id, 'price', trim_scale(price)::text,
            'sold_at', trim_scale(sold_price)::text, 'ts', occurred_at
        )) FROM (
            SELECT * FROM priced WHERE is_stale ORDER BY occurred_at DESC LIMIT %(samples)s
        ) AS sample
    )
)
"""  # noqa: S608  # made of constants
_WAYS_OUT = {
    "unknown_items": "No item has these ids; send the items, or name the ids as aliases of the "
    "items that they mean, and the events that came before join by themselves.",
    "no_shopper": "These events name neither a user_id nor an anonymous_id, so they count for "
    "what is popular and what is bought together, and for nobody's taste; send one of the two.",
    "future_times": "These events are said to have happened after they came; set the sender's "
    "clock, or send sent_at with the request.",
    "duplicates": "The same shopper did the same with the same item in the same second under "
    "several event_ids; see whether the page's tag fires twice.",
    "stale_prices": "These items were last sold at another price than the catalogue has had "
    "since; send each price when it changes.",
}


@dataclass(frozen=True, slots=True)
class EventQuality:
    """The newest events.

    Attributes
    ----------
    lines, events
        How many were looked at: an event about three items has three lines.
    since
        When the oldest of them came.
    match_rate
        By type: lines about items, how many the catalogue knows, and their share.
    """

    lines: int
    events: int
    since: str | None
    match_rate: Mapping[str, Mapping[str, float]]
    findings: list[Finding]


def event_quality(*, most_lines: int | None = None) -> EventQuality:
    """Look at the newest events, inside `in_environment`: at so many lines, if told."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {"lines": most_lines or LINES_LOOKED_AT, "samples": MAX_SAMPLES})
        look = orjson.loads(cursor.fetchone()[0])
    types = look["types"] or []
    return EventQuality(
        lines=look["lines"],
        events=look["events"],
        since=look["since"],
        match_rate={
            row["type"]: {
                "lines": row["lines"],
                "matched": row["matched"],
                "share": share(row["matched"], row["lines"]),
            }
            for row in types
        },
        findings=_findings(look, types),
    )


def _findings(look: Mapping[str, Any], types: list[dict[str, Any]]) -> list[Finding]:
    about_items = sum(row["lines"] for row in types)
    unknown_lines = about_items - sum(row["matched"] for row in types)
    found = [
        ("unknown_items", unknown_lines, about_items, "lines", look["unknown"]),
        *(
            (code, int(look[code]), look[total], total, look[f"{code}_samples"])
            for code, total in (
                ("no_shopper", "events"),
                ("future_times", "events"),
                ("duplicates", "lines"),
            )
        ),
        (
            "stale_prices",
            look["stale_prices"],
            look["priced"],
            "items",
            look["stale_prices_samples"],
        ),
    ]
    return [
        Finding(
            code=code,
            count=count,
            share=share(count, total),
            of=of,
            samples=samples or [],
            detail=_WAYS_OUT[code],
        )
        for code, count, total, of, samples in found
        if count
    ]
