"""Runs the shipper, one for each host: `python -m billing.metering`."""

from __future__ import annotations

import signal
import threading

import structlog

from billing.metering.shipper import Shipper
from saas.lib.config import config
from saas.lib.logs import configure_logging
from saas.lib.management_server import serve_management


def main() -> None:
    """Ship until SIGTERM or SIGINT, then ship what is there and leave."""
    settings = config()
    configure_logging("shipper")
    shipper = Shipper(folder=settings.usage_log, database_url=settings.database_url)
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())
    serve_management(
        settings.management_port,
        {"shipping": shipper.round_problem, "usage_lag": shipper.lag_problem},
    )
    structlog.get_logger().info("shipper_started", folder=str(settings.usage_log))
    shipper.run(stop)


if __name__ == "__main__":
    main()
