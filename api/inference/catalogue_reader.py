"""Reads what changed in a store from PostgreSQL, page by page, as each environment's own role."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import kwargs_row

from api.inference.answers import AttributeValue, Product
from api.inference.catalogue import ItemRow, ShownRow
from api.inference.link_table import LinkRow
from api.inference.snapshot import Environment
from saas.lib.erasures import Erasure
from saas.lib.postgres import connect_for_long

PAGE_ROWS = 5_000

Row = TypeVar("Row")

_CLOCKS = """
    SELECT environment_id, written.change_seq, coalesce(linked.change_seq, 0), written.shown_seq
    FROM public.tenants_catalogueclock AS written
    LEFT JOIN public.tenants_identityclock AS linked USING (environment_id)
    WHERE environment_id = ANY(%s)
"""
_BECOME = "SET LOCAL search_path = {schema}; SET LOCAL ROLE {role}"
_PUBLIC_ATTRIBUTES: LiteralString = """(
    SELECT jsonb_object_agg(name, attributes -> name)
    FROM engine_attribute WHERE public AND attributes ? name
)"""
# A batch gives one number to all of its rows, so the id completes the order.
_CHANGED_ITEMS = f"""
    SELECT id, change_seq, item_id, group_id, aliases, categories, attributes,
           recommendable,
           deleted_at IS NOT NULL AS is_deleted,
           extract(epoch FROM available_from)::float8 AS available_from,
           extract(epoch FROM available_until)::float8 AS available_until,
           title, url, image_url, price::text, list_price::text, currency, brand, in_stock,
           {_PUBLIC_ATTRIBUTES} AS public_attributes
    FROM engine_item
    WHERE (change_seq, id) > (%s, %s)
    ORDER BY change_seq, id
    LIMIT %s
"""  # noqa: S608  # made of constants
_ITEMS = _CHANGED_ITEMS.replace("(change_seq, id) > (%s, %s)", "id = ANY(%s)")
_SHOWN_ATTRIBUTES = f"""
    SELECT id, item_id, {_PUBLIC_ATTRIBUTES}::text AS attributes
    FROM engine_item WHERE id > %s ORDER BY id LIMIT %s
"""  # noqa: S608  # made of constants
_UNFILTERABLE = "SELECT name FROM engine_attribute WHERE NOT filterable LIMIT %s"
# The few shoppers that the store ever wrote; 0 marks those known from events alone.
_CHANGED_SHOPPERS = """
    SELECT id, change_seq, kind, external_id,
           NOT personalise AND deleted_at IS NULL AS has_objected,
           extract(epoch FROM deleted_at)::float8 * 1000 AS deleted_at_ms
    FROM engine_shopper
    WHERE change_seq > 0 AND (change_seq, id) > (%s, %s)
    ORDER BY change_seq, id
    LIMIT %s
"""
# Their clock's lock makes the order of ids the order of commits.
_NEW_LINKS = """
    SELECT link.id, visitor.external_id AS anonymous_id, shopper.external_id AS user_id,
           floor(extract(epoch FROM link.valid_from) * 1000)::bigint AS since_ms
    FROM engine_identitylink AS link
    JOIN engine_shopper AS visitor
        ON visitor.id = link.anonymous_id AND visitor.kind = 'anonymous'
    JOIN engine_shopper AS shopper ON shopper.id = link.user_id AND shopper.kind = 'user'
    WHERE link.id > %s
    ORDER BY link.id
    LIMIT %s
"""
# The catalogue clock's lock orders them, too.
_NEW_ERASURES = """
    SELECT id, digest, extract(epoch FROM since)::float8 * 1000 AS since_ms,
           extract(epoch FROM until)::float8 * 1000 AS until_ms, change_seq
    FROM engine_tombstone
    WHERE id > %s
    ORDER BY id
    LIMIT %s
