"""Runs the local Stripe: `python -m billing.local_stripe --port 12111 --state stripe.json`."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from billing.local_stripe.events import HOOK, add_hook
from billing.local_stripe.running import listen, make_server
from billing.local_stripe.server import LocalStripe
from billing.local_stripe.world import World


def main() -> None:
    """Serve until SIGTERM or Ctrl-C, then keep the state for the next start."""
    arguments = _arguments()
    world = World(address=f"http://127.0.0.1:{arguments.port}")
    if arguments.state:
        world.load(arguments.state)
    if arguments.webhook:
        world.all(HOOK).clear()
        secret = os.environ["STRIPE_WEBHOOK_SECRET"]
        add_hook(world, url=arguments.webhook, types=["*"], secret=secret)
    server = make_server(LocalStripe(world, state=arguments.state))
    asyncio.run(server.serve(sockets=[listen(arguments.port)]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m billing.local_stripe")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--state", type=Path, help="where it is kept over restarts")
    parser.add_argument("--webhook", help="where all events go, signed with STRIPE_WEBHOOK_SECRET")
    return parser.parse_args()


if __name__ == "__main__":
    main()
