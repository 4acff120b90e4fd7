"""What the store on the pages has: items with odd names, and a few days of its shoppers."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from billing.services.assign_plan import assign_plan
from engine.services.export_user import export_user
from engine.services.ingest_events import ingest_events
from engine.services.write_items import write_items
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.services.change_settings import change_settings
from tests.saas.portal.deeds import answer_calls

# Runs where it is not escaped, in text, in an attribute and in a script.
ATTACK = "\"><script>window.wasAttacked=1</script><img src=x onerror='window.wasAttacked=1'>"
_SHELVES = ("Books > Crime", "Books > Poems", "Toys")
_TYPES = ("view", "view", "view", "cart", "purchase")


def fill_shop(environment: Environment) -> None:
    """Load a catalogue and events through the services that the API calls."""
    now = timezone.now()
    items = [
        {
            "id": f"sku-{row}",
            "title": f"The book number {row}" if row else ATTACK,
            "categories": [_SHELVES[row % len(_SHELVES)]],
            "brand": "Acorn Press" if row % 2 else ATTACK,
            "price": f"{row + 1}.90",
            "currency": "EUR",
            "in_stock": row % 7 != 0,
            "image_url": f"https://acorn-books.example/{row}.jpg",
        }
        for row in range(40)
    ]
    events = [
        {
            "type": _TYPES[number % len(_TYPES)],
            "user_id": f"shopper-{number % 25}" if number else ATTACK,
            "item_id": f"sku-{number * 7 % 45}",
            "ts": (now - timedelta(hours=number % 200, minutes=number)).isoformat(),
        }
        for number in range(400)
    ]
    settings = {"timezone": "Europe/Berlin", "currency": "EUR", "auto_promote": False}
    with in_environment(environment):
        change_settings(environment=environment, changes=settings, actor="person:ada@acorn.example")
        export_user(
            environment=environment, user_id="shopper-3", anonymous_id=None, actor="key:key_1"
        )
        write_items(environment=environment, rows=items)
        ingest_events(environment=environment, rows=events, received_at=now, source="api")


def use_shop(environment: Environment) -> None:
    """Give it a plan and a month of calls."""
    assign_plan(
        tenant_id=environment.tenant_id, plan_code="starter", actor="command", reason="the tests"
    )
    for days_ago in range(25):
        calls = 3_000 + 211 * (days_ago * 7 % 11)
        answer_calls(environment, calls=calls, fallbacks=calls // 9, days_ago=days_ago)
