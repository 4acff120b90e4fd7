"""Leaves a mail to a worker, so that no request waits for a mail server or fails with it."""

from __future__ import annotations

import orjson

from saas.lib.sealing import seal
from tenants.jobs import MAIL_JOB
from tenants.services.enqueue_job import enqueue_job

SEALED_FOR = "mails"
# One a minute: a mail server that is down for half an hour loses nobody's link.
MOST_ATTEMPTS = 30


def post_mail(*, to: str, subject: str, text: str) -> None:
    """Queue a mail; it is sent when the surrounding transaction has committed.

    Parameters
    ----------
    to
        The address.
    subject, text
        What it says. Links that open an account are among it, so the row holds it sealed, and
        nothing of it once it is sent.
    """
    mail = orjson.dumps({"to": to, "subject": subject, "text": text}).decode()
    enqueue_job(
        kind=MAIL_JOB,
        environment_id=None,
        payload={"sealed": seal(mail, purpose=SEALED_FOR)},
        max_attempts=MOST_ATTEMPTS,
    )
