"""The OpenAPI document holds what it promises, for a few generated requests of each operation."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.run import run_schemathesis
from tests.serving import committed_store, web_process


def test_every_operation_answers_as_documented(migrated: None, tmp_path: Path) -> None:
    with committed_store("Fuzzed") as store, web_process(tmp_path / "web.log") as (_, port):
        # The same requests each time; `make fuzz` draws new ones.
        code = run_schemathesis(port=port, key=store.key, examples=1, phases="fuzzing", seed=1)
    assert code == 0
