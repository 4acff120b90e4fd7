"""Runs the worker: `celery -A saas.celery worker` with the same options, from one interpreter."""

from __future__ import annotations

import os
import sys

from saas.celery import app


def main() -> None:
    """Run jobs until SIGTERM; a second one stops a training, whose lease brings it back."""
    os.environ.setdefault("SHELFWISE_PROCESS", "worker")
    app.worker_main(["worker", *sys.argv[1:]])


if __name__ == "__main__":
    main()
