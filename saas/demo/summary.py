"""What a newcomer sees at the end: where everything is, and a call that has just been made."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
from typing import Any

from rich.box import HORIZONTALS
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
    arguments = [
        ["curl", "-s", url],
        ["-H", f"Authorization: Bearer {key}"],
        ["-H", "Content-Type: application/json"],
        ["-d", json.dumps(body)],
    ]
    call("POST", url, key=key, body=body)  # opens the model, as the first call of a day does
    started = time.perf_counter()
    if shutil.which("curl"):
        command = [word for words in arguments for word in words]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    else:
        answer = call("POST", url, key=key, body=body).text
    milliseconds = (time.perf_counter() - started) * 1000
    return " \\\n  ".join(shlex.join(words) for words in arguments), answer, milliseconds


def summary_panel(summary: dict[str, Any], *, curl: tuple[str, str, float]) -> Panel:
    """Return the box with URLs, log-ins, keys and the call."""
    lines = Table.grid(padding=(0, 2))
    for title, url in (
        ("API", summary["base_url"]),
        ("Docs", summary["docs_url"]),
        ("Inference", summary["inference_url"]),
        ("Sign up", f"{summary['portal_url']}/sign-up/ [dim](its mails are printed here)[/]"),
        ("Staff console", summary["staff_url"]),
    ):
        lines.add_row(f"[bold]{title}[/]", url)
    lines.add_row("", _log_in(summary["staff"]))
    lines.add_row("", "[dim]and the code of:[/] .venv/bin/python -m saas.demo.totp")
    if summary["stripe_url"]:
        lines.add_row("[bold]Local Stripe[/]", summary["stripe_url"])
    for store in summary["tenants"]:
        lines.add_row("", "")
        lines.add_row(f"[bold]{store['name']}[/]", store["quality"])
        lines.add_row("portal", store["portal_url"])
        lines.add_row(
            "", f"{summary['portal_url']}/stores/{store['tenant']}/ [dim](without a host)[/]"
        )
        for member in store["members"]:
            lines.add_row("", f"{_log_in(member)} [dim]({member['role']})[/]")
        for environment, keys in store["environments"].items():
            lines.add_row(f"{environment} keys", keys["secret_key"])
            lines.add_row("", keys["publishable_key"])
    command, answer, milliseconds = curl
    shown = Group(
        lines,
        Text(f"\n$ {command}\n", style="cyan", overflow="fold"),
        Text(_laid_out(json.loads(answer)), overflow="fold"),
        Text(f"\nanswered in {milliseconds:.0f} ms just now, curl's own start included", "dim"),
        Text("Ctrl-C stops everything; the data stays in .demo/.", "dim"),
    )
    return Panel(
        shown, title="Shelfwise is running", box=HORIZONTALS, border_style="green", padding=(1, 1)
    )


def _log_in(person: dict[str, str]) -> str:
    return f"{person['email']}  {person['password']}"


def _laid_out(answer: dict[str, Any]) -> str:
    """Return the answer as JSON with one line for each member and each item."""
    lines = []
    for name, value in answer.items():
        if name == "items":
            items = ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in value)
            lines.append(f'  "items": [\n{items}\n  ]')
        else:
            lines.append(f'  "{name}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}"
