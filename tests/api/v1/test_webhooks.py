"""Webhooks over HTTP: made with a secret shown once, listed with what they were told, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.context import in_environment, on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.webhook import EVENT_TYPES, Webhook
from tenants.services.announce import announce
from tenants.services.create_webhook import MAX_WEBHOOKS
from tests.api.conftest import ApiClient, assert_problem

# A public address, so that no resolver is asked; nobody calls it.
URL = "https://93.184.215.14/hook"


def make(api: ApiClient, key: str, **body: Any) -> Any:
    return api.post("/v1/webhooks", key=key, json={"url": URL, **body})


def test_a_webhook_is_made_and_its_secret_shown_once(api: ApiClient, acorn_key: str) -> None:
    made = make(api, acorn_key, events=["import.failed", "feed.failed", "feed.failed"])
    body = made.json()
    assert made.status_code == 201, body
    assert made.headers["Cache-Control"] == "no-store"
    assert body.pop("secret").startswith("whsec_")
    assert (body["url"], body["events"]) == (URL, ["feed.failed", "import.failed"])
    assert (body["failing_since"], body["disabled_at"]) == (None, None)
    assert api.get("/v1/webhooks", key=acorn_key).json()["data"] == [body]
    with on_platform():
        written = AuditEvent.objects.get(object=f"webhook:{body['id']}")
    assert written.after == {"url": URL, "events": ["feed.failed", "import.failed"]}


def test_without_a_choice_it_hears_of_everything(api: ApiClient, acorn_key: str) -> None:
    assert make(api, acorn_key).json()["events"] == sorted(EVENT_TYPES)


def test_a_repeated_creation_does_not_show_the_secret_again(api: ApiClient, acorn_key: str) -> None:
    first, second = (
        api.post("/v1/webhooks", key=acorn_key, json={"url": URL}, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    )
    assert first.json()["id"] == second.json()["id"]
    assert first.json().keys() - second.json().keys() == {"secret"}


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"url": "http://93.184.215.14/"}, 422, "url_not_allowed", "/url"),
        ({"url": "https://127.0.0.1/"}, 422, "url_not_allowed", "/url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, 422, "url_not_allowed", "/url"),
        ({"url": 7}, 400, "invalid_parameter", "/url"),
        ({"events": ["order.placed"]}, 400, "invalid_parameter", "/events/0"),
        ({"events": []}, 400, "invalid_parameter", "/events"),
        ({"secret": "mine"}, 400, "unknown_field", "/secret"),
    ],
)
def test_what_a_webhook_may_not_be(
    api: ApiClient, acorn_key: str, body: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    problem = assert_problem(make(api, acorn_key, **body), status, code)
    assert pointer in {problem.get("pointer"), *(each["pointer"] for each in problem["errors"])}


def test_there_is_an_end_to_webhooks(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    made = make(api, acorn_key).json()
    with on_platform():
        row = Webhook.objects.get(pk=made["id"])
        for number in range(MAX_WEBHOOKS - 1):
            row.pk = f"{number:026}"
            row.save(force_insert=True)
    assert_problem(make(api, acorn_key), 409, "conflict")


def test_deliveries_are_listed_newest_first_in_two_queries_more_than_a_call(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    webhook_id = make(api, acorn_key).json()["id"]
    path = f"/v1/webhooks/{webhook_id}/deliveries"
    with CaptureQueriesContext(connection) as none:
        assert api.get(path, key=acorn_key).json()["data"] == []
    with in_environment(acorn):
        for number in range(3):
            announce(environment=acorn, event_type="feed.failed", data={"n": number})
    with CaptureQueriesContext(connection) as some:
        page = api.get(f"{path}?limit=2", key=acorn_key).json()
    assert len(some) == len(none)
    assert [each["payload"]["data"] for each in page["data"]] == [{"n": 2}, {"n": 1}]
    newest = page["data"][0]
    shown = {name: newest[name] for name in ("type", "state", "attempts", "response_status")}
    assert shown == {
        "type": "feed.failed",
        "state": "pending",
        "attempts": 0,
        "response_status": None,
    }
    rest = api.get(f"{path}?limit=2&cursor={page['next_cursor']}", key=acorn_key).json()
    assert ([each["payload"]["data"] for each in rest["data"]], rest["has_more"]) == (
        [{"n": 0}],
        False,
    )


def test_a_deleted_webhook_is_gone(api: ApiClient, acorn_key: str) -> None:
    webhook_id = make(api, acorn_key).json()["id"]
    assert api.delete(f"/v1/webhooks/{webhook_id}", key=acorn_key).status_code == 204
    assert api.get("/v1/webhooks", key=acorn_key).json()["data"] == []
    for gone in (
        api.delete(f"/v1/webhooks/{webhook_id}", key=acorn_key),
        api.get(f"/v1/webhooks/{webhook_id}/deliveries", key=acorn_key),
    ):
        assert_problem(gone, 404, "not_found")
