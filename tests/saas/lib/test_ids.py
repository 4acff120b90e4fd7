"""The identifiers that Shelfwise hands out."""

from __future__ import annotations

from ulid import ULID

from saas.lib.ids import make_ulid, new_ulid


def test_a_ulid_says_the_same_in_text_and_in_bytes() -> None:
    made = make_ulid()
    read = ULID.from_str(made.text)
    assert (read.bytes, read.milliseconds) == (made.packed, made.epoch_ms)


def test_no_two_ulids_of_a_moment_are_the_same() -> None:
    assert len({make_ulid().text for _ in range(1_000)}) == 1_000


def test_ulids_of_a_moment_sort_in_the_order_in_which_they_were_made() -> None:
    made = [new_ulid() for _ in range(10_000)]
    assert made == sorted(set(made))
