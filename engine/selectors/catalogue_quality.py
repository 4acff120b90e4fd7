"""How well a store's items are described: a look at a bounded part of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from django.db import connection

from engine.rows.item_attributes import AttributeType
from engine.selectors.attributes import declared_types, seen_types
from engine.selectors.catalogue_sample import SAMPLE, sampled_percent
from engine.selectors.finding import MAX_SAMPLES, Finding, share

# What makes a field one that is filled in, and what its absence costs.
_FIELDS = {
    "title": ("title <> ''", "nothing can be shown of it"),
    "description": ("description <> ''", "models know less of a new item"),
    "categories": ("cardinality(categories) > 0", "models know less of a new item"),
    "brand": ("brand <> ''", "models know less of a new item"),
    "price": ("price IS NOT NULL", "filters by price leave the item out"),
    "image_url": ("image_url <> ''", "answers with a product have no picture"),
    "url": ("url <> ''", "answers with a product lead nowhere"),
}
_COUNTS = f"""
    SELECT count(*), {
    ", ".join(
        f"count(*) FILTER (WHERE {filled}), "
        f"(array_agg(item_id) FILTER (WHERE NOT coalesce({filled}, false)))[1:{MAX_SAMPLES}]"
        for filled, _ in _FIELDS.values()
    )
}, count(*) FILTER (WHERE price IS NOT NULL AND currency IS NULL),
        (array_agg(item_id) FILTER (WHERE price IS NOT NULL AND currency IS NULL))[1:{MAX_SAMPLES}]
    FROM {SAMPLE} WHERE deleted_at IS NULL
"""  # noqa: S608  # made of constants
_CONTRARY = f"""
    SELECT item_id, each.key, each.value
    FROM {SAMPLE}, jsonb_each(attributes) AS each,
        unnest(%s::text[], %s::text[]) AS wanted (key, kind)
    WHERE deleted_at IS NULL AND wanted.key = each.key
        AND jsonb_typeof(each.value) NOT IN (wanted.kind, 'null')
    ORDER BY item_id, each.key LIMIT {MAX_SAMPLES}
"""  # noqa: S608  # made of constants
# An alias names one item; another item's own id comes before it.
_SHADOWED = f"""
    SELECT count(*), count(*) FILTER (WHERE is_shadowed),
        (array_agg(ARRAY[item_id, alias] ORDER BY item_id, alias)
            FILTER (WHERE is_shadowed))[1:{MAX_SAMPLES}]
    FROM (
        SELECT item_id, alias, engine_item.id IS DISTINCT FROM (
            SELECT ref.item_id FROM engine_itemref AS ref WHERE ref.ref = alias
        ) AS is_shadowed
        FROM {SAMPLE}, unnest(aliases) AS alias WHERE deleted_at IS NULL OFFSET 0
    ) AS listed
"""  # noqa: S608  # made of constants


@dataclass(frozen=True, slots=True)
class CatalogueQuality:
    """A look at the catalogue.

    Attributes
    ----------
    items
        How many were looked at.
    is_sample
        Whether there are more.
    fields, attributes
        The share of the items that has each; at most a thousand attributes, commonest first.
    """

    items: int
    is_sample: bool
    fields: Mapping[str, float]
    attributes: Mapping[str, float]
    findings: list[Finding]


def catalogue_quality(*, most_pages: int | None = None) -> CatalogueQuality:
    """Look at the catalogue, inside `in_environment`: at so many pages of its table, if told."""
    percent = sampled_percent(most_pages)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [percent])
        items, *counts, unpriced, unpriced_ids = cursor.fetchone()
    filled = dict(zip(_FIELDS, counts[::2], strict=True))
    without = dict(zip(_FIELDS, counts[1::2], strict=True))
    seen = seen_types(most_pages)
    findings = [
        Finding(
            code=f"missing_{name}",
            count=items - filled[name],
            share=share(items - filled[name], items),
            of="items",
            samples=[{"item_id": item_id} for item_id in without[name] or ()],
            detail=f"These items have no {name}: {cost}; send it.",
        )
        for name, (_, cost) in _FIELDS.items()
        if filled[name] < items
    ]
    if unpriced:
        findings.append(
            Finding(
                code="price_without_currency",
                count=unpriced,
                share=share(unpriced, items),
                of="items",
                samples=[{"item_id": item_id} for item_id in unpriced_ids],
                detail="These items have a price and no currency; send it, or set the store's own "
                "with PUT /v1/settings and send the items again.",
            )
        )
    return CatalogueQuality(
        items=items,
        is_sample=percent < 100,
        fields={name: share(count, items) for name, count in filled.items()},
        attributes={name: share(sum(types.values()), items) for name, types in seen.items()},
        findings=[*findings, *_contrary(seen, percent), *_shadowed(percent)],
    )


def _contrary(seen: Mapping[str, Mapping[AttributeType, int]], percent: float) -> list[Finding]:
    """Return what contradicts a declaration, or the commonest type where there is none."""
    wanted = {name: next(iter(types)) for name, types in seen.items()} | declared_types()
    counts = {
        name: sum(count for type_, count in types.items() if type_ != wanted[name])
        for name, types in seen.items()
    }
    names = [name for name, count in counts.items() if count]
    if not names:
        return []
    with connection.cursor() as cursor:
        kinds = ["array" if wanted[name] == "list" else wanted[name] for name in names]
        cursor.execute(_CONTRARY, [percent, names, kinds])
        samples = [
            {
                "item_id": item_id,
                "attribute": name,
                "value": orjson.loads(value),
                "expected": wanted[name],
            }
            for item_id, name, value in cursor
        ]
    count = sum(counts.values())
    return [
        Finding(
            code="contrary_attribute_types",
            count=count,
            share=share(count, sum(sum(types.values()) for types in seen.values())),
            of="values",
            samples=samples,
            detail="These values are of another type than is declared, or than most values of the "
            "attribute are; declare its type with PUT /v1/attributes and send the items again.",
        )
    ]


def _shadowed(percent: float) -> list[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_SHADOWED, [percent])
        aliases, count, samples = cursor.fetchone()
    if not count:
        return []
    return [
        Finding(
            code="shadowed_aliases",
            count=count,
            share=share(count, aliases),
            of="aliases",
            samples=[{"item_id": item_id, "alias": alias} for item_id, alias in samples],
            detail="These aliases are the ids of other items, and name those; "
            "take them off the items that have them as an alias.",
        )
    ]
