"""The feeds of an environment, as the API shows them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from engine.models.imports import Import
from engine.selectors.items import moment
from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.models.feed import Feed

# What the file is and how it is read: with another of these, it is another file.
SOURCE_MEMBERS = ("url", "kind", "format", "mode", "timezone", "mapping")
_SHOWN = (*SOURCE_MEMBERS, "every")


def source_of(feed: Feed) -> tuple[Any, ...]:
    """Return what the file of a feed is and how it is read."""
    return tuple(getattr(feed, name) for name in SOURCE_MEMBERS)


def feed_of(*, environment_id: int, feed_id: str) -> Feed:
    """Return a feed.

    Raises
    ------
    NotFound
        There is no such feed, or it is another environment's.
    """
    with on_platform():
        feed = Feed.objects.filter(environment_id=environment_id, pk=feed_id).first()
    return _found(feed, feed_id)


def locked_feed(*, environment_id: int, feed_id: str) -> Feed:
    """Return a feed, held until the transaction ends; raises as `feed_of` does."""
    with on_platform():
        rows = Feed.objects.select_for_update().filter(environment_id=environment_id, pk=feed_id)
        feed = rows.first()
    return _found(feed, feed_id)


def feeds(
    *, environment_id: int, kinds: Collection[str], limit: int, after: str | None = None
) -> list[Feed]:
    """Return up to `limit` feeds, oldest first, those made after one."""
    with on_platform():
        rows = Feed.objects.filter(environment_id=environment_id, kind__in=kinds)
        if after is not None:
            rows = rows.filter(pk__gt=after)
        return list(rows.order_by("pk")[:limit])


def import_status(import_id: str | None) -> str | None:
    """Return how it stands with an import; None where there is none."""
    return Import.objects.filter(pk=import_id).values_list("status", flat=True).first()


def feed_bodies(rows: Sequence[Feed]) -> list[dict[str, Any]]:
    """Return feeds as the contract shows them; call inside the environment."""
    ids = [feed.import_id for feed in rows if feed.import_id is not None]
    statuses = dict(Import.objects.filter(pk__in=ids).values_list("pk", "status"))
    return [_body(feed, statuses.get(feed.import_id or "")) for feed in rows]


def _body(feed: Feed, status: str | None) -> dict[str, Any]:
    return {
        "id": feed.pk,
        **{name: getattr(feed, name) for name in _SHOWN},
        "created_at": moment(feed.created_at),
        "next_run_at": moment(feed.next_run_at),
        "failures": feed.failures,
        "last_run": _run(feed),
        "last_import": None if status is None else {"id": feed.import_id, "status": status},
    }


def _run(feed: Feed) -> dict[str, Any]:
    run: dict[str, Any] = {
        "status": feed.run_status,
        "started_at": moment(feed.run_started_at),
        "finished_at": moment(feed.run_finished_at),
    }
    if feed.run_bytes is not None:
        run["bytes"] = feed.run_bytes
    if feed.run_error is not None:
        run["error"] = {"code": feed.run_error_code, "detail": feed.run_error}
    return run


def _found(feed: Feed | None, feed_id: str) -> Feed:
    if feed is None:
        raise NotFound(f"There is no feed '{feed_id}'; GET /v1/feeds lists them.")
    return feed
