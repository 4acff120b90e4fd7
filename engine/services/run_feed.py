"""Runs a feed: fetches its file into the store and starts an import of it, if it is a new one."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from django.utils import timezone

from engine.files.limits import MAX_FILE_BYTES
from engine.models.imports import Import
from engine.selectors.feeds import import_status, locked_feed, source_of
from engine.selectors.imports import locked_import
from engine.services.cancel_import import cancel_import
from engine.services.fail_feed import fail_feed
from engine.services.import_uploads import Upload
from engine.services.request_feed_run import request_feed_run
from engine.services.start_import import start_import
from saas.lib.destinations import INTERNET, Network
from saas.lib.errors import NotFound, UrlNotAllowed
from saas.lib.safe_fetch import Fetched, FetchFailedError, Validators, fetch
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.feed import Feed
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job

log = structlog.get_logger()

FETCH_SECONDS = 600
_UNDER_WAY = (Import.Status.QUEUED, Import.Status.RUNNING)
# An import that ended otherwise is tried again with the same file.
_TAKEN = (Import.Status.COMPLETED, Import.Status.NEEDS_CONFIRMATION)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the last run found, where the same file needs no second import."""

    validators: Validators | None = None
    digest: bytes | None = None


def run_feed(*, environment: Environment, job: ClaimedJob, network: Network = INTERNET) -> None:
    """Run a feed's job; after a crash, from its beginning.

    Parameters
    ----------
    environment
        Whose data the file holds.
    job
        Its payload names the feed, and says whether a file that is unchanged is read again.
    network
        How the outside is reached; tests have one of their own.

    Raises
    ------
    LeaseLostError
        Another worker has taken the job over; what was fetched here is dropped.
    """
    begun = _begin(environment, job)
    if begun is None:
        return
    feed, known = begun
    with Upload(environment_id=environment.pk) as upload:
        try:
            fetched = fetch(
                feed.url,
                write=upload.write,
                max_bytes=MAX_FILE_BYTES,
                seconds=FETCH_SECONDS,
                known=known.validators,
                network=network,
            )
        except (FetchFailedError, UrlNotAllowed) as error:
            _give_up(environment, job, error)
            return
        digest = upload.finish()
        is_new = not fetched.is_unchanged and digest != known.digest
        with in_environment(environment):
            # The job before the feed and the feed before the import, as everywhere.
            ensure_held(job)
            status = _conclude(
                feed,
                environment=environment,
                job=job,
                fetched=fetched,
                digest=digest,
                import_id=upload.import_id if is_new else None,
            )
            if status == Feed.RunStatus.COMPLETED:
                upload.keep()
    log.info("feed_run", id=feed.pk, status=status, bytes=fetched.bytes)


def _begin(environment: Environment, job: ClaimedJob) -> tuple[Feed, _Known] | None:
    """Return the feed and what is known of its file; None where there is nothing to fetch."""
    with in_environment(environment):
        ensure_held(job)
        feed = _locked(environment, job)
        if feed is None:
            finish_job(job)
            return None
        status = import_status(feed.import_id)
        feed.run_started_at = timezone.now()
        if status in _UNDER_WAY:
            _skip(feed, job)
            return None
        feed.run_status = Feed.RunStatus.RUNNING
        feed.run_finished_at = feed.run_bytes = feed.run_error_code = feed.run_error = None
        with on_platform():
            feed.save()
    if job.payload.get("reads_unchanged") or status not in _TAKEN:
        return feed, _Known()
    digest = None if feed.digest is None else bytes(feed.digest)
    return feed, _Known(Validators(feed.etag, feed.last_modified), digest)


def _conclude(
    feed: Feed,
    *,
    environment: Environment,
    job: ClaimedJob,
    fetched: Fetched,
    digest: bytes,
    import_id: str | None,
) -> str | None:
    """Start the import, if there is one to start, and end the job; return the run's status."""
    current = _locked(environment, job)
    if current is None:
        finish_job(job)
        return None
    if source_of(current) != source_of(feed):
        # It was changed meanwhile, and its new run could not be queued beside this one.
        finish_job(job)
        request_feed_run(current)
        return current.run_status
    if import_id is None:
        current.run_status = Feed.RunStatus.UNCHANGED
    elif _has_made_way(current, environment):
        start_import(
            environment=environment,
            import_id=import_id,
            kind=current.kind,
            file_format=current.format,
            mode=current.mode,
            is_dry_run=False,
            time_zone=current.timezone,
            mapping=current.mapping,
        )
        current.run_status = Feed.RunStatus.COMPLETED
        current.import_id = import_id
        current.digest = digest
    else:
        _skip(current, job)
        return current.run_status
    current.etag = fetched.validators.etag
    current.last_modified = fetched.validators.last_modified
    current.run_bytes = fetched.bytes
    current.run_error_code = current.run_error = None
    current.failures = 0
    _end(current, job)
    return current.run_status


def _has_made_way(feed: Feed, environment: Environment) -> bool:
    """End the last import if it waits for a confirmation; say whether a newer one can begin."""
    if feed.import_id is None:
        return True
    last = locked_import(feed.import_id)
    if last.status == Import.Status.NEEDS_CONFIRMATION:
        cancel_import(environment=environment, import_id=last.pk)
    return last.status not in _UNDER_WAY


def _skip(feed: Feed, job: ClaimedJob) -> None:
    feed.run_status = Feed.RunStatus.SKIPPED
    feed.run_error_code = "import_running"
    feed.run_error = (
        f"The import '{feed.import_id}' of an earlier run has not ended; this run left the file "
        "alone, the next one looks again."
    )
    _end(feed, job)


def _end(feed: Feed, job: ClaimedJob) -> None:
    feed.run_finished_at = timezone.now()
    with on_platform():
        feed.save()
    finish_job(job)


def _give_up(
    environment: Environment, job: ClaimedJob, error: FetchFailedError | UrlNotAllowed
) -> None:
    code, reason = "fetch_failed", str(error)
    if isinstance(error, UrlNotAllowed):
        code, reason = error.code, error.detail
    with in_environment(environment):
        ensure_held(job)
        feed_id = str(job.payload["feed_id"])
        fail_feed(environment=environment, feed_id=feed_id, code=code, reason=reason)
        finish_job(job)


def _locked(environment: Environment, job: ClaimedJob) -> Feed | None:
    try:
        return locked_feed(environment_id=environment.pk, feed_id=str(job.payload["feed_id"]))
    except NotFound:
        # Deleted meanwhile.
        return None
