"""The base of every task: it takes its tenant explicitly and refuses to run without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, transaction
from psycopg import errors

from tenants.context import in_environment, on_platform
from tenants.error_reports import report_error
from tenants.errors import JobFailedError, LeaseLostError, NoTenantError
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob, claim_job, fail_job, lease_kept_alive

log = structlog.get_logger()

# What failed once for a passing reason rarely does a minute later.
RETRY_AFTER = timedelta(seconds=60)

_SERVER_GOES = (errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow)

TenantJob = Callable[[Environment, ClaimedJob], None]
PlatformJob = Callable[[ClaimedJob], None]
OnPlatformFailure = Callable[[ClaimedJob, str], None]
OnFailure = Callable[[Environment, ClaimedJob, str], None]


@dataclass(frozen=True, slots=True)
class TenantTask:
    """What runs the jobs of one kind, and what is told when one has failed for good."""

    name: str
    run: TenantJob
    on_failure: OnFailure | None = None


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str
    retry_in: timedelta | None = None


def tenant_task(*, name: str, on_failure: OnFailure | None = None) -> Callable[[TenantJob], Any]:
    """Register a function as the Celery task that runs jobs of the kind `name`.

    The function gets the environment and the claimed job, does its work, and calls `finish_job`
    inside the transaction of its effect. `on_failure` runs in the transaction that ends the job,
    inside the environment.
    """

    def register(function: TenantJob) -> Any:  # Celery's tasks are untyped
        registered = TenantTask(name=name, run=function, on_failure=on_failure)

        @shared_task(name=name)
        def task(*, job_id: int, environment_id: int | None = None) -> None:
            run_tenant_job(registered, job_id=job_id, environment_id=environment_id)

        return task

    return register


def platform_task(
    *, name: str, on_failure: OnPlatformFailure | None = None
) -> Callable[[PlatformJob], Any]:
    """Register a function as the task that runs the platform's own jobs of the kind `name`.

    The function calls `finish_job` itself, in the transaction of its effect where there is one;
    `on_failure` runs in the transaction that ends the job.
    """

    def register(function: PlatformJob) -> Any:  # Celery's tasks are untyped
        @shared_task(name=name)
        def task(*, job_id: int, environment_id: int | None = None) -> None:
            job = claim_job(job_id=job_id, kind=name, environment_id=None)
            if job is None:
                log.info("job_not_claimed", kind=name, job=job_id)
                return
            with structlog.contextvars.bound_contextvars(job=job.id), lease_kept_alive(job):
                failure = _attempt(name, job, lambda: function(job))
                if failure is not None:
                    _record_platform_failure(name, on_failure, job, failure)

        return task

    return register


def run_tenant_job(task: TenantTask, *, job_id: int, environment_id: int | None) -> None:
    """Claim the job, run the task in its tenant's name, and record how it ended.

    Raises
    ------
    NoTenantError
        The message names no environment.
    """
    if environment_id is None:
        raise NoTenantError(f"Task '{task.name}' came without an environment; it runs for nobody.")
    job = claim_job(job_id=job_id, kind=task.name, environment_id=environment_id)
    if job is None:
        log.info("job_not_claimed", kind=task.name, job=job_id)
        return
    with on_platform():
        environment = Environment.objects.select_related("tenant").filter(pk=environment_id).first()
    if environment is None:
        fail_job(job, reason="Its environment no longer exists.", retry_in=None)
        return
    bound = {"tenant": environment.tenant.slug, "environment": environment.kind, "job": job.id}
    with structlog.contextvars.bound_contextvars(**bound), lease_kept_alive(job):
        failure = _attempt(task.name, job, lambda: task.run(environment, job))
        if failure is not None:
            _record_failure(task, environment, job, failure)


def _attempt(kind: str, job: ClaimedJob, run: Callable[[], None]) -> _Failure | None:
    if job.is_exhausted:
        log.error("job_given_up", kind=kind, attempts=job.attempts - 1)
        return _Failure("It stopped our worker each time it was tried.")
    try:
        run()
    except JobFailedError as error:
        return _Failure(str(error))
    except LeaseLostError:
        log.warning("job_lost", kind=kind)
    except (SoftTimeLimitExceeded, MemoryError) as error:
        log.exception("job_over_limit", kind=kind)
        report_error(error)
        return _Failure("It needs more time or memory than one job may have.")
    except Exception as error:
        if _is_connection_lost(error):
            # Nothing can be recorded now; the lease brings the job back.
            log.warning("job_interrupted", kind=kind, error=str(error).partition("\n")[0])
            return None
        log.exception("job_failed", kind=kind)
        report_error(error)
        return _Failure("It failed on our side.", retry_in=RETRY_AFTER)
    return None


def _is_connection_lost(error: Exception) -> bool:
    if isinstance(error, InterfaceError):
        return True
    cause = error.__cause__
    return isinstance(error, OperationalError) and (
        getattr(cause, "sqlstate", None) is None or isinstance(cause, _SERVER_GOES)
    )


def _record_failure(
    task: TenantTask, environment: Environment, job: ClaimedJob, failure: _Failure
) -> None:
    with in_environment(environment):
        has_ended = fail_job(job, reason=failure.reason, retry_in=failure.retry_in)
        if has_ended and task.on_failure is not None:
            task.on_failure(environment, job, failure.reason)
    log.info("job_attempt_failed", kind=task.name, reason=failure.reason, final=has_ended)


def _record_platform_failure(
    name: str, on_failure: OnPlatformFailure | None, job: ClaimedJob, failure: _Failure
) -> None:
    with on_platform(), transaction.atomic():
        has_ended = fail_job(job, reason=failure.reason, retry_in=failure.retry_in)
        if has_ended and on_failure is not None:
            on_failure(job, failure.reason)
    log.info("job_attempt_failed", kind=name, final=has_ended)
