"""What the platform knows of all stores at once is written by each store's own jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection

from engine import tasks
from engine.jobs import ROLL_UP_JOB
from engine.models.training import ModelVersion, TrainingRun
from engine.services.fail_training import fail_training
from engine.services.ingest_events import ingest_events
from engine.services.queue_roll_ups import queue_roll_ups
from engine.services.roll_up_environment import roll_up_environment
from engine.services.roll_up_trainings import roll_up_trainings
from engine.services.write_items import write_items
from saas.lib.ids import new_ulid
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.roll_up import EnvironmentDay, TrainingRecord
from tests.conftest import as_owner
from tests.serving import committed_store

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
YESTERDAY, LAST_WEEK = NOON - timedelta(days=1), NOON - timedelta(days=7)


def send(shop: Environment, *names: str, at: datetime) -> None:
    rows = [{"type": "view", "item_id": "lamp", "anonymous_id": name} for name in names]
    with in_environment(shop):
        ingest_events(environment=shop, rows=rows, received_at=at, source="server")


def measure(shop: Environment) -> None:
    with in_environment(shop):
        roll_up_environment(environment=shop)


def days_of(shop: Environment) -> dict[str, int]:
    with on_platform():
        rows = EnvironmentDay.objects.filter(environment=shop, events__gt=0)
        return {f"{row.day}": row.events for row in rows}


def test_events_are_added_to_the_day_on_which_they_came_and_counted_once(
    acorn: Environment,
) -> None:
    send(acorn, "ann", "ben", at=LAST_WEEK)
    send(acorn, "cyd", at=YESTERDAY)
    measure(acorn)
    measure(acorn)
    send(acorn, "dan", at=YESTERDAY)
    measure(acorn)
    assert days_of(acorn) == {f"{LAST_WEEK.date()}": 2, f"{YESTERDAY.date()}": 2}


def test_events_of_the_last_minute_wait_for_the_next_look(acorn: Environment) -> None:
    send(acorn, "ann", at=datetime.now(UTC) + timedelta(minutes=5))
    measure(acorn)
    assert days_of(acorn) == {}


def test_today_says_what_the_store_has_and_how_good_its_model_is(acorn: Environment) -> None:
    with in_environment(acorn):
        write_items(environment=acorn, rows=[{"id": "lamp", "title": "Lamp"}])
        version = add_version(ndcg=0.15, popular=0.10)
    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(live_version=version)
    # As a training's job has it, which read the row before it promoted.
    assert acorn.live_version is None
    measure(acorn)
    with on_platform():
        today = EnvironmentDay.objects.get(environment=acorn, day=datetime.now(UTC).date())
    assert (today.items, today.ndcg, today.popular_ndcg) == (1, 0.15, 0.10)
    assert (today.schema_bytes or 0) > 100_000
    assert str(today.migration).startswith("00")


def test_today_says_what_a_vacuum_would_do_and_when_one_was(migrated: None) -> None:
    with committed_store("Vacuumed") as store:
        write(store.live, "INSERT INTO engine_itemref (ref) SELECT generate_series(1, 5000)::text")
        with as_owner(), on_platform(), connection.cursor() as cursor:
            cursor.execute(f'VACUUM ANALYZE "{store.live.schema_name}".engine_itemref')
        write(store.live, "DELETE FROM engine_itemref WHERE ref::int <= 10")
        measure(store.live)
        with on_platform():
            today = EnvironmentDay.objects.get(environment=store.live)
    assert today.vacuumed_at is not None
    assert today.analysed_at is not None
    assert timedelta() < today.vacuumed_at - store.live.created_at < timedelta(hours=1)
    assert (today.dead_rows or 0) >= 10


def write(shop: Environment, statement: str) -> None:
    """Change rows, and have PostgreSQL count them at once."""
    with in_environment(shop), connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute("SELECT pg_stat_force_next_flush()")


def test_a_training_is_recorded_for_the_platform_once_it_has_ended(acorn: Environment) -> None:
    with in_environment(acorn):
        version = add_version(ndcg=0.2, popular=0.1)
        TrainingRun.objects.create(
            id=new_ulid(),
            status=TrainingRun.Status.COMPLETED,
            created_at=YESTERDAY,
            started_at=YESTERDAY,
            finished_at=YESTERDAY + timedelta(seconds=90),
            rows=1_000,
            model_version=version,
        )
        running = new_ulid()
        TrainingRun.objects.create(id=running, created_at=NOON)
        assert roll_up_trainings(environment=acorn) == 1
        assert roll_up_trainings(environment=acorn) == 0
        fail_training(environment=acorn, run_id=running, reason="The store has no events.")
        assert roll_up_trainings(environment=acorn) == 1
    with on_platform():
        first, second = TrainingRecord.objects.filter(environment=acorn).order_by("run_id")
    assert (first.seconds, first.ndcg, first.verdict) == (90.0, 0.2, "promoted")
    assert (second.status, second.error) == ("failed", "The store has no events.")


def test_a_training_that_fails_is_recorded_in_the_transaction_that_ends_it(
    acorn: Environment,
) -> None:
    with in_environment(acorn):
        run_id = new_ulid()
        TrainingRun.objects.create(id=run_id, created_at=NOON)
        job = type("Job", (), {"payload": {"training_run_id": run_id}})()
        tasks._fail_run(acorn, job, "It failed on our side.")
    with on_platform():
        assert TrainingRecord.objects.get(environment=acorn).run_id == run_id


def test_live_environments_are_measured_each_hour_and_asked_again_nothing_is_added(
    acorn: Environment, acorn_test: Environment
) -> None:
    assert queue_roll_ups() >= 2
    assert queue_roll_ups() == 0
    with on_platform():
        keys = {
            job.environment_id: job.dedupe_key or "" for job in Job.objects.filter(kind=ROLL_UP_JOB)
        }
    assert keys[acorn.pk].startswith(f"roll-up:{acorn.pk}:h")
    assert keys[acorn_test.pk].startswith(f"roll-up:{acorn_test.pk}:d")


def test_the_job_measures_and_ends(acorn: Environment) -> None:
    queue_roll_ups()
    with on_platform():
        job = Job.objects.get(kind=ROLL_UP_JOB, environment=acorn)
    tasks.roll_up_environment(job_id=job.pk, environment_id=acorn.pk)
    with on_platform():
        job.refresh_from_db()
        assert job.state == Job.State.DONE
        assert EnvironmentDay.objects.filter(environment=acorn).exists()


def add_version(*, ndcg: float, popular: float) -> str:
    version = new_ulid()
    ModelVersion.objects.create(
        version=version,
        trained_at=NOON,
        verdict=ModelVersion.Verdict.PROMOTED,
        reason="It is better.",
        recipe={},
        data_window={},
        counts={},
        metrics={"ndcg@10": {"value": ndcg, "low": ndcg, "high": ndcg}},
        baselines={"popular": {"ndcg@10": {"value": popular, "low": popular, "high": popular}}},
    )
    return version
