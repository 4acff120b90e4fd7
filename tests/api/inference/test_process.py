from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import httpx

from saas.lib.config import Config
from tests.api.inference.conftest import Hand, eventually

_IMPORT_AND_REPORT = """
import sys
import api.inference.__main__, api.inference.serve, api.inference.openapi
from tenants.error_reports import configure_error_reports
configure_error_reports(dsn="https://public@sentry.invalid/1", process="inference")
banned = {"django", "celery", "stripe", "rest_framework", "lightfm", "django_tenants"}
print(sorted(banned & {name.partition(".")[0] for name in sys.modules}))
"""


def test_a_fresh_process_with_sentry_loads_no_web_framework_of_the_others() -> None:
    environment = {**os.environ, "SENTRY_DSN": "https://public@sentry.invalid/1"}
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_AND_REPORT],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_the_process_serves_and_ends_on_sigterm(acorn_hand: Hand, serving_config: Config) -> None:
    acorn_hand.put("oak")
    port, management_port = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "api.inference", "--port", str(port)],
        env={
            **os.environ,
            "SHELFWISE_ARTIFACTS": str(serving_config.artifacts),
            "SHELFWISE_USAGE_LOG": str(serving_config.usage_log),
            "SHELFWISE_CONTROL_CACHE": str(serving_config.control_cache),
            "SHELFWISE_MANAGEMENT_PORT": str(management_port),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    public, management = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{management_port}"

    def is_ready() -> bool:
        try:
            return httpx.get(f"{public}/readyz").status_code == 200
        except httpx.ConnectError:
            return False

    try:
        eventually(is_ready, within=15)
        answer = httpx.post(
            f"{public}/v1/recommend/popular",
            headers={"Authorization": f"Bearer {acorn_hand.make_key()}"},
            json={},
        )
        assert [item["id"] for item in answer.json()["items"]] == ["oak"]
        assert httpx.get(f"{management}/readyz").json()["ready"] is True
        assert "shelfwise_recommendation_seconds" in httpx.get(f"{management}/metrics").text
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    finally:
        process.kill()
        process.communicate()
    # uvicorn ends its work first and then lets the signal have its way.
    assert process.returncode == -signal.SIGTERM
    assert '"event": "inference_stopped"' in output
