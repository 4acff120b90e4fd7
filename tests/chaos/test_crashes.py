"""Twenty crashes under load: what was acknowledged is there, there once, and no import differs."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.crashes import DECK, Siege, deal
from tests.chaos.stack import Stack


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that PostgreSQL's account can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-chaos-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_all_that_was_acknowledged_outlives_the_crash_of_every_process(home: Path) -> None:
    # pytest-randomly seeds it, and says how to have the same again.
    seed = str(random.getrandbits(32))
    (victims,) = deal(seed=seed, crashes=len(DECK))
    crashed: Counter[str] = Counter()
    with Stack(home) as stack:
        siege = Siege(stack, seed=seed)
        siege.run(victims, after_crash=lambda victim: crashed.update([victim]))
    assert crashed == Counter(DECK)
    assert siege.tally.imports >= 2
    assert siege.tally.put_off
