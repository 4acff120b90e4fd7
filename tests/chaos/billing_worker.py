"""Works on billing's whole way from the usage log to Stripe, and dies where it is told.

Of each line of its input, "point minute" forks a child that dies at that point of the way, at that
minute of the siege's clock; "live minute" goes the whole way. The answer is the exit code.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# Where a child dies: before a step it has begun, or right after the step.
POINTS = (
    "after_read",
    "after_insert",
    "before_commit",
    "after_commit",
    "enqueue_before_commit",
    "marked",
    "after_post",
    "after_sent",
)
_BEFORE = ("marked",)


def main() -> None:
    """Work as the input says: a folder of usage logs and the siege's beginning are given."""
    import django

    django.setup()
    # Loaded once, before any child.
    import stripe  # noqa: F401

    # What is logged would mix with what is told.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    folder, start = Path(sys.argv[1]), datetime.fromtimestamp(float(sys.argv[2]), tz=UTC)
    gc.freeze()
    for line in sys.stdin:
        point, minute = line.split()
        moment = start + timedelta(minutes=int(minute))
        code = _work(folder, moment) if point == "live" else _die(point, folder, moment)
        print(code, file=told, flush=True)


def _steps() -> dict[str, tuple[Any, str]]:
    from billing.metering import ledger
    from billing.services import close_hours, send_usage_reports
    from billing.stripe_gateway import StripeGateway

    return {
        "after_read": (ledger.Ledger, "_lock_source"),
        "after_insert": (ledger.Ledger, "_add_calls"),
        "before_commit": (ledger.Ledger, "_move_offset"),
        "after_commit": (ledger.Ledger, "ship_next"),
        "enqueue_before_commit": (close_hours, "record_audit"),
        "marked": (send_usage_reports, "_send"),
        "after_post": (StripeGateway, "send_usage"),
        "after_sent": (send_usage_reports, "_send_next"),
    }


def _die_at(point: str) -> None:
    owner, name = _steps()[point]
    step = getattr(owner, name)

    def mortal(*arguments: Any, **options: Any) -> Any:
        try:
            if point not in _BEFORE:
                return step(*arguments, **options)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, mortal)


def _die(point: str, folder: Path, moment: datetime) -> int:
    child = os.fork()
    if child == 0:
        _die_at(point)
        _work(folder, moment)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _work(folder: Path, moment: datetime) -> int:
    from billing.metering.shipper import Shipper
    from billing.services import send_usage_reports
    from billing.services.close_hours import close_hours

    send_usage_reports.PACE_SECONDS = 0
    shipper = Shipper(folder=folder, database_url=os.environ["DATABASE_URL"])
    shipper.ship_all()
    close_hours(now=moment)
    send_usage_reports.send_usage_reports(now=lambda: moment)
    return 0


if __name__ == "__main__":
    main()
