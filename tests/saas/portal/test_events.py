"""The events' pages: what came in each minute, the live tail, and what is amiss."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from redis.exceptions import ConnectionError as NotConnected

from engine.selectors import intake
from engine.services.forget_recent_events import forget_recent_events
from engine.services.write_items import write_items
from saas.lib.errors import RowsRejected
from saas.lib.redis_client import redis_client
from saas.portal.pages.events import intake_chart
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.models.person import Member
from tests.engine.privacy import take_in
from tests.engine.statements import tenant_statements
from tests.people import visitor

ATTACK = "<script>alert(1)</script>"
VIEW = {"type": "view", "user_id": "ada", "item_id": "lamp"}


@pytest.fixture
def owner(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


@pytest.fixture(autouse=True)
def _no_counters(acorn: Environment) -> Iterator[None]:
    """Redis is not rolled back with the database."""
    redis_client().flushdb()
    yield
    redis_client().flushdb()


def shown(client: Client, path: str = "/live/events/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def counted(environment: Environment) -> intake.Intake:
    found = intake.intake(environment.pk, now=datetime.now(UTC))
    assert found is not None
    return found


def totals(environment: Environment) -> tuple[int, int, int]:
    """Return what was accepted, known already and rejected."""
    minutes = counted(environment).minutes
    return (
        sum(each.accepted for each in minutes),
        sum(each.duplicates for each in minutes),
        sum(each.rejected for each in minutes),
    )


def publish(environment: Environment, *rows: dict[str, Any], source: str = "server") -> None:
    """Take events in and do what follows a commit; the test's own transaction never commits."""
    from django.db import connection

    before = len(connection.run_on_commit)
    take_in(environment, *rows, source=source)
    for entry in connection.run_on_commit[before:]:
        entry[1]()


def test_a_store_without_events_is_told_what_to_send(owner: Client) -> None:
    page = shown(owner)
    for sentence in ("No event came in this hour", "Waiting for the first event", "No event has"):
        assert sentence in page


def test_events_are_counted_by_the_minute_and_by_what_became_of_them(
    owner: Client, acorn: Environment
) -> None:
    named = {**VIEW, "event_id": "e1"}
    publish(acorn, named, named, VIEW, {"type": "look", "user_id": "ada"}, {"type": "view"})
    assert totals(acorn) == (2, 1, 2)
    codes = {each.code: each.count for each in counted(acorn).reasons}
    assert sum(codes.values()) == 2
    assert codes["unknown_event_type"] == 1
    page = shown(owner)
    assert "unknown_event_type" in page
    assert "Events by minute" in page


def test_a_request_of_which_nothing_was_taken_is_counted_too(acorn: Environment) -> None:
    with pytest.raises(RowsRejected):
        take_in(acorn, {"type": "look", "user_id": "ada"})
    assert totals(acorn) == (0, 0, 1)


def test_imports_are_not_counted_as_what_came_in(acorn: Environment) -> None:
    publish(acorn, VIEW, source="import")
    assert totals(acorn) == (0, 0, 0)


def test_counters_expire_and_an_hour_is_read_across_its_turn(acorn: Environment) -> None:
    publish(acorn, VIEW)
    for key in redis_client().keys("sw:*:intake:*"):
        assert 0 < redis_client().ttl(key) <= intake.KEPT_SECONDS
    redis_client().flushdb()
    now = datetime(2026, 6, 1, 12, 10, 30, tzinfo=UTC)
    for ago, count in ((5, 1), (20, 2), (59, 4), (60, 8)):
        at = now - timedelta(minutes=ago)
        field = intake.intake_field(at, intake.ACCEPTED)
        redis_client().hincrby(intake.intake_key(acorn.pk, at), field, count)
    found = intake.intake(acorn.pk, now=now)
    assert found is not None
    assert [each.accepted for each in found.minutes if each.accepted] == [4, 2, 1]
    assert found.minutes[-1].at == datetime(2026, 6, 1, 12, 10, tzinfo=UTC)
    assert intake_chart(found).period == "1 June 2026, 11:11 to 12:10 (UTC)"


