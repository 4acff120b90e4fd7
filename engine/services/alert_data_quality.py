"""Tells a store once a day of what spoils much of the data that it sends."""

from __future__ import annotations

from engine.selectors.data_quality import data_quality
from tenants.models.environment import Environment
from tenants.services.announce import announce

# What concerns less costs little, and a message a day about it would be read by nobody.
LEAST_SHARE = 0.05


def alert_data_quality(*, environment: Environment) -> None:
    """Announce the findings that concern a twentieth or more; call inside the environment.

    Parameters
    ----------
    environment
        Whose data.
    """
    findings = [
        {name: each[name] for name in ("code", "count", "share", "of", "detail")}
        for each in data_quality()["findings"]
        if each["share"] >= LEAST_SHARE
    ]
    if findings:
        data = {"findings": findings}
        announce(environment=environment, event_type="data_quality.alert", data=data)
