"""Runs the worker: `celery -A saas.celery worker` with the same options, from one interpreter."""

from __future__ import annotations

import os
import sys

from saas.celery import app

# Workers need to know nothing of each other: the job table is what they share.
APART = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def main() -> None:
    """Run jobs until SIGTERM; what is killed in the middle, its lease brings back."""
    os.environ.setdefault("SHELFWISE_PROCESS", "worker")
    app.worker_main(["worker", *APART, *sys.argv[1:]])


if __name__ == "__main__":
    main()
