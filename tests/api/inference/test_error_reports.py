from __future__ import annotations

import json

import sentry_sdk

from api.inference import error_reports
from tenants import tokens


def test_a_report_carries_neither_keys_nor_tokens_nor_passwords_nor_payloads() -> None:
    key = tokens.make_key(kind="secret", environment="live")
    token = "eyJhbGciOiJFZERTQSJ9.eyJ0aWQiOiIxIn0.c2lnbmF0dXJl"
    event = {
        "message": f"{key} and {token}",
        "exception": {"values": [{"value": "postgresql://app:hunter2@db/shelfwise"}]},
        "request": {"data": "payload"},
        "extra": {"body": "payload"},
    }
    text = json.dumps(error_reports.scrub(event, {}))
    for secret in (key, token, "hunter2", "payload"):
        assert secret not in text
    assert "[filtered]" in text


def test_no_dsn_means_no_reports() -> None:
    error_reports.configure_error_reports(None)
    assert not sentry_sdk.get_client().is_active()
