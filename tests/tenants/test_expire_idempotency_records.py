"""First answers are forgotten after a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.models.environment import Environment
from tenants.models.idempotency import IdempotencyRecord
from tenants.services import expire_idempotency_records as module
from tenants.services.expire_idempotency_records import expire_idempotency_records


def keep_answer(environment: Environment, key: str, *, hours_ago: float) -> None:
    record = IdempotencyRecord.objects.create(
        environment=environment,
        route="POST /v1/events",
        key=key,
        body_digest=b"\0" * 32,
        status=202,
        body=b"{}",
    )
    IdempotencyRecord.objects.filter(pk=record.pk).update(
        created_at=timezone.now() - timedelta(hours=hours_ago)
    )


def test_an_answer_is_kept_for_24_hours(acorn: Environment) -> None:
    keep_answer(acorn, "yesterday", hours_ago=24.1)
    keep_answer(acorn, "today", hours_ago=23.9)
    assert expire_idempotency_records() == 1
    kept = IdempotencyRecord.objects.filter(key__in=["yesterday", "today"])
    assert [record.key for record in kept] == ["today"]


def test_a_busy_days_answers_go_in_several_steps(
    acorn: Environment, nested_loops_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 2)
    for number in range(3):
        keep_answer(acorn, f"old-{number}", hours_ago=30)
    assert [expire_idempotency_records() for _ in range(3)] == [2, 1, 0]
