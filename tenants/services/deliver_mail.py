"""Hands a posted mail to the mail server."""

from __future__ import annotations

from smtplib import SMTPException, SMTPRecipientsRefused

import orjson
import structlog
from django.core.mail import EmailMessage

from saas.lib.sealing import unseal
from tenants.services.post_mail import SEALED_FOR

log = structlog.get_logger()

# From here on a reply is for good (RFC 5321, section 4.2.1).
_FOR_GOOD = 500


def deliver_mail(*, mail_id: int, sealed: str) -> None:
    """Send the mail; an address that the server refuses for good is left alone.

    Parameters
    ----------
    mail_id
        Of its job. A worker that dies after sending sends again: with the same Message-ID, by
        which mail systems know the second copy.
    sealed
        What `post_mail` has sealed.

    Raises
    ------
    smtplib.SMTPException, OSError
        The mail server is away, or takes nothing now.
    """
    mail = orjson.loads(unseal(sealed, purpose=SEALED_FOR))
    message = EmailMessage(
        mail["subject"],
        mail["text"],
        to=[mail["to"]],
        headers={"Message-ID": f"<mail-{mail_id}@shelfwise>"},
    )
    try:
        message.send()
    except SMTPRecipientsRefused as error:
        ((code, _),) = error.recipients.values()
        if code < _FOR_GOOD:
            # The error itself names the address, which no log may carry.
            raise SMTPException(f"The mail server answered {code} for now.") from None
        # A slip in typing, as a rule: trying again would not help. Many of them are a mail server
        # that does not take our mails.
        log.warning("mail_refused", mail=mail_id, code=code)
