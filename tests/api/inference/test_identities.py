"""Whose behaviour a call may look at."""

from __future__ import annotations

from math import inf

import pytest

from api.inference.erasures import Trace
from api.inference.identities import MAX_VISITORS, Identities
from api.inference.link_table import Link, LinkRow


def identities(*links: tuple[str, str, int]) -> Identities:
    own = Identities()
    own.apply(LinkRow(number, *link) for number, link in enumerate(links))
    return own


def test_nobody_has_no_traces_and_a_strangers_are_his_own() -> None:
    own = identities(("tab", "ada", 10))
    assert own.traces(user_id=None, anonymous_id=None) == []
    assert own.traces(user_id=None, anonymous_id="phone") == [Trace("a:phone")]
    assert own.traces(user_id="ben", anonymous_id="phone") == [Trace("u:ben"), Trace("a:phone")]


def test_a_visitor_is_the_user_of_its_latest_link_in_that_users_time() -> None:
    own = identities(("tab", "ada", 10), ("tab", "ben", 20), ("tab", "ada", 30))
    assert own.latest("tab") == Link(30, "ada")
    ada = [Trace("u:ada"), Trace("a:tab", ((-inf, 20), (30, inf)))]
    ben = [Trace("u:ben"), Trace("a:tab", ((20, 30),), is_from_the_beginning=False)]
    assert own.traces(user_id=None, anonymous_id="tab") == ada
    assert own.traces(user_id="ada", anonymous_id=None) == ada
    assert own.traces(user_id="ben", anonymous_id="tab") == ben
    assert own.traces(user_id="eve", anonymous_id="tab") == [Trace("u:eve")]


def test_what_redis_tells_counts_before_it_was_read() -> None:
    own = identities(("tab", "ada", 10))
    told = {"tab": Link(20, "ben")}
    assert own.traces(user_id=None, anonymous_id="tab", told=told) == [
        Trace("u:ben"),
        Trace("a:tab", ((20, inf),), is_from_the_beginning=False),
    ]
    assert own.traces(user_id="ada", anonymous_id="tab", told=told) == [
        Trace("u:ada"),
        Trace("a:tab", ((-inf, 20),)),
    ]


def test_a_link_that_is_read_twice_is_one() -> None:
    own = identities(("tab", "ada", 10), ("tab", "ada", 10))
    assert own.traces(user_id="ada", anonymous_id=None) == [
        Trace("u:ada"),
        Trace("a:tab", ((-inf, inf),)),
    ]


def test_what_is_kept_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    loose = identities(("tab", "ada", 10))
    monkeypatch.setattr("api.inference.identities._LOOSE_LINKS", 0)
    packed = identities(("tab", "ada", 10))
    assert loose.size_bytes > packed.size_bytes > 0


def test_packing_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [(f"tab-{n % 7}", f"user-{n % 3}", 10 * (n * 7 % 40)) for n in range(40)]
    rows = [LinkRow(number, *link) for number, link in enumerate(made)]
    loose = identities(*made)
    # Packs again and again as they come, each time that enough of them are loose.
    monkeypatch.setattr("api.inference.identities._LOOSE_LINKS", 0)
    packed = Identities()
    for row in rows:
        packed.apply([row])
    assert packed.size_bytes < loose.size_bytes
    users = [None, *(f"user-{n}" for n in range(4))]
    visitors = [None, *(f"tab-{n}" for n in range(8))]
    for user_id in users:
        for anonymous_id in visitors:
            assert packed.traces(user_id=user_id, anonymous_id=anonymous_id) == loose.traces(
                user_id=user_id, anonymous_id=anonymous_id
            )


def test_the_browsers_linked_last_are_followed() -> None:
    own = identities(*((f"tab-{number}", "ada", number) for number in range(MAX_VISITORS + 1)))
    keys = [trace.key for trace in own.traces(user_id="ada", anonymous_id=None)]
    assert keys == ["u:ada", *(f"a:tab-{number}" for number in range(1, MAX_VISITORS + 1))]
