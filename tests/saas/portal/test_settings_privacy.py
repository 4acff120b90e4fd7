"""The pages of privacy: a shopper is looked up, handed out and erased."""

from __future__ import annotations

import pytest
from django.utils import timezone

from engine.models.privacy import PrivacyRequest
from engine.services.ingest_events import ingest_events
from engine.services.write_users import write_users
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.people import visitor

PAGE = "/settings/live/privacy/"
ADA = {"kind": "user_id", "id": "ada <1>"}


@pytest.fixture
def shopper(acorn: Environment) -> None:
    """Ada, with an attribute, a browser and two events."""
    events = [
        {"type": "view", "user_id": ADA["id"], "anonymous_id": "tablet", "item_id": "sku-1"},
        {"type": "view", "anonymous_id": "tablet", "item_id": "sku-2"},
    ]
    now = timezone.now()
    with in_environment(acorn):
        write_users(environment=acorn, rows=[{"id": ADA["id"], "attributes": {"city": "Bath"}}])
        ingest_events(environment=acorn, rows=events, received_at=now, source="api")


@pytest.mark.usefixtures("shopper")
def test_a_look_up_says_what_there_is(acorn: Environment) -> None:
    text = visitor(acorn.tenant, "admin").get(PAGE, ADA).content.decode()
    assert "ada &lt;1&gt;" in text
    assert "tablet" in text
    assert "Bath" in text
    assert "<dd>2</dd>" in text


def test_nobody_is_said_to_be_nobody(acorn: Environment) -> None:
    text = visitor(acorn.tenant).get(PAGE, {"kind": "user_id", "id": "nobody"}).content.decode()
    assert "Nothing is stored by this id" in text


@pytest.mark.usefixtures("shopper")
def test_an_export_is_asked_for_and_listed(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    text = client.post(f"{PAGE}export/", ADA, follow=True).content.decode()
    with in_environment(acorn):
        request = PrivacyRequest.objects.get()
    assert request.kind == "export"
    assert request.pk in text
    assert request.pk in client.get(f"{PAGE}requests/").content.decode()


@pytest.mark.usefixtures("shopper")
def test_erasing_asks_first_and_holds_at_once(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    assert "cannot be undone" in client.get(f"{PAGE}erase/", ADA).content.decode()
    assert "Bath" in client.get(PAGE, ADA).content.decode()
    text = client.post(f"{PAGE}erase/", ADA, follow=True).content.decode()
    assert "The shopper is erased" in text
    assert "Nothing is stored by this id" in client.get(PAGE, ADA).content.decode()


@pytest.mark.parametrize("asked", [{"kind": "user_id", "id": ""}, {"kind": "phone", "id": "1"}])
def test_without_an_id_nothing_is_done(acorn: Environment, asked: dict[str, str]) -> None:
    client = visitor(acorn.tenant)
    for deed in ("export", "erase"):
        assert client.post(f"{PAGE}{deed}/", asked).status_code == 302
    with in_environment(acorn):
        assert not PrivacyRequest.objects.exists()