def test_what_was_said_of_rejected_events_goes_with_an_erasure(acorn: Environment) -> None:
    publish(acorn, VIEW, {"type": "look", "user_id": "ada"})
    assert counted(acorn).reasons[0].detail
    forget_recent_events(environment_id=acorn.pk, shopper_keys=["u:ada"])
    assert counted(acorn).reasons[0].detail == ""


def test_without_redis_the_page_says_what_is_missing(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise NotConnected

    monkeypatch.setattr(intake, "redis_client", away)
    assert "is not to be had at the moment" in shown(owner)


def test_the_tail_shows_what_came_last_first_and_can_be_paused(
    owner: Client, acorn: Environment
) -> None:
    take_in(acorn, {**VIEW, "item_id": "first"})
    take_in(acorn, {**VIEW, "item_id": "second", "ts": "2020-01-01T00:00:00Z"})
    page = shown(owner, "/live/events/tail/")
    assert 0 < page.index("id=second") < page.index("id=first")
    # What came on another day than it says names that day.
    assert '<td class="nowrap">2020-01-01 00:00:00</td>' in page
    assert 'hx-trigger="every 3s"' in page
    assert "hx-trigger" not in shown(owner, "/live/events/tail/?tail=paused")
    assert "hx-trigger" not in shown(owner, "/live/events/?tail=paused")


def test_unknown_ids_late_clocks_and_matches_are_told_with_what_to_do(
    owner: Client, acorn: Environment
) -> None:
    with in_environment(acorn):
        write_items(environment=acorn, rows=[{"id": "lamp", "title": "Lamp"}])
    now = datetime.now(UTC)
    take_in(
        acorn,
        {**VIEW, "item_id": "nowhere"},
        {"type": "click", "user_id": "ada", "item_id": "lamp", "recommendation_id": "01JD"},
        {"type": "click", "user_id": "ada", "item_id": "lamp"},
        {**VIEW, "ts": (now - timedelta(hours=2)).isoformat()},
        {**VIEW, "ts": (now + timedelta(hours=2)).isoformat()},
        {"type": "view", "session_id": "s", "item_id": "lamp"},
    )
    page = shown(owner)
    assert "Unknown items" in page
    assert "No item has these ids" in page
    assert "name neither a user_id nor an anonymous_id" in page
    assert '<th scope="row">1 to 24 hours late</th><td class="number">1</td>' in page
    assert 'ahead of our clock</th><td class="number">1</td>' in page
    assert '<th scope="row" class="nowrap">click</th><td class="number">2</td>' in page
    assert '<td class="number">50.0</td>' in page


def test_what_shops_and_shoppers_send_is_shown_and_never_run(
    owner: Client, acorn: Environment
) -> None:
    publish(
        acorn,
        {
            "type": f"custom:{ATTACK}",
            "user_id": ATTACK,
            "item_id": f'"{ATTACK}',
            "placement": ATTACK,
            "recommendation_id": ATTACK,
        },
        {"type": "search", "session_id": ATTACK, "query": ATTACK},
        {"type": ATTACK, "user_id": "ada"},
    )
    for path in ("/live/events/", "/live/events/tail/"):
        page = shown(owner, path)
        assert ATTACK not in page
        assert "&lt;script&gt;" in page


def test_another_store_s_events_are_not_shown(owner: Client, birch: Environment) -> None:
    take_in(birch, {**VIEW, "item_id": "birch-shoe"})
    assert "birch-shoe" not in shown(owner)


def test_roles_without_the_right_are_told_so(acorn: Environment) -> None:
    finance = visitor(acorn.tenant, Member.Role.FINANCE)
    assert [finance.get(f"/live/events/{path}").status_code for path in ("", "tail/")] == [403] * 2


def test_a_page_asks_the_store_few_things(owner: Client, acorn: Environment) -> None:
    take_in(acorn, *({**VIEW, "user_id": f"u{number}"} for number in range(40)))
    asked = {}
    for path in ("", "tail/"):
        with tenant_statements() as statements:
            shown(owner, f"/live/events/{path}")
        asked[path] = len(statements)
    assert asked == {"": 5, "tail/": 2}
