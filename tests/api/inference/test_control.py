from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from api.inference.control import MIN_SECONDS_BETWEEN_REFRESHES
from api.inference.snapshot import ApiKey, Changes, Snapshot, load, save
from saas.lib.config import Config
from tenants import tokens
from tests.api.inference.conftest import PATIENCE_SECONDS, Hand, Service, eventually

NOWHERE = "postgresql://app:secret@/shelfwise?host=/nonexistent"


def test_a_process_starts_from_its_cache_while_postgresql_is_away(
    serve: Callable[[Config], Service], serving_config: Config, acorn_hand: Hand
) -> None:
    key = acorn_hand.make_key()
    assert serve(serving_config).post("popular", key).status_code == 200
    alone = serve(serving_config.model_copy(update={"database_url": NOWHERE}))
    answer = alone.post("popular", key)
    assert answer.status_code == 200
    assert answer.json()["freshness"]["lag_ms"] is None
    assert alone.request("GET", "/readyz").status_code == 200


def test_without_cache_and_postgresql_a_process_lives_and_is_not_ready(
    serve: Callable[[Config], Service], serving_config: Config
) -> None:
    service = serve(serving_config.model_copy(update={"database_url": NOWHERE}))
    assert service.request("GET", "/healthz").status_code == 200
    answer = service.request("GET", "/readyz")
    assert answer.status_code == 503
    # Why, operators read on the management port.
    assert answer.json() == {
        "ready": False,
        "checks": [{"name": "control", "ok": False}, {"name": "usage_log", "ok": True}],
    }
    # Nobody is known, which is no reason to call a good key bad.
    unknown = tokens.make_key(kind="secret", environment="live")
    assert service.post("popular", unknown).status_code == 503


def test_the_cache_holds_digests_and_is_readable_by_us_alone(
    service: Service, serving_config: Config, acorn_hand: Hand
) -> None:
    key = acorn_hand.make_key()
    assert service.post("popular", key).status_code == 200
    path = serving_config.control_cache
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tokens.digest(key) in path.read_bytes()
    assert key.encode() not in path.read_bytes()


def test_a_look_that_fails_does_not_end_the_looking(
    service: Service, acorn_hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = acorn_hand.make_key()
    assert service.post("popular", key).status_code == 200
    failed = threading.Event()

    def fail() -> None:
        monkeypatch.undo()
        failed.set()
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(service.runtime.control, "_on_change", fail)
    acorn_hand.make_key()
    assert failed.wait(timeout=PATIENCE_SECONDS)
    acorn_hand.revoke(key)
    eventually(lambda: service.post("popular", key).status_code == 401)


def test_unknown_keys_cannot_hammer_postgresql(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []
    look = service.runtime.control._look

    def counted() -> None:
        looks.append(None)
        look()

    monkeypatch.setattr(service.runtime.control, "_look", counted)
    started = time.monotonic()
    for _ in range(4):
        unknown = tokens.make_key(kind="secret", environment="live")
        assert service.post("popular", unknown).status_code == 401
    # Each of the four waited for a look of its own, a quarter of a second apart.
    assert len(looks) <= (time.monotonic() - started) / MIN_SECONDS_BETWEEN_REFRESHES + 1


def a_key(name: str, *, digest: bytes) -> ApiKey:
    return ApiKey(
        id=name,
        environment_id=1,
        kind="secret",
        digest=digest,
        scopes=frozenset({"recommendations:read"}),
        allowed_origins=frozenset(),
        ends_at=None,
    )


def test_changes_replace_rows_and_leave_the_old_snapshot_alone() -> None:
    first = Snapshot().with_changes(Changes(seq=1, keys=[a_key("k", digest=b"1")]))
    second = first.with_changes(Changes(seq=2, keys=[a_key("m", digest=b"2")]))
    assert (first.seq, set(first.keys_by_id)) == (1, {"k"})
    assert (second.seq, set(second.keys_by_digest)) == (2, {b"1", b"2"})


def test_a_saved_snapshot_is_loaded_whole(tmp_path: Path) -> None:
    snapshot = Snapshot().with_changes(Changes(seq=7, keys=[a_key("k", digest=b"1")]))
    save(snapshot, tmp_path / "control")
    assert load(tmp_path / "control") == snapshot


@pytest.mark.parametrize("content", [b"", b"hello", b"\x81\xa6format\x63"])
def test_a_file_that_is_no_snapshot_is_no_snapshot(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "control").write_bytes(content)
    assert load(tmp_path / "control") is None
