"""Answers a repeated POST with its first answer, stored in the effect's own transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from datetime import timedelta

import orjson
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.response import Response

from api.v1.parsers import body_digest
from saas.lib.errors import IdempotencyInProgress, IdempotencyMismatch, InvalidParameter
from saas.lib.problems import CONTENT_TYPE as PROBLEM
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.idempotency import IdempotencyRecord

KEPT = timedelta(hours=24)
MAX_KEY_CHARACTERS = 255
_NEVER_STORED = frozenset({401, 429})


def idempotency_key(request: HttpRequest) -> str | None:
    """Return the request's Idempotency-Key, None where it has none or is no POST.

    Raises
    ------
    InvalidParameter
        The key is empty or too long.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST":
        return None
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
        raise InvalidParameter(
            f"Idempotency-Key has {len(key)} characters; send 1 to {MAX_KEY_CHARACTERS}.",
            pointer="#Idempotency-Key",
        )
    return key


def answer_once(
    *,
    environment: Environment,
    request: HttpRequest,
    key: str,
    answer: Callable[[], HttpResponse],
    secret_members: Collection[str] = (),
) -> HttpResponse:
    """Run `answer` the first time, replay what it said afterwards.

    It runs inside the caller's transaction, so that effect and record are stored together or not
    at all: a crash leaves nothing that is stuck.

    Parameters
    ----------
    answer
        Makes the whole answer, errors included (its own savepoint is the caller's business).
    secret_members
        Members of the answer that no replay shows.

    Raises
    ------
    IdempotencyInProgress
        The first request has not ended.
    IdempotencyMismatch
        The key came with another body or path.
    """
    route = _route(request)
    digest = hashlib.sha256(request.path_info.encode() + b"\0" + body_digest(request)).digest()
    with on_platform():
        _lock(environment, route, key)
        record = IdempotencyRecord.objects.filter(
            environment=environment, route=route, key=key
        ).first()
    if record is not None and record.created_at > timezone.now() - KEPT:
        return _replay(record, digest)
    response = answer()
    if response.status_code >= 500 or response.status_code in _NEVER_STORED:
        return response
    body = _body(response, secret_members)
    with on_platform():
        record, _ = IdempotencyRecord.objects.update_or_create(
            environment=environment,
            route=route,
            key=key,
            defaults={
                "body_digest": digest,
                "status": response.status_code,
                "body": body,
                "location": response.headers.get("Location"),
                "created_at": timezone.now(),
            },
        )

    def store_what_the_commit_added() -> None:
        # An answer may learn something from the commit (the watermark of its events).
        if (final := _body(response, secret_members)) != body:
            with on_platform():
                IdempotencyRecord.objects.filter(pk=record.pk).update(body=final)

    transaction.on_commit(store_what_the_commit_added, robust=True)
    return response


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.route if match is not None else request.path_info[:200]


def _lock(environment: Environment, route: str, key: str) -> None:
    name = hashlib.sha256(f"{environment.pk}\0{route}\0{key}".encode()).digest()
    number = int.from_bytes(name[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise IdempotencyInProgress(
            "The first request with this Idempotency-Key is still running; ask again in a second.",
            headers={"Retry-After": "1"},
        )


def _replay(record: IdempotencyRecord, digest: bytes) -> HttpResponse:
    if bytes(record.body_digest) != digest:
        raise IdempotencyMismatch(
            f"The Idempotency-Key '{record.key}' came before with another body; "
            "use a new key for a new request.",
        )
    headers = {"Idempotent-Replayed": "true"}
    if record.location is not None:
        headers["Location"] = record.location
    return HttpResponse(
        bytes(record.body),
        status=record.status,
        content_type=PROBLEM if record.status >= 400 else "application/json",
        headers=headers,
    )


def _body(response: HttpResponse, secret_members: Collection[str]) -> bytes:
    # Rendered here for the record alone; the client's copy is rendered after the commit.
    rendered = response.rendered_content if isinstance(response, Response) else response.content
    if not secret_members or response.status_code >= 400:
        return rendered
    answer = orjson.loads(rendered)
    return orjson.dumps({name: answer[name] for name in answer if name not in secret_members})
