"""Runs a serving process: `python -m api.inference --port 8001`."""

from __future__ import annotations

import argparse
import os

# Read when numpy is first imported: one event loop for each core leaves no core for BLAS threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import uvicorn  # after the above

from api.error_reports import configure_error_reports
from api.inference.app import create_app
from api.inference.runtime import Runtime
from saas.lib.config import config
from saas.lib.http_protocol import ProblemHttpProtocol
from saas.lib.logs import configure_logging
from saas.lib.management_server import serve_management


def main() -> None:
    """Serve until SIGTERM; calls under way are answered first."""
    arguments = _arguments()
    configure_logging("inference")
    configure_error_reports(dsn=config().sentry_dsn, process="inference")
    runtime = Runtime(config())
    serve_management(config().management_port, runtime.checks())
    uvicorn.run(
        create_app(runtime),
        host=arguments.host,
        port=arguments.port,
        loop="uvloop",
        http=ProblemHttpProtocol,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m api.inference")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
