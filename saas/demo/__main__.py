"""`make demo`: from nothing to two stores with models that answer; `--check` proves it, stops."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import django

from saas.demo.checks import CheckFailedError, PeopleChecks, StoreChecks
from saas.demo.client import call
from saas.demo.credentials import (
    demo_credentials,
    keep_credentials,
    read_json,
    write_private,
)
from saas.demo.mails import Mails
from saas.demo.newcomer import NewcomerChecks
from saas.demo.stack import (
    PROJECT,
    choose_ports,
    demo_environment,
    embedded_servers,
    mail_folder,
    processes,
)
from saas.demo.steps import Step, Steps
from saas.demo.stores import DemoStore, demo_stores
from saas.demo.summary import run_curl, summary_panel
from saas.demo.totp import new_secret
from saas.embedded.home import data_folder
from saas.embedded.service import ServiceFailed
from saas.embedded.supervisor import Supervisor
from saas.lib.process_start import starting

# The contract promises 2 s; opening a large model for the first time comes on top.
SERVED_SECONDS = 5


def main() -> int:
    """Run the demo until Ctrl-C, or check it and stop; return the exit code."""
    arguments = _arguments()
    steps, home = Steps(), data_folder()
    try:
        stores = demo_stores(arguments.dataset)
        with ExitStack() as closing, Supervisor(home=home, report=steps.say) as supervisor:
            demo = Demo(supervisor=supervisor, steps=steps, home=home, stores=stores)
            mails = Mails(mail_folder(home), say=steps.say)
            demo.start(closing)
            if arguments.check:
                return 0 if demo.check() else 1
            supervisor.watch(until=mails.show_new)
    except KeyboardInterrupt:
        steps.say("\nStopped; nothing is left running. The data stays in .demo/.")
    except (ServiceFailed, CheckFailedError, subprocess.CalledProcessError, ValueError) as error:
        steps.say(f"\n{error}")
        return 1
    return 0


class Demo:
    """A whole Shelfwise with its stores, on this machine."""

    def __init__(
        self, *, supervisor: Supervisor, steps: Steps, home: Path, stores: list[DemoStore]
    ) -> None:
        self._supervisor, self._steps, self._home = supervisor, steps, home
        self._stores = stores
        self._ports = choose_ports()
        self._credentials = demo_credentials(home)
        # What is known of each store by its slug: keys, ids, and whether it is filled.
        self._state = read_json(home / "stores.json")

    def start(self, closing: ExitStack) -> None:
        """Start the servers, make and fill what is missing, and show where everything is."""
        os.environ.update(
            demo_environment(self._home, credentials=self._credentials, ports=self._ports)
        )
        for title, prepare in embedded_servers(self._home, closing=closing):
            with self._steps.step(title):
                self._supervisor.start(prepare())
        with self._steps.step("Schemas"):
            _run("manage.py", "migrate_schemas", "-v0")
        self._provision()
        with self._steps.step("Web, inference, worker, dispatcher and shipper"):
            self._supervisor.start_together(processes(self._home, ports=self._ports))
        for store in self._stores:
            self._fill(store)
        self._train()
        self._summarise()

    def check(self) -> bool:
        """Make real calls as each kind of user; print a line for each and say if all held."""
        with starting():
            django.setup()
        failed = 0
        newcomer = NewcomerChecks(self._summary, mails=mail_folder(self._home))
        for check in (*StoreChecks(self._summary), *PeopleChecks(self._summary), *newcomer):
            try:
                detail, mark = check.run(), "[green]PASS[/]"
            except (CheckFailedError, OSError) as error:
                detail, mark, failed = str(error), "[red]FAIL[/]", failed + 1
            self._steps.console.print(
                f" {mark} [bold]{check.user}[/]: {check.claim} [dim]· {detail}[/]", soft_wrap=True
            )
        self._steps.say(f"{failed} of the checks failed." if failed else "All checks passed.")
        return not failed

    def _provision(self) -> None:
        missing = [store for store in self._stores if store.slug not in self._state]
        if not missing and "staff_totp_secret" in self._credentials:
            return
        self._credentials.setdefault("staff_totp_secret", new_secret())
        with self._steps.step("Stores, people and keys"):
            made = json.loads(_run("-m", "saas.demo.provision", given=self._wanted(missing)))
            # A sample that is loaded again after a crash must end at the same time.
            ends_at = datetime.now(tz=UTC).replace(microsecond=0).isoformat()
            self._state |= {each["slug"]: each | {"ends_at": ends_at} for each in made}
            self._keep_state()
            keep_credentials(self._home, self._credentials)

    def _wanted(self, stores: list[DemoStore]) -> str:
        password = self._credentials["member_password"]
        return json.dumps(
            {
                "staff": self._staff,
                "stores": [
                    {
                        "name": store.name,
                        "slug": store.slug,
                        "members": [
                            {"email": email, "password": password, "role": role}
                            for role, email in store.members
                        ],
                    }
                    for store in stores
                ],
            }
        )

    def _fill(self, store: DemoStore) -> None:
        if "sample_user_id" in self._state[store.slug]:
            return
        with starting():
            django.setup()
            from saas.demo.fill import Filling

        known = self._state[store.slug]
        ends_at = datetime.fromisoformat(known["ends_at"])
        for environment, id_ in known["environment_ids"].items():
            source = store.source(environment, ends_at=ends_at)
            filling = Filling(environment_id=id_, source=source)
            with self._steps.step(f"{store.name}, {environment}: catalogue") as step:
                filling.fill_catalogue(step)
            with self._steps.step(f"{store.name}, {environment}: events") as step:
                filling.fill_events(step)
            self._request_training(store, environment=environment)
            if environment == "live":
                sample_user_id = filling.sample_user_id()
        known["sample_user_id"] = sample_user_id
        self._keep_state()

    def _request_training(self, store: DemoStore, *, environment: str) -> None:
        answer = call("POST", self._url("/v1/models:train"), key=self._key(store, environment))
        if answer.status != 202:
            raise CheckFailedError(f"Training was refused with {answer.status}: {answer.text}")

    def _train(self) -> None:
        """Wait for the trainings, while crashed processes are started again."""
        for store in self._stores:
            for environment in ("live", "test"):
                key = self._key(store, environment)
                with self._steps.step(f"{store.name}, {environment}: training") as step:
                    self._supervisor.watch(until=partial(self._is_trained, key, step))
                    self._wait_until_served(key)
                    step.detail = self._quality(store, environment=environment)

    def _is_trained(self, key: str, step: Step) -> bool:
        run = call("GET", self._url("/v1/training-runs?limit=1"), key=key).body["data"][0]
        step.advance(done=run["progress"], total=1, detail=run["stage"])
        if run["status"] == "failed":
            raise CheckFailedError(f"The training failed: {run['error']}")
        return bool(run["status"] == "completed")

    def _wait_until_served(self, key: str) -> None:
        deadline = time.monotonic() + SERVED_SECONDS
        self._supervisor.watch(
            until=lambda: self._is_served(key) or time.monotonic() > deadline,
        )
        if not self._is_served(key):
            raise CheckFailedError(f"A promoted model was not served within {SERVED_SECONDS} s.")

    def _is_served(self, key: str) -> bool:
        models = call("GET", self._url("/v1/models?limit=1"), key=key).body["data"]
        if not models or models[0]["status"] != "champion":
            return True
        answer = call("POST", self._url("/v1/recommend/popular"), key=key, body={}).body
        return answer["model"] is not None and answer["model"]["version"] == models[0]["version"]

    def _quality(self, store: DemoStore, *, environment: str) -> str:
        key = self._key(store, environment)
        models = call("GET", self._url("/v1/models?limit=1"), key=key).body["data"]
        if not models:
            return "no model"
        newest = models[0]
        ours, theirs = newest["metrics"]["ndcg@10"], newest["baselines"]["popular"]["ndcg@10"]
        return (
            f"{newest['status']}, NDCG@10 {ours['value']:.3f} "
            f"[{ours['low']:.3f}, {ours['high']:.3f}] against {theirs['value']:.3f} of popularity"
        )

    def _summarise(self) -> None:
        base = f"http://127.0.0.1:{self._ports.public}"
        self._summary = {
            "base_url": base,
            "inference_url": f"http://127.0.0.1:{self._ports.inference}",
            "docs_url": f"{base}/docs",
            "portal_url": f"http://127.0.0.1:{self._ports.portal}",
            "staff_url": f"http://127.0.0.1:{self._ports.staff}",
            "stripe_url": os.environ.get("SHELFWISE_LOCAL_STRIPE_URL"),
            "staff": self._staff,
            "tenants": [self._tenant(store) for store in self._stores],
        }
        write_private(self._home / "demo.json", self._summary)
        curl = run_curl(self._summary)
        self._steps.console.print(summary_panel(self._summary, curl=curl))

    def _tenant(self, store: DemoStore) -> dict[str, Any]:
        known = self._state[store.slug]
        password = self._credentials["member_password"]
        return {
            "name": store.name,
            "tenant": store.slug,
            "portal_url": f"http://{store.slug}.localhost:{self._ports.portal}/",
            "environments": known["environments"],
            "environment_ids": known["environment_ids"],
            "members": [
                {"email": email, "password": password, "role": role}
                for role, email in store.members
            ],
            "sample_user_id": known["sample_user_id"],
            "quality": self._quality(store, environment="live"),
        }

    @property
    def _staff(self) -> dict[str, str]:
        return {
            "email": "staff@shelfwise.example",
            "password": self._credentials["staff_password"],
            "totp_secret": self._credentials["staff_totp_secret"],
        }

    def _key(self, store: DemoStore, environment: str) -> str:
        return str(self._state[store.slug]["environments"][environment]["secret_key"])

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._ports.public}{path}"

    def _keep_state(self) -> None:
        write_private(self._home / "stores.json", self._state)


def _run(*arguments: str, given: str | None = None) -> str:
    """Run a Python program as the owner and return what it printed."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env={**os.environ, "SHELFWISE_LOGIN": "owner"},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        output = f"{ended.stdout}{ended.stderr}".strip()
        raise ServiceFailed(f"{' '.join(arguments)} failed:\n{output}")
    return ended.stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--check", action="store_true", help="make sure that it works, and stop")
    parser.add_argument("--dataset", type=Path, help="items.csv and events.csv(.gz) of one store")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
