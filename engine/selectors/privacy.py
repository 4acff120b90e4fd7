"""Privacy requests as the API shows them: receipts, and links to what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from engine.models.privacy import PrivacyRequest
from engine.models.training import ModelVersion
from engine.selectors.items import moment
from engine.selectors.privacy_subject import Subject
from saas.lib.download_links import Download, link_to
from saas.lib.erasures import digest_of
from tenants.models.environment import Environment

# Within the month that the GDPR allows (Article 12, 3), no stored model has read an erased shopper.
MODELS_KEPT = timedelta(days=30)
# Answers to repeated requests are replayed for a day.
ANSWERS_KEPT = timedelta(hours=24)


def privacy_request(*, request_id: str) -> PrivacyRequest | None:
    """Return one request."""
    return PrivacyRequest.objects.filter(pk=request_id).first()


def privacy_requests(*, limit: int, before: str | None = None) -> list[PrivacyRequest]:
    """Return up to `limit` requests, newest first, those older than `before`."""
    rows = PrivacyRequest.objects.order_by("-id")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows[:limit])


def stored_models() -> list[tuple[str, int]]:
    """Return the stored versions, oldest first, with how far each had read the store."""
    stored = ModelVersion.objects.filter(artifact_removed_at=None).order_by("version")
    return list(stored.values_list("version", "change_seq"))


def request_body(
    request: PrivacyRequest,
    *,
    environment_id: int,
    models: Iterable[tuple[str, int]],
    now: datetime,
) -> dict[str, Any]:
    """Return a request as the contract shows it; its file's link, if any, is a path.

    Parameters
    ----------
    models
        From `stored_models`.
    """
    body: dict[str, Any] = {
        "id": request.pk,
        "kind": request.kind,
        "status": request.status,
        "created_at": moment(request.created_at),
        "finished_at": moment(request.finished_at),
    }
    if request.error is not None:
        body["error"] = request.error
    if request.kind == PrivacyRequest.Kind.ERASE:
        until = moment(request.created_at + MODELS_KEPT)
        return body | {
            "removed": request.removed,
            "model_versions": [
                {"version": version, "until": until}
                for version, change_seq in models
                if change_seq < (request.change_seq or 0)
            ],
            "answers_kept_until": moment(request.created_at + ANSWERS_KEPT),
        }
    download = download_of_request(request, environment_id=environment_id)
    if request.status == PrivacyRequest.Status.COMPLETED and now < download.kept_until:
        link = link_to(download, now=now)
        body |= {"download_url": link.path, "expires_at": moment(link.expires_at)}
    return body


def models_that_know(change_seq: int) -> list[str]:
    """Return the stored versions whose training read the store before an erasure, oldest first."""
    return [version for version, read_until in stored_models() if read_until < change_seq]


def download_of_request(request: PrivacyRequest, *, environment_id: int) -> Download:
    """Return the file that an export makes."""
    return Download(environment_id=environment_id, id=request.pk, name="personal-data.json")


def subject_digests(subject: Subject, *, environment: Environment) -> list[str]:
    """Return what an export remembers of its subject: enough to remove its file, no id."""
    return [
        digest_of(key, schema_name=environment.schema_name).hex() for key in subject.shopper_keys
    ]


def exports_of(subject: Subject, *, environment: Environment) -> Iterator[PrivacyRequest]:
    """Return the exports that were made of a subject."""
    own = set(subject_digests(subject, environment=environment))
    made = PrivacyRequest.objects.filter(
        kind=PrivacyRequest.Kind.EXPORT, status=PrivacyRequest.Status.COMPLETED
    )
    for request in made:
        if own & set((request.subject or {}).get("digests", ())):
            yield request