"""


class Clock(NamedTuple):
    """How often an environment's catalogue was written, and its visitors linked with users.

    `shown` is the catalogue's number when it last changed which attributes answers show and
    filters may name.
    """

    catalogue: int = 0
    links: int = 0
    shown: int = 0


class ShopperRow(NamedTuple):
    """A shopper as the store described one."""

    id: int
    change_seq: int
    kind: str
    external_id: str
    has_objected: bool
    deleted_at_ms: float | None = None


class ErasureRow(NamedTuple):
    """An erasure and its place in the order of their commits."""

    id: int
    erasure: Erasure


@dataclass(frozen=True, slots=True)
class Position:
    """How far an environment's changes of one table have been read."""

    change_seq: int = -1
    id: int = -1


class CatalogueReader:
    """A connection of its own, opened when needed and given up on any error."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: psycopg.Connection | None = None

    def clocks(self, environment_ids: Sequence[int]) -> Mapping[int, Clock]:
        """Return the clocks of environments, one query for all."""
        rows = self._connected().execute(_CLOCKS, (list(environment_ids),)).fetchall()
        return {environment_id: Clock(*counts) for environment_id, *counts in rows}

    def items(self, environment: Environment, after: Position) -> list[ItemRow]:
        """Return the next changed items, in the order of their changes."""
        return self._page(environment, _CHANGED_ITEMS, _item, (after.change_seq, after.id))

    def described(self, environment: Environment, ids: Sequence[int]) -> list[ItemRow]:
        """Return the items of some database ids."""
        return self._page(environment, _ITEMS, _item, (list(ids),))

    def shown(self, environment: Environment, after: int) -> list[ShownRow]:
        """Return what answers show of the next items' attributes, in the order of their ids."""
        return self._page(environment, _SHOWN_ATTRIBUTES, ShownRow, (after,))

    def unfilterable(self, environment: Environment) -> frozenset[str]:
        """Return the attributes that no filter may name."""
        return frozenset(self._page(environment, _UNFILTERABLE, _name, ()))

    def shoppers(self, environment: Environment, after: Position) -> list[ShopperRow]:
        """Return the next changed shoppers, in the order of their changes."""
        return self._page(environment, _CHANGED_SHOPPERS, ShopperRow, (after.change_seq, after.id))

    def links(self, environment: Environment, after: int) -> list[LinkRow]:
        """Return the next links of visitors with users, in the order they were made."""
        return self._page(environment, _NEW_LINKS, LinkRow, (after,))

    def erasures(self, environment: Environment, after: int) -> list[ErasureRow]:
        """Return the next erasures, in the order in which they were made."""
        return self._page(environment, _NEW_ERASURES, _erasure, (after,))

    def _page(
        self,
        environment: Environment,
        query: LiteralString,
        make: Callable[..., Row],
        after: tuple[int | list[int], ...],
    ) -> list[Row]:
        connection = self._connected()
        with connection.transaction(), connection.cursor(row_factory=kwargs_row(make)) as cursor:
            cursor.execute(
                sql.SQL(_BECOME).format(
                    schema=sql.Identifier(environment.schema_name),
                    role=sql.Identifier(environment.role_name),
                )
            )
            cursor.execute(query, (*after, PAGE_ROWS))
            return cursor.fetchall()

    def close(self) -> None:
        """Give up the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = connect_for_long(
                self._database_url,
                name="inference-catalogue",
                connect_timeout=2,
                options="-c statement_timeout=5s",
            )
        return self._connection


def _erasure(*, id: int, **members: Any) -> ErasureRow:
    return ErasureRow(id, Erasure(**members))


def _name(*, name: str) -> str:
    return name


def _item(
    *,
    title: str,
    url: str | None,
    image_url: str | None,
    price: str | None,
    list_price: str | None,
    currency: str | None,
    brand: str | None,
    in_stock: bool,
    public_attributes: dict[str, AttributeValue] | None,
    **members: Any,  # the columns that ItemRow types
) -> ItemRow:
    product = Product(
        title=title,
        url=url,
        image_url=image_url,
        price=_money(price),
        list_price=_money(list_price),
        currency=currency,
        brand=brand,
        in_stock=in_stock,
        attributes=public_attributes or {},
    )
    return ItemRow(product=product, **members)


def _money(stored: str | None) -> str | None:
    """Return a stored amount as the contract writes it: two decimals, more where they count.

    >>> _money("12.9000"), _money("0.1250"), _money(None)
    ('12.90', '0.125', None)
    """
    if stored is None:
        return None
    whole, _, fraction = stored.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
