"""Mails of log-in and sign-up: posted by a request, sent by a worker, and forgotten."""

from __future__ import annotations

import smtplib
import traceback
from smtplib import SMTPRecipientsRefused
from typing import Any

import orjson
import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client

from saas.celery import QUEUES
from saas.lib.sealing import seal
from tenants.jobs import INVITATION_JOB, MAIL_JOB
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.services.deliver_mail import deliver_mail
from tenants.services.post_mail import MOST_ATTEMPTS, post_mail
from tests.mails import sent_mails
from tests.people import PORTAL_HOST, at_console, member, staff

ANN = "ann@acorn-books.example"
LINK = "http://portal.localhost/password/reset/key/once/"


@pytest.fixture
def posted(database: None) -> Job:
    """A mail with a link that opens an account."""
    post_mail(to=ANN, subject="Set a new password", text=f"Open {LINK}")
    return Job.objects.get(kind=MAIL_JOB)


def refuse(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the mail server answer like that."""

    def send_messages(*_: Any) -> int:
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)


def row_of(job: Job) -> str:
    """All that the database holds of a job."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(job)::text FROM tenants_job job WHERE id = %s", [job.pk])
        row: str = cursor.fetchone()[0]
    return row


def test_a_dead_mail_server_fails_no_request(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = member(acorn.tenant)
    browser = Client(SERVER_NAME=PORTAL_HOST)
    with monkeypatch.context() as away:
        refuse(ConnectionRefusedError("mail.example:587"), away)
        page = browser.post("/password/reset/", {"email": owner.email}, follow=True)
        assert page.status_code == 200
        assert not sent_mails()
    Job.objects.filter(kind=MAIL_JOB).update(run_after="2026-01-01T00:00Z")
    (sent,) = sent_mails()
    assert sent.to == [owner.email]


def test_a_mail_is_unreadable_while_it_waits_and_gone_once_it_is_sent(posted: Job) -> None:
    for secret in (ANN, LINK, "Open", "password"):
        assert secret not in row_of(posted)
    (sent,) = sent_mails()
    assert (sent.to, sent.subject, sent.body) == ([ANN], "Set a new password", f"Open {LINK}")
    posted.refresh_from_db()
    assert (posted.state, posted.payload) == (Job.State.DONE, {})


def test_a_mail_whose_server_is_away_is_tried_for_half_an_hour(
    posted: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_ATTEMPTS == 30
    refuse(smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), monkeypatch)
    sent_mails()
    posted.refresh_from_db()
    assert (posted.state, posted.attempts, posted.error) == (
        Job.State.QUEUED,
        1,
        "It failed on our side.",
    )
    assert posted.payload


@pytest.mark.parametrize(("code", "state"), [(550, Job.State.DONE), (450, Job.State.QUEUED)])
def test_an_address_that_is_refused_for_good_is_left_alone(
    posted: Job, monkeypatch: pytest.MonkeyPatch, code: int, state: str
) -> None:
    refuse(SMTPRecipientsRefused({ANN: (code, b"No such user here")}), monkeypatch)
    sent_mails()
    posted.refresh_from_db()
    assert posted.state == state


def test_no_log_names_an_address_that_is_refused_for_now(
    posted: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(SMTPRecipientsRefused({ANN: (450, b"Try later")}), monkeypatch)
    with pytest.raises(smtplib.SMTPException) as raised:
        deliver_mail(mail_id=posted.pk, sealed=posted.payload["sealed"])
    logged = "".join(traceback.format_exception(raised.value))
    assert "answered 450" in logged
    assert ANN not in logged


def test_a_second_copy_after_a_crash_is_known_by_its_id(posted: Job) -> None:
    first = posted.payload
    sent_mails()
    Job.objects.filter(pk=posted.pk).update(state=Job.State.QUEUED, payload=first)
    one, other = sent_mails()
    assert one.extra_headers["Message-ID"] == other.extra_headers["Message-ID"]


def test_only_what_was_posted_is_sent(posted: Job) -> None:
    of_another_kind = seal('{"to": "eve@x.example"}', purpose="second factors")
    Job.objects.filter(pk=posted.pk).update(payload={"sealed": of_another_kind})
    sent_mails()
    assert not mail.outbox


def test_staff_see_that_a_mail_waits_and_nothing_of_it(posted: Job) -> None:
    page = at_console(staff()).get(f"/tenants/job/{posted.pk}/change/").content.decode()
    assert MAIL_JOB in page
    assert "Payload" not in page
    assert orjson.dumps(posted.payload).decode()[15:40] not in page


def test_no_webhook_and_no_training_is_before_a_mail() -> None:
    assert {QUEUES[MAIL_JOB], QUEUES[INVITATION_JOB]} == {"mail"}
