"""Measures what the engine reaches on the data sets in SHELFWISE_BENCHMARK_DATA, if it is set.

The automatic pipeline stands beside each single candidate (engine_quality.py), a model brought up
to date beside the same one stale and fitted anew (engine_update.py). All data sets take an hour.
Run: python deploy/benchmarks/bench_engine.py [FOLDER]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    for script in ("engine_quality.py", "engine_update.py"):
        command = [sys.executable, str(Path(__file__).with_name(script)), *sys.argv[1:]]
        subprocess.run(command, check=True)
