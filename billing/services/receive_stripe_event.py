"""Takes in a webhook of Stripe's: verified, stored as it came, answered, and only then acted on."""

from __future__ import annotations

import orjson
from django.db import connection, transaction

from billing.jobs import APPLY_EVENT_JOB
from billing.stripe_connection import check_signature
from saas.lib.config import config
from saas.lib.errors import BadRequest, NotFound
from tenants.context import on_platform
from tenants.services.enqueue_job import enqueue_job

# A job that fails is tried again after a minute; the nightly look brings what is left.
MOST_ATTEMPTS = 10


def receive_stripe_event(*, body: bytes, signature: str) -> bool:
    """Store an event and queue its job, in one transaction.

    Parameters
    ----------
    body
        As it came over the wire; the signature is over these bytes.
    signature
        The `Stripe-Signature` header.

    Returns
    -------
    bool
        Whether the event is new.

    Raises
    ------
    NotFound
        This installation has no webhook secret, so that nobody can have signed anything.
    BadRequest
        The signature is not Stripe's, is older than five minutes or from the future.
    """
    secret = config().stripe_webhook_secret
    if not secret:
        raise NotFound("There is no webhook here; set STRIPE_WEBHOOK_SECRET.")
    if not check_signature(body, signature=signature, secret=secret):
        raise BadRequest("The Stripe-Signature header does not fit the body; is the secret right?")
    event = orjson.loads(body)
    return store_stripe_event(identifier=event["id"], kind=event["type"], body=body.decode())


def store_stripe_event(*, identifier: str, kind: str, body: str) -> bool:
    """Store an event that is known to be Stripe's; say whether it is new."""
    with on_platform(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_stripeevent (id, type, body) VALUES (%s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            [identifier, kind, body],
        )
        is_new = bool(cursor.rowcount)
        if is_new:
            enqueue_job(
                kind=APPLY_EVENT_JOB,
                environment_id=None,
                payload={"event_id": identifier},
                dedupe_key=f"stripe-event:{identifier}",
                max_attempts=MOST_ATTEMPTS,
            )
    return is_new
