"""Promotion and rollback: one row changes, the audit log says who did it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from engine.models.training import ModelVersion
from engine.services.promote_model import promote_model
from engine.services.rollback_model import rollback_model
from engine.services.set_live_version import locked_environment
from saas.lib.errors import Conflict, NotFound
from tenants.context import in_environment
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import ControlClock, Environment
from tests.engine.model_versions import add_champions, add_version, live_version, version_of
from tests.webhooks import make_webhook, told


def promote(environment: Environment, version: str, *, pin: bool = False) -> None:
    with in_environment(environment):
        promote_model(environment=environment, version=version, pin=pin, actor="key:key_1")


def rollback(environment: Environment, version: str | None = None, *, pin: bool = False) -> str:
    with in_environment(environment):
        return rollback_model(environment=environment, version=version, pin=pin, actor="key:key_1")


def audited(environment: Environment) -> list[tuple[str, str, str | None, str | None]]:
    rows = AuditEvent.objects.filter(tenant=environment.tenant_id, actor="key:key_1").order_by("id")
    return [
        (row.actor, row.action, row.before["live_version"], row.after["live_version"])
        for row in rows
    ]


def test_promotion_changes_what_is_served_and_is_written_down(acorn: Environment) -> None:
    (champion,) = add_champions(acorn, 1)
    challenger = add_version(acorn, day=2)
    make_webhook(acorn)
    seq = ControlClock.objects.get().seq
    promote(acorn, challenger)
    assert live_version(acorn) == (challenger, False)
    assert audited(acorn) == [("key:key_1", "model_promoted", champion, challenger)]
    ((event_type, data),) = told(acorn)
    assert (event_type, data["version"], data["before"]) == ("model.promoted", challenger, champion)
    # What serving processes ask each second has moved.
    assert ControlClock.objects.get().seq > seq


def test_a_rejected_version_can_be_promoted_by_hand(acorn: Environment) -> None:
    rejected = add_version(acorn, day=2, verdict="rejected")
    promote(acorn, rejected, pin=True)
    assert live_version(acorn) == (rejected, True)


def test_promoting_the_champion_again_changes_its_pin_alone(acorn: Environment) -> None:
    (champion,) = add_champions(acorn, 1)
    promote(acorn, champion)
    assert audited(acorn) == []
    promote(acorn, champion, pin=True)
    assert live_version(acorn) == (champion, True)


def test_a_promotion_that_waited_for_a_training_sees_what_it_removed(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (champion,) = add_champions(acorn, 1)
    old = add_version(acorn, day=2)

    def wait_for_the_training(environment_id: int) -> Environment:
        ModelVersion.objects.filter(pk=old).update(artifact_removed_at=timezone.now())
        return locked_environment(environment_id)

    monkeypatch.setattr("engine.services.promote_model.locked_environment", wait_for_the_training)
    with pytest.raises(Conflict, match="were removed"):
        promote(acorn, old)
    assert live_version(acorn) == (champion, False)


def test_another_stores_version_is_unknown(acorn: Environment, birch: Environment) -> None:
    version = add_version(birch, day=1)
    for move in (promote, rollback):
        with pytest.raises(NotFound):
            move(acorn, version)
    assert live_version(acorn) == (None, False)


def test_a_version_without_its_files_cannot_be_promoted(acorn: Environment) -> None:
    (champion,) = add_champions(acorn, 2)
    removed = add_version(acorn, day=1, artifact_removed_at=timezone.now())
    with pytest.raises(Conflict, match="removed"):
        promote(acorn, removed)
    assert live_version(acorn) == (champion, False)


def test_rollback_goes_back_one_champion_each_time(acorn: Environment) -> None:
    first, second, third = add_champions(acorn, 1, 2, 3)
    assert rollback(acorn, pin=True) == second
    assert live_version(acorn) == (second, True)
    assert rollback(acorn) == first
    assert live_version(acorn) == (first, False)
    assert audited(acorn) == [
        ("key:key_1", "model_rolled_back", third, second),
        ("key:key_1", "model_rolled_back", second, first),
    ]
    with pytest.raises(Conflict):
        rollback(acorn)


def test_rollback_goes_to_the_champion_that_is_named(acorn: Environment) -> None:
    first, _, _ = add_champions(acorn, 1, 2, 3)
    assert rollback(acorn, first) == first
    assert live_version(acorn) == (first, False)


def test_rollback_does_not_go_to_a_version_that_was_never_live(acorn: Environment) -> None:
    add_champions(acorn, 1, 2)
    challenger = add_version(acorn, day=3)
    for version in (challenger, version_of(9)):
        with pytest.raises(NotFound, match="ever been live"):
            rollback(acorn, version)


def test_without_a_live_model_there_is_nothing_to_roll_back(acorn: Environment) -> None:
    with pytest.raises(Conflict, match="No model is live"):
        rollback(acorn)
