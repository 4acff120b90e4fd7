"""The serving process: its runtime, its management port and its public one."""

from __future__ import annotations

import resource
import sys

import uvicorn

from api.inference.app import create_app
from api.inference.runtime import Runtime
from saas.lib.config import config
from saas.lib.http_protocol import SERVER_OPTIONS
from saas.lib.logs import configure_logging
from saas.lib.management_server import serve_management
from tenants.error_reports import configure_error_reports

# How long a call waits for a thread that reads a catalogue or opens a model. Python's own 5 ms are
# several calls; with these a swap holds up the slowest calls half as long.
_TURN_SECONDS = 0.0005


def serve(*, host: str, port: int) -> None:
    """Serve until SIGTERM; calls under way are answered first."""
    open_many_files()
    sys.setswitchinterval(_TURN_SECONDS)
    configure_logging("inference")
    configure_error_reports(dsn=config().sentry_dsn, process="inference")
    runtime = Runtime(config())
    serve_management(config().management_port, runtime.checks())
    uvicorn.run(create_app(runtime), host=host, port=port, **SERVER_OPTIONS)


def open_many_files() -> None:
    """Let the process open as many files as it may: a model each, beside the connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
