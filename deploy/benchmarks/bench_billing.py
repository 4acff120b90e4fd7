"""Measures how Stripe's webhooks are answered, and that their order and number mean nothing.

Webhooks come over HTTP to a real web process, signed; /healthz of the same process is the baseline.
Then a life of 12 events is delivered in 500 random orders with duplicates, each of which has to end
in one state. Run: python deploy/benchmarks/bench_billing.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.benchmarks.on_servers import run_on_servers

if __name__ == "__main__":
    run_on_servers(["billing_webhooks.py", "billing_orders.py"])
