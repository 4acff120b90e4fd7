"""Runs the worker: `celery -A saas.celery worker` with the same options, from one interpreter."""

from __future__ import annotations

import os
import sys

from saas.lib.process_start import starting

# Workers need to know nothing of each other: the job table is what they share.
APART = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def main() -> None:
    """Run jobs until SIGTERM; what is killed in the middle, its lease brings back."""
    os.environ.setdefault("SHELFWISE_PROCESS", "worker")
    # They are for who deploys (`make check`), and would load every page and the staff console.
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
    with starting():
        from saas.celery import app

        # Imports the tasks; Celery does it itself, but the collector would look on.
        app.loader.init_worker()
    app.worker_main(["worker", *APART, *sys.argv[1:]])


if __name__ == "__main__":
    main()
