"""Asks for a store: by who signs up, or by platform staff for somebody."""

from __future__ import annotations

from django.db import transaction

from saas.lib.errors import InvalidParameter
from tenants.context import on_platform
from tenants.jobs import STORE_JOB
from tenants.models.person import Person
from tenants.models.sign_up import SignUp
from tenants.services.create_tenant import check_slug
from tenants.services.enqueue_job import enqueue_job
from tenants.services.invite_member import check_email

LONGEST_NAME = 80


def request_store(
    *,
    name: str,
    actor: str,
    slug: str = "",
    person: Person | None = None,
    owner_email: str = "",
    reason: str = "",
) -> SignUp:
    """Write down that a store is wanted; a job makes it, at once where nothing is to be confirmed.

    Parameters
    ----------
    name
        What people call the store.
    actor
        Who asks, for the audit log.
    slug
        What hostnames shall call it; made from the name where it is empty, and numbered where it
        is taken.
    person
        Who signs up and will own the store, once the person's address is confirmed.
    owner_email
        Whom to invite as the owner instead.

    Raises
    ------
    InvalidParameter
        The name is no name, the slug cannot be part of a hostname, or the address is none.
    """
    if slug:
        check_slug(slug)
    if owner_email:
        owner_email = check_email(owner_email)
    with on_platform(), transaction.atomic():
        sign_up = SignUp.objects.create(
            name=check_store_name(name),
            slug=slug,
            person=person,
            owner_email=owner_email,
            actor=actor,
            reason=reason,
        )
        if person is None:
            _queue(sign_up)
    return sign_up


def start_sign_up(*, person_id: int) -> None:
    """Have the store made that a person signed up for, now that the address is confirmed."""
    with on_platform(), transaction.atomic():
        waiting = SignUp.objects.select_for_update().filter(
            person_id=person_id, state=SignUp.State.UNCONFIRMED
        )
        for sign_up in waiting:
            _queue(sign_up)


def check_store_name(name: str) -> str:
    """Return a store's name as it is kept.

    Raises
    ------
    InvalidParameter
        It is empty, too long, or holds what no name does: a link would be mailed to people who are
        invited by a stranger.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or "://" in name:
        raise InvalidParameter(
            f"'{name[:LONGEST_NAME]}' cannot be the name of a store; "
            f"send 1 to {LONGEST_NAME} characters such as 'Acorn Books'.",
            pointer="/name",
        )
    return name


def _queue(sign_up: SignUp) -> None:
    sign_up.state = SignUp.State.QUEUED
    sign_up.save(update_fields=["state"])
    enqueue_job(
        kind=STORE_JOB,
        environment_id=None,
        payload={"sign_up_id": sign_up.pk},
        dedupe_key=f"sign-up:{sign_up.pk}",
    )
