"""`make fuzz`: Schemathesis at length, over the OpenAPI document of a Shelfwise of its own."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.stack import Stack
from tests.fuzz.run import run_schemathesis


def main() -> int:
    """Start everything, call each operation many times, and return the exit code."""
    arguments = _arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="shelfwise-fuzz-") as name:
            home = Path(name)
            # PostgreSQL's account must get there.
            home.chmod(0o755)
            with Stack(home) as stack:
                return run_schemathesis(
                    port=stack.live.port,
                    key=stack.live.key,
                    examples=arguments.examples,
                    phases="coverage,fuzzing",
                    seed=arguments.seed,
                )
    except KeyboardInterrupt:
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("examples", type=int, help="generated requests for each operation")
    parser.add_argument("--seed", type=int, help="of an earlier run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
