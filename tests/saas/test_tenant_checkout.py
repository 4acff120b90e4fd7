"""The command that gives staff a link to Checkout."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.services.mirror_plans import mirror_plans
from billing.stripe_gateway import gateway
from saas.lib.config import config
from tests.billing.stripe_server import new_account, running_stripe


@pytest.fixture
def stripe(database: None, monkeypatch: Any) -> Iterator[str]:
    with running_stripe() as server, new_account(*server) as account:
        monkeypatch.setenv("SHELFWISE_LOCAL_STRIPE_URL", account.address)
        config.cache_clear()
        gateway.cache_clear()
        yield account.address
        config.cache_clear()
        gateway.cache_clear()


def test_a_link_to_checkout_is_printed(stripe: str, acorn: Any) -> None:
    mirror_plans()
    printed = StringIO()

    call_command("tenant_checkout", "acorn-books", "starter", stdout=printed, skip_checks=True)

    assert printed.getvalue().startswith(f"{stripe}/checkout/cs_test_")


@pytest.mark.parametrize(
    ("slug", "plan", "named"), [("nobody", "starter", "nobody"), ("acorn-books", "x", "'x'")]
)
def test_what_there_is_not_is_named(
    stripe: str, acorn: Any, slug: str, plan: str, named: str
) -> None:
    with pytest.raises(CommandError, match=named):
        call_command("tenant_checkout", slug, plan, skip_checks=True)
