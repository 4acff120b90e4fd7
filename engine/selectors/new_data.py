"""Whether there is something to learn: cheap looks that stay cheap on large stores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.models.event import Event
from engine.models.item import Item
from engine.models.privacy import PrivacyRequest
from engine.models.training import TrainingRun


@dataclass(frozen=True, slots=True)
class NewData:
    """When the store last trained, got its first event, and last changed."""

    trained_at: datetime | None
    began_at: datetime | None
    changed_at: datetime | None

    @property
    def is_new(self) -> bool:
        """Say whether a training would see something that the last one did not."""
        if self.changed_at is None:
            return False
        return self.trained_at is None or self.changed_at > self.trained_at

    def is_loading(self, *, now: datetime, pause: timedelta, longest: timedelta) -> bool:
        """Say whether a first load is under way: it began lately and has not paused."""
        if self.began_at is None or self.changed_at is None:
            return False
        return self.began_at > now - longest and self.changed_at > now - pause


def new_data() -> NewData:
    """Return when the environment last asked for a training and last got an event or item.

    Failed runs count: what they failed on has to change first. Updates do not: they keep what
    they start from.
    """
    trainings = TrainingRun.objects.filter(kind=TrainingRun.Kind.TRAINING)
    run = trainings.order_by("-id").values_list("created_at", flat=True).first()
    received = Event.objects.values_list("received_at", flat=True)
    first, newest = received.order_by("id").first(), received.order_by("-id").first()
    item = Item.objects.order_by("-change_seq").values_list("updated_at", flat=True).first()
    changed_at = max(newest, item) if newest and item else newest
    erased = PrivacyRequest.objects.filter(kind=PrivacyRequest.Kind.ERASE).order_by("-id")
    # A model that knows somebody who was erased has to be followed by one that does not.
    erased_at = erased.values_list("created_at", flat=True).first()
    if changed_at and run and erased_at:
        changed_at = max(changed_at, erased_at)
    return NewData(trained_at=run, began_at=first, changed_at=changed_at)
