"""Which sightings of visitors with users say something new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from engine.rows.identity_links import Link, Sighting, new_links


def at(hour: int) -> datetime:
    return datetime(2026, 1, 5, hour, tzinfo=UTC)


def made(
    *sightings: tuple[int, str], known: Sequence[tuple[int, str]] = ()
) -> list[tuple[int, str, str, bool]]:
    links: Mapping[str, list[Link]] = {"tab": [Link(at(hour), user) for hour, user in known]}
    seen = [Sighting("tab", at(hour), user) for hour, user in sightings]
    return [
        (link.valid_from.hour, link.user_id, link.owner_before, link.is_latest)
        for link in new_links(seen, known=links)
    ]


def test_what_came_before_the_first_link_is_its_users() -> None:
    assert made((12, "ada")) == [(12, "ada", "ada", True)]


def test_what_is_known_is_not_linked_again() -> None:
    assert made((12, "ada"), known=[(10, "ada")]) == []
    assert made((9, "ada"), known=[(10, "ada")]) == []
    assert made((10, "ben"), known=[(10, "ada")]) == []


def test_a_device_changes_hands_and_back_in_one_request() -> None:
    assert made((11, "ben"), (12, "ada"), (13, "ada"), known=[(10, "ada")]) == [
        (11, "ben", "ada", False),
        (12, "ada", "ben", True),
    ]


def test_a_link_that_comes_late_is_not_the_latest() -> None:
    assert made((11, "ben"), known=[(10, "ada"), (12, "eve")]) == [(11, "ben", "ada", False)]


def test_visitors_do_not_mix() -> None:
    seen = [Sighting("tab", at(10), "ada"), Sighting("phone", at(11), "ben")]
    links = {(link.anonymous_id, link.user_id) for link in new_links(seen, known={})}
    assert links == {("tab", "ada"), ("phone", "ben")}
