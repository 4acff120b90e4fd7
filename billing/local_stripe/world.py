"""Everything the local Stripe remembers: its objects, its clock and its switches."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billing.local_stripe.problems import no_such
from billing.local_stripe.switches import Switches

Resource = dict[str, Any]
Parameters = dict[str, Any]

API_VERSION = "2026-10-28.endive"
# Stripe's default; an account may lengthen it to 72 hours.
DRAFT_SECONDS = 3600


@dataclass
class World:
    """One Stripe account in test mode."""

    # Where its pages are, as a browser reaches them.
    address: str = ""
    draft_seconds: int = DRAFT_SECONDS
    switches: Switches = field(default_factory=Switches)
    objects: dict[str, dict[str, Resource]] = field(default_factory=dict)
    # The values of a meter by "meter|customer|hour", in the order of their arrival.
    usage: dict[str, list[Resource]] = field(default_factory=dict)
    # When a meter event's identifier was first seen.
    identifiers: dict[str, float] = field(default_factory=dict)
    # The answers to requests with an Idempotency-Key.
    replays: dict[str, Resource] = field(default_factory=dict)
    clock_offset: float = 0.0
    # Told of each new event, for its webhooks.
    on_event: Callable[[Resource], None] = lambda _event: None
    is_changed: bool = False

    def now(self, customer: str | None = None) -> int:
        """Return the time as a customer sees it: one on a test clock sees that clock's."""
        if customer and (clock := self.all("customer").get(customer, {}).get("test_clock")):
            return int(self.get("test_helpers.test_clock", clock)["frozen_time"])
        return int(time.time() + self.clock_offset)

    def all(self, kind: str) -> dict[str, Resource]:
        """Return the objects of a kind by id, oldest first."""
        return self.objects.setdefault(kind, {})

    def get(self, kind: str, identifier: str, *, param: str = "id") -> Resource:
        """Return one object.

        Raises
        ------
        StripeProblem
            404 where there is none.
        """
        found = self.all(kind).get(identifier)
        if found is None:
            raise no_such(kind.rpartition(".")[2].replace("_", " "), identifier, param=param)
        return found

    def add(self, kind: str, prefix: str, **fields: Any) -> Resource:
        """Keep a new object and return it."""
        self.is_changed = True
        made = {
            "id": new_id(prefix),
            "object": kind,
            "created": self.now(fields.get("customer")),
            "livemode": False,
            **fields,
        }
        self.all(kind)[made["id"]] = made
        return made

    def emit(self, kind: str, subject: Resource, *, changed: Resource | None = None) -> None:
        """Record an event and have its webhooks sent."""
        data: Resource = {"object": json.loads(json.dumps(subject))}
        if changed:
            data["previous_attributes"] = changed
        event = self.add(
            "event",
            "evt",
            type=kind,
            api_version=API_VERSION,
            data=data,
            pending_webhooks=0,
            request={"id": None, "idempotency_key": None},
        )
        event["created"] = self.now(subject.get("customer"))
        self.on_event(event)

    def save(self, path: Path) -> None:
        """Write everything to a file, whole or not at all."""
        self.is_changed = False
        kept = {name: getattr(self, name) for name in _KEPT}
        unfinished = path.with_name(f"{path.name}.part")
        unfinished.write_text(json.dumps(kept))
        unfinished.replace(path)

    def load(self, path: Path) -> None:
        """Remember what a file says, where there is one."""
        if path.exists():
            for name, value in json.loads(path.read_text()).items():
                setattr(self, name, value)


_KEPT = ("objects", "usage", "identifiers", "replays", "clock_offset")


def new_id(prefix: str) -> str:
    """Make an id as Stripe's look."""
    return f"{prefix}_{secrets.token_hex(12)}"


def page(found: Iterable[Resource], sent: Parameters, *, url: str) -> Resource:
    """Return a list as Stripe pages it: newest first, after `starting_after`."""
    rows = list(found)[::-1]
    after = sent.get("starting_after")
    if after:
        ids = [row["id"] for row in rows]
        rows = rows[ids.index(after) + 1 :] if after in ids else []
    limit = min(max(sent.get("limit", 10), 1), 100)
    return {"object": "list", "url": url, "has_more": len(rows) > limit, "data": rows[:limit]}


def matching(found: Iterable[Resource], sent: Parameters, *names: str) -> list[Resource]:
    """Return the objects that agree with these parameters, where they were sent."""
    return [
        row for row in found if all(row.get(name) == sent[name] for name in names if name in sent)
    ]
