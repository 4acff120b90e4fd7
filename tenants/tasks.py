"""The base of every task: it takes its tenant explicitly and refuses to run without one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import sentry_sdk
import structlog
from celery import shared_task

from tenants.context import on_platform
from tenants.errors import LeaseLostError, NoTenantError
from tenants.models.environment import Environment
from tenants.services.run_job import ClaimedJob, claim_job, fail_job, lease_kept_alive

log = structlog.get_logger()

# What failed once for a passing reason rarely does a minute later.
RETRY_AFTER = timedelta(seconds=60)

TenantJob = Callable[[Environment, ClaimedJob], None]


class JobFailedError(Exception):
    """The job cannot succeed however often it is tried; the message is for the tenant."""


def tenant_task(*, name: str) -> Callable[[TenantJob], Any]:
    """Register a function as the Celery task that runs jobs of the kind `name`.

    The function gets the environment and the claimed job, does its work, and calls `finish_job`
    inside the transaction of its effect.
    """

    def register(function: TenantJob) -> Any:  # Celery's tasks are untyped
        @shared_task(name=name)
        def task(*, job_id: int, environment_id: int | None = None) -> None:
            run_tenant_job(function, name=name, job_id=job_id, environment_id=environment_id)

        return task

    return register


def run_tenant_job(
    function: TenantJob, *, name: str, job_id: int, environment_id: int | None
) -> None:
    """Claim the job, run the function in its tenant's name, and record how it ended.

    Raises
    ------
    NoTenantError
        The message names no environment, or another one than the job's row.
    """
    if environment_id is None:
        raise NoTenantError(f"Task '{name}' came without an environment; it runs for nobody.")
    job = claim_job(job_id=job_id)
    if job is None:
        return
    if job.environment_id != environment_id:
        fail_job(job, reason="The message named another environment.", retry_in=None)
        raise NoTenantError(f"Job {job_id} belongs to another environment than the message says.")
    with on_platform():
        environment = Environment.objects.select_related("tenant").get(pk=environment_id)
    bound = {"tenant": environment.tenant.slug, "environment": environment.kind, "job": job.id}
    with structlog.contextvars.bound_contextvars(**bound), lease_kept_alive(job):
        try:
            function(environment, job)
        except JobFailedError as error:
            fail_job(job, reason=str(error), retry_in=None)
        except LeaseLostError:
            log.warning("job_lost", kind=name)
        except Exception as error:
            log.exception("job_failed", kind=name)
            sentry_sdk.capture_exception(error)
            fail_job(job, reason="It failed on our side.", retry_in=RETRY_AFTER)
