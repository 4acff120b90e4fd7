"""The page of the audit log: what was done to the store, found again and taken along."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from saas.portal.pages.audit import PAGE_ROWS
from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.services.record_audit import record_audit
from tests.people import visitor


@pytest.fixture
def log(acorn: Environment, birch: Environment) -> None:
    """What was done to Acorn Books by three, and to Birch Shoes."""
    for environment, actor, action, name, before, after in (
        (acorn, "person:ada@acorn.example", "plan_changed", "subscription", "free", "growth"),
        (acorn, "staff:eve@shelfwise.example", "credit_granted", "credit:1", None, True),
        (acorn, "key:key_1", "model_promoted", "model:01ABC", "01AAA", "01ABC"),
        (birch, "person:bob@birch.example", "plan_changed", "subscription", "free", "birch only"),
    ):
        record_audit(
            tenant_id=environment.tenant_id,
            actor=actor,
            action=action,
            object=name,
            reason="=1+1",
            before={} if before is None else {"value": before},
            after={"value": after, "list": ["a", "b"]},
        )


def text_of(client: Client, query: str = "") -> str:
    return client.get(f"/audit/?object=subscription&{query}").content.decode()


def actions(client: Client, query: str) -> set[str]:
    """Return what the page shows, of the three things that `log` did."""
    text = client.get(f"/audit/?{query}").content.decode()
    return {each for each in ("plan changed", "credit granted", "model promoted") if each in text}


@pytest.mark.usefixtures("log")
def test_what_changed_is_readable_and_another_stores_is_not_there(acorn: Environment) -> None:
    text = text_of(visitor(acorn.tenant, "finance"))
    assert "ada@acorn.example" in text
    assert "plan changed" in text
    assert "free" in text
    assert "growth" in text
    assert "list:" in text
    assert "a, b" in text
    assert "birch only" not in text


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("actor=ADA", {"plan changed"}),
        ("actor=key", {"model promoted"}),
        ("actor=staff&object=credit:1", {"credit granted"}),
        ("actor=eve", set()),
        ("action=model+prom&object=model:", {"model promoted"}),
        ("action=nothing", set()),
        ("until=2020-01-01", set()),
        ("since=2020-01-01&object=credit:", {"credit granted"}),
        ("since=yesterday", set()),
    ],
)
def test_a_search_narrows_it(acorn: Environment, query: str, found: set[str]) -> None:
    assert actions(visitor(acorn.tenant), query) == found


@pytest.mark.usefixtures("log")
def test_our_peoples_addresses_stay_with_us(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    for path in ("/audit/?object=credit:1", "/audit/audit.csv?object=credit:1"):
        text = client.get(path).content.decode()
        assert "staff" in text
        assert "eve@shelfwise.example" not in text


def test_pages_follow_each_other_without_a_gap(acorn: Environment) -> None:
    for number in range(PAGE_ROWS + 5):
        record_audit(
            tenant_id=acorn.tenant_id, actor="key:key_1", action="done", object=f"step:{number:03}"
        )
    client = visitor(acorn.tenant)
    first = client.get("/audit/?object=step:").content.decode()
    assert "step:054" in first
    assert "step:004" not in first
    with on_platform():
        last = AuditEvent.objects.get(object="step:005", tenant=acorn.tenant)
    assert f"?object=step%3A&amp;before={last.pk}" in first
    second = client.get(f"/audit/?object=step:&before={last.pk}").content.decode()
    assert "step:004" in second
    assert "step:005" not in second
    assert "Older" not in second


@pytest.mark.usefixtures("log")
def test_the_download_holds_the_search_and_no_formula(acorn: Environment) -> None:
    answer = visitor(acorn.tenant).get("/audit/audit.csv?object=model:01ABC")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["actor"], row["action"], row["reason"]) == ("key:key_1", "model_promoted", "'=1+1")
    assert row["before"] == '{"value":"01AAA"}'


@pytest.mark.parametrize("role", ["analyst", "developer"])
@pytest.mark.parametrize("path", ["/audit/", "/audit/audit.csv"])
def test_others_have_no_right_to_it(acorn: Environment, role: str, path: str) -> None:
    assert visitor(acorn.tenant, role).get(path).status_code == 403


@pytest.mark.usefixtures("log")
def test_the_page_asks_for_the_log_once(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    with CaptureQueriesContext(connection) as asked:
        client.get("/audit/")
    assert len([each for each in asked if "tenants_auditevent" in each["sql"]]) == 1
    assert len(asked) <= 12
