"""Privacy requests as a store's server makes them and a worker fulfils them, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine import tasks
from engine.jobs import ERASURE_JOB, PERSONAL_EXPORT_JOB, RETENTION_JOB, RETIREMENT_JOB
from engine.models.event import Event
from engine.models.item import ItemRef
from engine.models.privacy import PrivacyRequest, Tombstone
from engine.models.shopper import IdentityLink, Shopper
from engine.services.erase_user import erase_user
from engine.services.ingest_events import IngestResult, ingest_events
from engine.services.merge_users import merge_users
from saas.lib.redis_client import redis_client
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
_TASKS: dict[str, Any] = {
    ERASURE_JOB: tasks.erase_traces,
    PERSONAL_EXPORT_JOB: tasks.write_personal_data,
    RETENTION_JOB: tasks.expire_events,
    RETIREMENT_JOB: tasks.retire_models,
}


def at(hours: float) -> datetime:
    """Return a time, in hours from noon of a day that is long past."""
    return NOON + timedelta(hours=hours)


def view(hours: float | None = 0.0, *, item_id: str = "lamp", **members: Any) -> dict[str, Any]:
    """Return a view as a store sends it; without a time where `hours` is None."""
    ts = {} if hours is None else {"ts": at(hours).isoformat()}
    return {"type": "view", "item_id": item_id, **ts, **members}


def take_in(
    environment: Environment, *rows: dict[str, Any], source: str = "server"
) -> IngestResult:
    """Take events in, as of now."""
    with in_environment(environment):
        return ingest_events(
            environment=environment,
            rows=rows,
            received_at=datetime.now(UTC),
            source=source,
        )


def merge(environment: Environment, anonymous_id: str, user_id: str, *, hours: float) -> None:
    """Say that a visitor is a user from then on."""
    with in_environment(environment):
        merge_users(
            environment=environment, anonymous_id=anonymous_id, user_id=user_id, now=at(hours)
        )


def request_erasure(environment: Environment, **whom: str) -> str:
    """Ask for an erasure and return the request's id."""
    with in_environment(environment):
        return erase_user(
            environment=environment,
            actor="test",
            **{"user_id": None, "anonymous_id": None, **whom},
        )


def run_jobs(environment: Environment, kind: str = ERASURE_JOB) -> None:
    """Run what is queued of a kind, due or not, as a worker would."""
    with on_platform():
        jobs = Job.objects.filter(environment=environment, kind=kind, state="queued")
        job_ids = list(jobs.values_list("pk", flat=True))
        jobs.update(run_after=NOON)
    for job_id in job_ids:
        _TASKS[kind](job_id=job_id, environment_id=environment.pk)


def erase(environment: Environment, **whom: str) -> PrivacyRequest:
    """Erase somebody to the end and return the receipt."""
    request_id = request_erasure(environment, **whom)
    run_jobs(environment)
    return the_request(environment, request_id)


def the_request(environment: Environment, request_id: str) -> PrivacyRequest:
    with in_environment(environment):
        return PrivacyRequest.objects.get(pk=request_id)


def stored(environment: Environment) -> list[tuple[str | None, str | None, datetime]]:
    """Return whose events are stored, oldest first: user, visitor and time."""
    with in_environment(environment):
        rows = Event.objects.order_by("occurred_at")
        return list(rows.values_list("user__external_id", "anonymous__external_id", "occurred_at"))


def remove_all(environment: Environment) -> None:
    """Take back what a test committed: events, shoppers and what was asked about them."""
    with in_environment(environment):
        for model in (Event, IdentityLink, Shopper, ItemRef, Tombstone, PrivacyRequest):
            model.objects.all().delete()
    with on_platform():
        Job.objects.filter(environment=environment).delete()
    redis_client().flushdb()
