"""Measures how events come in and are read for training, each beside its baseline in one run.

POST /v1/events stands beside the same call written with a ModelSerializer and bulk_create
(baseline_events.py), the service alone beside bulk_create, the packed reading of a store's events
beside the ORM. Run: python deploy/benchmarks/bench_ingestion.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.benchmarks.on_servers import run_on_servers

if __name__ == "__main__":
    run_on_servers(["ingestion_requests.py", "ingestion_batches.py", "ingestion_reading.py"])
