"""Measures recommendation calls beside their baselines: CPU, tails, swaps, memory, cores.

Servers are pinned to one core, the client to the others; each part makes its own stores. A part
alone: python deploy/benchmarks/bench_serving.py serving_tails.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.benchmarks.on_servers import run_on_servers

PARTS = (
    "serving_calls.py",
    "serving_tails.py",
    "serving_swaps.py",
    "serving_cores.py",
    "serving_tenants.py",
)

if __name__ == "__main__":
    run_on_servers(sys.argv[1:] or PARTS)
