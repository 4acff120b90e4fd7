"""Proves that a file comes from a form of ours before a byte of it is read.

Django finds its CSRF token inside the body, and would read a file of a gigabyte for it. Where files
go, the form's address carries the proof instead: bound to the session and the environment, it is of
no use to anybody else, and no other site can read it.
"""

from __future__ import annotations

from datetime import timedelta

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest

from saas.lib.errors import Forbidden
from tenants.models.environment import Environment

PARAMETER = "ticket"
# As long as a page may lie open before its form is sent.
_VALID = timedelta(hours=12)
_signer = TimestampSigner(salt="saas.portal.upload_tickets")


def upload_ticket(request: HttpRequest, environment: Environment) -> str:
    """Return what the address of an upload form carries."""
    return _signer.sign(_bearer(request, environment))


def check_upload_ticket(request: HttpRequest, environment: Environment) -> None:
    """Refuse a request that no form of this session's pages has sent.

    Raises
    ------
    Forbidden
        It carries no ticket, an old one, or another's.
    """
    try:
        bearer = _signer.unsign(request.GET.get(PARAMETER, ""), max_age=_VALID)
    except BadSignature:
        bearer = ""
    if bearer != _bearer(request, environment):
        raise Forbidden("This form has expired; nothing was uploaded. Send the file once more.")


def _bearer(request: HttpRequest, environment: Environment) -> str:
    return f"{request.session.session_key} {environment.pk}"
