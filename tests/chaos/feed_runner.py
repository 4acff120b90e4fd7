"""Runs one feed's job in a process of its own, in a network that leads to the test's server.

`python tests/chaos/feed_runner.py <job> <environment> <port> <certificate>`
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")


def main() -> None:
    import django

    django.setup()
    from engine import tasks
    from engine.services import run_feed
    from saas.lib.destinations import Network
    from saas.lib.safe_fetch import fetch

    job_id, environment_id, port, certificate = sys.argv[1:]
    network = Network(
        resolve=lambda *_: [(socket.AF_INET, ("127.0.0.1", int(port)))],
        is_allowed=lambda address: address == "127.0.0.1",
        tls=partial(ssl.create_default_context, cafile=certificate),
    )

    def fetch_here(url: str, **options: Any) -> Any:
        return fetch(url, **options | {"network": network})

    run_feed.__dict__["fetch"] = fetch_here
    tasks.run_feed(job_id=int(job_id), environment_id=int(environment_id))


if __name__ == "__main__":
    main()
