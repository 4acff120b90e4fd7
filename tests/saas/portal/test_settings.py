"""The pages of what a store decides: its name, its environments, and its end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from saas.lifecycle.request_deletion import GRACE
from tenants.context import on_platform
from tenants.jobs import STORE_EXPORT_JOB
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.selectors.deletion import deletion_due
from tenants.selectors.settings import settings
from tests.people import visitor

SAVED = {
    "auto_train": "off",
    "on_limit": "error",
    "explore_share": 0.25,
    "timezone": "Europe/Berlin",
    "currency": "EUR",
}
PAGES = (
    "/settings/",
    "/settings/live/",
    "/settings/test/privacy/",
    "/settings/live/placements/",
    "/settings/live/placements/one/",
    "/settings/live/webhooks/",
)


def last_action(environment: Environment) -> str:
    with on_platform():
        return AuditEvent.objects.filter(tenant=environment.tenant).latest("pk").action


def test_a_store_gets_another_name(acorn: Environment) -> None:
    client = visitor(acorn.tenant, "admin")
    page = client.post("/settings/", {"name": "Oak Books"}, follow=True).content.decode()
    assert "The store is called Oak Books." in page
    assert last_action(acorn) == "tenant_renamed"
    assert "This field is required" in client.post("/settings/", {"name": " "}).content.decode()


def test_each_environment_has_its_own_settings(acorn: Environment, acorn_test: Environment) -> None:
    client = visitor(acorn.tenant)
    before = settings(environment_id=acorn.pk)
    answer = client.post("/settings/test/", SAVED, follow=True)
    assert "Saved" in answer.content.decode()
    assert settings(environment_id=acorn.pk) == before
    after = settings(environment_id=acorn_test.pk)
    assert after == {**SAVED, "auto_promote": False, "placements": {}}
    text = client.get("/settings/test/").content.decode()
    assert '<option value="Europe/Berlin" selected>' in text
    client.post("/settings/test/", {**SAVED, "timezone": "", "auto_promote": "on"})
    changed = settings(environment_id=acorn_test.pk)
    assert (changed["timezone"], changed["auto_promote"]) == (None, True)
    with on_platform():
        deed = AuditEvent.objects.filter(tenant=acorn.tenant).latest("pk")
    assert deed.before == {"timezone": "Europe/Berlin", "auto_promote": False}
    assert deed.after == {"timezone": None, "auto_promote": True}


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": "Mars/Olympus"},
        {"currency": "XXY"},
        {"auto_train": "hourly"},
        {"explore_share": "0.9"},
    ],
)
def test_what_cannot_be_is_refused_beside_the_field(
    acorn: Environment, wrong: dict[str, str]
) -> None:
    before = settings(environment_id=acorn.pk)
    text = visitor(acorn.tenant).post("/settings/live/", {**SAVED, **wrong}).content.decode()
    assert 'class="error"' in text
    assert settings(environment_id=acorn.pk) == before


@pytest.mark.parametrize("role", ["analyst", "developer", "finance"])
@pytest.mark.parametrize("path", PAGES)
def test_others_have_no_right_to_settings(acorn: Environment, role: str, path: str) -> None:
    client = visitor(acorn.tenant, role)
    assert client.get(path).status_code == 403
    assert client.post(path, {"name": "Mine"}).status_code == 403


def test_an_owner_deletes_the_store_by_its_name_and_takes_it_back(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    tenant_id = acorn.tenant_id
    text = client.post("/settings/delete/", {"name": "Acorn"}).content.decode()
    assert "This is not the name; type: Acorn Books" in text
    assert deletion_due(tenant_id=tenant_id) is None
    text = client.post("/settings/delete/", {"name": "Acorn Books"}, follow=True).content.decode()
    due = deletion_due(tenant_id=tenant_id)
    assert due is not None
    assert abs(due - timezone.now() - GRACE) < timedelta(minutes=5)
    assert f"{due:%-d %B %Y, %H:%M} UTC" in text
    assert last_action(acorn) == "tenant_deletion_requested"
    text = client.post("/settings/delete/keep/", follow=True).content.decode()
    assert "The store stays." in text
    assert deletion_due(tenant_id=tenant_id) is None
    assert last_action(acorn) == "tenant_deletion_canceled"


@pytest.mark.parametrize("path", ["/settings/delete/", "/settings/delete/keep/"])
def test_only_an_owner_deletes_the_store(acorn: Environment, path: str) -> None:
    client = visitor(acorn.tenant, "admin")
    assert client.post(path, {"name": "Acorn Books"}).status_code == 403
    assert deletion_due(tenant_id=acorn.tenant_id) is None
    assert "Delete the store" not in client.get("/settings/").content.decode()


def test_the_data_are_offered_before(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    text = client.post("/settings/delete/export/", follow=True).content.decode()
    assert "The file is being written" in text
    assert "UTC: queued" in text
    assert last_action(acorn) == "tenant_export_requested"
    with on_platform():
        Job.objects.filter(environment=acorn, kind=STORE_EXPORT_JOB).update(state="done")
    text = client.get("/settings/delete/").content.decode()
    assert 'href="/v1/downloads/' in text
