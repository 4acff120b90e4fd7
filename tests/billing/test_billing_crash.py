"""Sixty kills of the way from the usage log to Stripe: the totals agree after each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.billing.stripe_server import Account
from tests.chaos.billing_siege import BillingSiege, every_crash, paying, random_crashes
from tests.serving import committed_store

RANDOM_KILLS = 12


@pytest.fixture
def siege(usage_database: Any, account: Account, tmp_path: Path) -> Iterator[BillingSiege]:
    """Have a paying customer for real: what is written here is committed."""
    with committed_store("Billed") as store:
        tenant_id = str(store.live.tenant_id)
        with (
            paying(usage_database.owner_url, tenant_id=tenant_id, account=account) as customer,
            BillingSiege(
                environment=os.environ,
                environment_id=store.live.pk,
                account=account,
                customer=customer,
                folder=tmp_path / "usage",
            ) as siege,
        ):
            yield siege
        # Its shipper is gone, and a store's end would wait for it.
        usage_database.forget()


def test_every_crash_under_every_fault_ends_with_the_same_total_everywhere(
    siege: BillingSiege,
) -> None:
    """I6 and I8: never more at Stripe than was used, and as much once all is quiet."""
    siege.run(every_crash())
    siege.run(random_crashes(seed="suite", crashes=RANDOM_KILLS))

    assert siege.kills == 60
