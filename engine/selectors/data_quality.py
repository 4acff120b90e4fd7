"""What could be better about the data that a store sends, with the numbers and the way there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils import timezone

from engine.selectors.catalogue_quality import catalogue_quality
from engine.selectors.event_quality import event_quality


def data_quality() -> dict[str, Any]:
    """Return the state of events and catalogue, inside `in_environment`; bounded on any store.

    What is wrong comes with a code, a count, a share, samples and what to do; the largest share
    first.
    """
    events, catalogue = asdict(event_quality()), asdict(catalogue_quality())
    findings = [*events.pop("findings"), *catalogue.pop("findings")]
    return {
        "as_of": timezone.now(),
        "events": events,
        "catalogue": catalogue,
        "findings": sorted(findings, key=lambda each: (-each["share"], each["code"])),
    }
