"""Services that talk to a local Stripe, and a store that has bought a plan there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.billing.stripe_server import Account

WEBHOOK_SECRET = "whsec_of_the_tests"


@pytest.fixture
def stripe(account: Account, database: None, monkeypatch: Any) -> Iterator[Account]:
    """Have our services talk to the test's Stripe account, which waits for nothing."""
    from billing.stripe_gateway import gateway
    from saas.lib.config import config

    def forget() -> None:
        config.cache_clear()
        gateway.cache_clear()

    monkeypatch.setenv("SHELFWISE_LOCAL_STRIPE_URL", account.address)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
    monkeypatch.setattr("billing.stripe_gateway.BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr("billing.services.send_usage_reports.PACE_SECONDS", 0)
    monkeypatch.setattr("stripe._http_client.HTTPClient.INITIAL_DELAY", 0.001)
    account.post_switches(meter_event_seconds=0)
    forget()
    yield account
    forget()


@pytest.fixture
def subscribe(stripe: Account) -> Callable[..., Any]:
    from tests.billing.stripe_customer import subscribe

    return partial(subscribe, stripe=stripe)


@pytest.fixture
def acorn_customer(subscribe: Callable[..., Any], acorn: Any) -> Any:
    return subscribe(acorn)
