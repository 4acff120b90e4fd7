"""Switches Sentry on in the processes that load Django; off without a DSN."""

from __future__ import annotations

import sentry_sdk

from api.inference.error_reports import scrub


def configure_error_reports(*, dsn: str | None, process: str) -> None:
    """Report what our own code captures; nothing is attached and secrets are taken out."""
    if dsn is None:
        return
    sentry_sdk.init(
        dsn=dsn,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=scrub,
    )
    sentry_sdk.set_tag("process", process)
