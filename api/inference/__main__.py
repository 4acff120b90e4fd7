"""Runs a serving process: `python -m api.inference --port 8001`."""

from __future__ import annotations

import argparse
import os

from saas.lib.process_start import starting


def main() -> None:
    """Serve until SIGTERM; calls under way are answered first."""
    # Read when numpy is first imported: an event loop for each core leaves none for BLAS threads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    arguments = _arguments()
    with starting():
        from api.inference.serve import serve
    serve(host=arguments.host, port=arguments.port)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m api.inference")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
