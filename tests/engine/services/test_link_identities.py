"""Links of visitors with users: their ids come in the order of their commits."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError, connection

from engine.models.shopper import IdentityLink, Shopper
from engine.services.merge_users import merge_users
from saas.lib.redis_client import redis_client
from tenants.context import in_environment
from tenants.models.environment import Environment

if TYPE_CHECKING:
    from tests.conftest import Store

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def store(acorn_store: Store) -> Iterator[Environment]:
    """Acorn Books with real commits; what a test leaves is removed."""
    yield acorn_store.live
    with in_environment(acorn_store.live):
        IdentityLink.objects.all().delete()
        Shopper.objects.all().delete()
    redis_client().flushdb()


def merge(store: Environment, anonymous_id: str) -> bool:
    return merge_users(environment=store, anonymous_id=anonymous_id, user_id="ada", now=NOON)


def merge_without_waiting(store: Environment, anonymous_id: str) -> bool:
    try:
        with in_environment(store), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            return merge(store, anonymous_id)
    finally:
        connection.close()


def test_a_new_link_waits_for_the_one_before_it_and_a_known_one_does_not(
    store: Environment,
) -> None:
    with in_environment(store):
        assert merge(store, "known")
    with ThreadPoolExecutor(max_workers=1) as pool:
        with in_environment(store):
            assert merge(store, "tab")
            # Else a reader could see the later id first, and never ask for the earlier one.
            with pytest.raises(OperationalError, match="lock timeout"):
                pool.submit(merge_without_waiting, store, "phone").result()
            assert not pool.submit(merge_without_waiting, store, "known").result()
        assert pool.submit(merge_without_waiting, store, "phone").result()
    with in_environment(store):
        ids = IdentityLink.objects.order_by("id").values_list("anonymous__external_id", flat=True)
        assert list(ids) == ["known", "tab", "phone"]
