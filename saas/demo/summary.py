"""What a newcomer sees at the end: where everything is, and a call that has just been made."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from saas.demo.client import call


def run_curl(summary: dict[str, Any]) -> tuple[str, str, float]:
    """Ask for recommendations with the first store's key, by curl where there is one.

    Returns
    -------
    tuple
        The command, the answer's text and the milliseconds it took.
    """
    store = summary["tenants"][0]
    key = store["environments"]["live"]["secret_key"]
    url = f"{summary['base_url']}/v1/recommend/for-user"
    body = {"user_id": store["sample_user_id"], "limit": 3}
    command = [
        *("curl", "-s", "-X", "POST", url),
        *("-H", f"Authorization: Bearer {key}"),
        *("-H", "Content-Type: application/json"),
        *("-d", json.dumps(body)),
    ]
    started = time.perf_counter()
    if shutil.which("curl"):
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    else:
        answer = call("POST", url, key=key, body=body).text
    return shlex.join(command), answer, (time.perf_counter() - started) * 1000


def summary_panel(summary: dict[str, Any], *, curl: tuple[str, str, float]) -> Panel:
    """Return the box with URLs, log-ins, keys and the call."""
    places = Table.grid(padding=(0, 2))
    places.add_row("[bold]API[/]", summary["base_url"])
    places.add_row("[bold]Docs[/]", summary["docs_url"])
    places.add_row("[bold]Inference[/]", summary["inference_url"])
    places.add_row("[bold]Staff console[/]", f"{summary['staff_url']}  {_log_in(summary['staff'])}")
    for store in summary["tenants"]:
        places.add_row("", "")
        places.add_row(f"[bold]{store['name']}[/]", f"{store['quality']}")
        for member in store["members"]:
            role = f"[dim]({member['role']})[/]"
            places.add_row("  portal", f"{summary['portal_url']}  {_log_in(member)} {role}")
        for environment, keys in store["environments"].items():
            places.add_row(f"  {environment} keys", keys["secret_key"])
            places.add_row("", keys["publishable_key"])
    command, answer, milliseconds = curl
    pretty = json.dumps(_shortened(json.loads(answer)), indent=2, ensure_ascii=False)
    shown = Group(
        places,
        Text(f"\n$ {command}", style="cyan", overflow="fold"),
        Text(f"{pretty}\n", overflow="fold"),
        Text(f"answered in {milliseconds:.0f} ms just now, curl's own start included", style="dim"),
        Text("Ctrl-C stops everything; the data stays in .demo/.", style="dim"),
    )
    return Panel(shown, title="Shelfwise is running", border_style="green", padding=(1, 2))


def _log_in(person: dict[str, str]) -> str:
    return f"{person['email']} / {person['password']}"


def _shortened(answer: dict[str, Any]) -> dict[str, Any]:
    shown = ("recommendation_id", "type", "items", "model", "strategy", "fallback", "took_ms")
    return {name: answer[name] for name in shown if name in answer}
