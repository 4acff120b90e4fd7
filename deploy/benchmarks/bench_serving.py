"""Measures the CPU of one recommendation call beside its baselines in one run.

The baselines are a bare echo of the same answer, and the same scoring behind a framework's view
(baseline_serving.py). The server is pinned to one core, the client to the others.
Run: python deploy/benchmarks/bench_serving.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.benchmarks.on_servers import run_on_servers

if __name__ == "__main__":
    run_on_servers(["serving_calls.py"])
