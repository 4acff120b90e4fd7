from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from billing.models.usage import UsageShipper
from billing.services.watch_shippers import watch_shippers
from tenants.context import on_platform


def test_a_host_that_has_stopped_to_ship_is_missed_until_it_is_forgotten(database: None) -> None:
    now = timezone.now()
    with on_platform():
        UsageShipper.objects.all().delete()
        for host, silent_for in (
            ("busy", timedelta(seconds=5)),
            ("silent", timedelta(minutes=2)),
            ("long gone", timedelta(days=8)),
        ):
            UsageShipper.objects.create(host=host, shipped_up_to=now - silent_for)

        assert watch_shippers() == 1
        hosts = set(UsageShipper.objects.values_list("host", flat=True))

    assert hosts == {"busy", "silent"}
