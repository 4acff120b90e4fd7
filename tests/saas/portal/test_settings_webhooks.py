"""The pages of a store's webhooks."""

from __future__ import annotations

import pytest

from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.webhook import Webhook
from tenants.services.announce import announce
from tests.people import visitor
from tests.webhooks import make_webhook

URL = "https://93.184.215.14/hook"
ASKED = {"url": URL, "events": ["model.promoted", "feed.failed"]}


def test_the_secret_is_shown_this_once(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    text = client.post("/settings/live/webhooks/", ASKED).content.decode()
    with on_platform():
        webhook = Webhook.objects.get(environment=acorn)
    assert webhook.secret in text
    assert webhook.events == ["feed.failed", "model.promoted"]
    for path in ("/settings/live/webhooks/", f"/settings/live/webhooks/{webhook.pk}/"):
        text = client.get(path).content.decode()
        assert URL in text
        assert webhook.secret not in text


@pytest.mark.parametrize("url", ["http://www.example.com/", "https://10.0.0.1/", "nonsense"])
def test_an_address_that_may_not_be_called_is_refused(acorn: Environment, url: str) -> None:
    answer = visitor(acorn.tenant).post("/settings/live/webhooks/", {**ASKED, "url": url})
    assert 'class="error"' in answer.content.decode()
    with on_platform():
        assert not Webhook.objects.filter(environment=acorn).exists()


def test_what_was_sent_is_shown_and_goes_with_the_webhook(acorn: Environment) -> None:
    webhook = make_webhook(acorn, "model.promoted")
    with in_environment(acorn):
        announce(environment=acorn, event_type="model.promoted", data={"version": "01<b>"})
    client = visitor(acorn.tenant, "admin")
    text = client.get(f"/settings/live/webhooks/{webhook.pk}/").content.decode()
    assert "pending" in text
    assert "01&lt;b&gt;" in text
    text = client.post(
        f"/settings/live/webhooks/{webhook.pk}/delete/", follow=True
    ).content.decode()
    assert "The webhook is deleted" in text
    with on_platform():
        assert not Webhook.objects.filter(pk=webhook.pk).exists()


def test_another_stores_webhook_is_not_there(acorn: Environment, birch: Environment) -> None:
    webhook = make_webhook(birch, "model.promoted")
    client = visitor(acorn.tenant)
    assert client.get(f"/settings/live/webhooks/{webhook.pk}/").status_code == 404
    client.post(f"/settings/live/webhooks/{webhook.pk}/delete/")
    with on_platform():
        assert Webhook.objects.filter(pk=webhook.pk).exists()
