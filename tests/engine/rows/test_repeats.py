"""How often a digest came before, over many batches, by a count that is plainly right."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from engine.rows.repeats import Repeats


@pytest.mark.parametrize("kinds", [1, 40, 5_000])
def test_each_digest_is_counted_over_all_batches(
    monkeypatch: pytest.MonkeyPatch, kinds: int
) -> None:
    # Runs stop being joined in the midst of it.
    monkeypatch.setattr("engine.rows.repeats._MAX_JOINED", 500)
    draw = random.Random(7)  # no secret
    repeats = Repeats()
    seen: Counter[bytes] = Counter()
    for _ in range(30):
        digests = [draw.randrange(kinds).to_bytes(16, "little") for _ in range(100)]
        expected = []
        for digest in digests:
            expected.append(seen[digest])
            seen[digest] += 1
        assert repeats.count(digests) == expected


def test_a_batch_without_any_changes_nothing() -> None:
    repeats = Repeats()
    assert repeats.count([]) == []
    assert repeats.count([b"a" * 16]) == [0]
