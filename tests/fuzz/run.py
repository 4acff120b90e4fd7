"""Runs Schemathesis over the OpenAPI document of a running web process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# Ours knows what the document cannot say.
REPLACED = "positive_data_acceptance"


def run_schemathesis(
    *, port: int, key: str, examples: int, phases: str, seed: int | None = None
) -> int:
    """Call every operation with so many generated requests and return the exit code.

    Parameters
    ----------
    port
        The public one.
    key
        A secret API key.
    examples
        The most requests for one operation of the phase that generates them.
    phases
        `fuzzing`, or `coverage,fuzzing`, which first walks each constraint of the document.
    seed
        Of an earlier run, for the same requests.
    """
    url = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/v1/openapi.json"),
        *("--header", f"Authorization: Bearer {key}"),
        *("--phases", phases, "--max-examples", str(examples)),
        *("--checks", "all", "--exclude-checks", REPLACED),
        *("--warnings", "off", "--continue-on-failure", "--no-color"),
        *("--generation-database", "none"),
        *(("--seed", str(seed)) if seed is not None else ()),
    ]
    added = {
        "SCHEMATHESIS_HOOKS": "tests.fuzz.checks",
        "PYTHONPATH": str(PROJECT),
        "FUZZ_KEY_ID": _key_id(url, key),
    }
    # It keeps a folder where it runs.
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.call(command, cwd=folder, env={**os.environ, **added})


def _key_id(url: str, key: str) -> str:
    asked = urllib.request.Request(f"{url}/v1/me", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(asked) as answer:
        return str(json.load(answer)["key_id"])
