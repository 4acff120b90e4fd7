"""One JSON event per line on standard output, with request id and tenant bound where known."""

from __future__ import annotations

import logging
import sys

import structlog

from saas.lib.scrubbing import scrub


def _scrub(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return {name: scrub(value) for name, value in event.items()}


def configure_logging(process: str) -> None:
    """Send structlog's and the standard library's events to stdout as JSON lines.

    Parameters
    ----------
    process
        The name of this process, written on each line.
    """

    def name_process(
        _: object, __: str, event: structlog.types.EventDict
    ) -> structlog.types.EventDict:
        event["process"] = process  # not a context variable: threads start without those
        return event

    shared: list[structlog.types.Processor] = [
        name_process,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _scrub,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
