"""The jobs that a worker runs for a store; each enters its environment and calls one service."""

from __future__ import annotations

from engine.jobs import (
    ERASURE_JOB,
    EXPIRE_IMPORT_JOB,
    EXPORT_JOB,
    FEED_JOB,
    IMPORT_JOB,
    PERSONAL_EXPORT_JOB,
    QUALITY_JOB,
    REFILL_JOB,
    RETENTION_JOB,
    RETIREMENT_JOB,
    ROLL_UP_JOB,
    TRAIN_IF_CHANGED_JOB,
    TRAINING_JOB,
    TRENDS_JOB,
    UPDATE_JOB,
)
from engine.services import erase_traces as erasure
from engine.services import expire_events as retention
from engine.services import export_user as personal_export
from engine.services import retire_models as retirement
from engine.services.alert_data_quality import alert_data_quality
from engine.services.expire_import import expire_import as expire
from engine.services.fail_export import fail_export
from engine.services.fail_feed import fail_feed
from engine.services.fail_import import fail_import
from engine.services.fail_training import fail_training
from engine.services.refill_recent_events import refill_recent_events as refill
from engine.services.refresh_trends import refresh_trends as count_trends
from engine.services.roll_up_environment import roll_up_environment as measure
from engine.services.roll_up_trainings import roll_up_trainings
from engine.services.run_export import run_export as write_out
from engine.services.run_feed import run_feed as fetch_and_import
from engine.services.run_import import run_import as take_in
from engine.services.train_if_changed import train_if_changed
from engine.services.train_model import train_model as train
from engine.services.update_model import update_model as update
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob, finish_job
from tenants.tasks import tenant_task


def _fail_run(environment: Environment, job: ClaimedJob, reason: str) -> None:
    run_id = str(job.payload["training_run_id"])
    fail_training(environment=environment, run_id=run_id, reason=reason)
    roll_up_trainings(environment=environment)


def _show_staff(environment: Environment) -> None:
    with in_environment(environment):
        measure(environment=environment)


@tenant_task(name=TRAINING_JOB, on_failure=_fail_run)
def train_model(environment: Environment, job: ClaimedJob) -> None:
    """Train, judge and perhaps promote."""
    train(environment=environment, job=job)
    _show_staff(environment)


@tenant_task(name=UPDATE_JOB, on_failure=_fail_run)
def update_model(environment: Environment, job: ClaimedJob) -> None:
    """Bring the live model up to date with the newest events."""
    update(environment=environment, job=job)
    _show_staff(environment)


@tenant_task(name=TRAIN_IF_CHANGED_JOB)
def train_if_data_changed(environment: Environment, job: ClaimedJob) -> None:
    """Take the daily look: queue a training where there is something new to learn."""
    with in_environment(environment):
        train_if_changed(environment=environment)
        finish_job(job)


def _fail_import(environment: Environment, job: ClaimedJob, reason: str) -> None:
    fail_import(environment=environment, import_id=str(job.payload["import_id"]), reason=reason)


@tenant_task(name=IMPORT_JOB, on_failure=_fail_import)
def run_import(environment: Environment, job: ClaimedJob) -> None:
    """Take a file in, from where it was left."""
    take_in(environment=environment, job=job)


@tenant_task(name=EXPIRE_IMPORT_JOB)
def expire_import(environment: Environment, job: ClaimedJob) -> None:
    """End what nobody confirmed, and forget old row errors."""
    with in_environment(environment):
        expire(environment=environment, import_id=str(job.payload["import_id"]))
        finish_job(job)


def _fail_export(environment: Environment, job: ClaimedJob, reason: str) -> None:
    fail_export(export_id=str(job.payload["export_id"]), reason=reason)


@tenant_task(name=EXPORT_JOB, on_failure=_fail_export)
def run_export(environment: Environment, job: ClaimedJob) -> None:
    """Write a file of what the store has."""
    write_out(environment=environment, job=job)


def _fail_feed(environment: Environment, job: ClaimedJob, reason: str) -> None:
    feed_id = str(job.payload["feed_id"])
    fail_feed(environment=environment, feed_id=feed_id, code="internal_error", reason=reason)


@tenant_task(name=FEED_JOB, on_failure=_fail_feed)
def run_feed(environment: Environment, job: ClaimedJob) -> None:
    """Fetch a feed's file and have it imported."""
    fetch_and_import(environment=environment, job=job)


@tenant_task(name=REFILL_JOB)
def refill_recent_events(environment: Environment, job: ClaimedJob) -> None:
    """Give serving back what a lost Redis had known."""
    with in_environment(environment):
        refill(environment=environment)
        finish_job(job)


def _keep_erasing(environment: Environment, job: ClaimedJob, reason: str) -> None:
    erasure.keep_erasing(environment=environment, job=job)


@tenant_task(name=QUALITY_JOB)
def watch_data_quality(environment: Environment, job: ClaimedJob) -> None:
    """Tell the store if what it sends could be much better."""
    with in_environment(environment):
        alert_data_quality(environment=environment)
        finish_job(job)


@tenant_task(name=TRENDS_JOB)
def refresh_trends(environment: Environment, job: ClaimedJob) -> None:
    """Find out what rises now."""
    with in_environment(environment):
        count_trends(environment=environment)
        finish_job(job)


@tenant_task(name=ERASURE_JOB, on_failure=_keep_erasing)
def erase_traces(environment: Environment, job: ClaimedJob) -> None:
    """Remove what was stored of an erased shopper."""
    erasure.erase_traces(environment=environment, job=job)


def _fail_personal_export(environment: Environment, job: ClaimedJob, reason: str) -> None:
    personal_export.fail_personal_export(
        request_id=str(job.payload["privacy_request_id"]), reason=reason
    )


@tenant_task(name=PERSONAL_EXPORT_JOB, on_failure=_fail_personal_export)
def write_personal_data(environment: Environment, job: ClaimedJob) -> None:
    """Write what a store has on a shopper."""
    personal_export.write_personal_data(environment=environment, job=job)


def _keep_retiring(environment: Environment, job: ClaimedJob, reason: str) -> None:
    retirement.keep_retiring(environment=environment, job=job)


@tenant_task(name=RETIREMENT_JOB, on_failure=_keep_retiring)
def retire_models(environment: Environment, job: ClaimedJob) -> None:
    """Take models out of use that hold shoppers who were erased long ago."""
    retirement.retire_models(environment=environment, job=job)


@tenant_task(name=RETENTION_JOB)
def expire_events(environment: Environment, job: ClaimedJob) -> None:
    """Delete the events that the plan keeps no longer."""
    retention.expire_events(environment=environment, job=job)


@tenant_task(name=ROLL_UP_JOB)
def roll_up_environment(environment: Environment, job: ClaimedJob) -> None:
    """Measure a store for the platform."""
    with in_environment(environment):
        measure(environment=environment)
        finish_job(job)
