"""`make chaos N=1000`: so many crashes of a whole Shelfwise under load, and what came of them."""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.billing.stripe_server import new_account, running_stripe
from tests.chaos.billing_siege import BillingSiege, paying, random_crashes
from tests.chaos.crashes import Siege, deal
from tests.chaos.developer import BrokenPromiseError
from tests.chaos.stack import Stack


def main() -> int:
    """Crash, judge after each round, say what happened, and return the exit code."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seed = arguments.seed or secrets.token_hex(4)
    print(f"The same choices again, at other moments: make chaos N={arguments.crashes} SEED={seed}")
    home = Path(tempfile.mkdtemp(prefix="shelfwise-chaos-"))
    home.chmod(0o755)
    run = Run(seed=seed, crashes=arguments.crashes)
    code = run.run(home)
    if code == 1:
        print(f"The logs are in {home}.")
    else:
        shutil.rmtree(home)
    return code


class Run:
    """A long siege and its account."""

    def __init__(self, *, seed: str, crashes: int) -> None:
        self._seed = seed
        self._crashes = crashes
        self._crashed: Counter[str] = Counter()
        self._judged = 0
        self._started = time.monotonic()

    def run(self, home: Path) -> int:
        """Go on to the end, to the first broken promise, or until Ctrl-C."""
        code, verdict = 0, "Nothing acknowledged was lost, nothing was stored twice."
        try:
            with Stack(home) as stack:
                siege = Siege(stack, seed=self._seed)
                try:
                    self._run_rounds(siege)
                finally:
                    self._show(siege)
                self._besiege_billing(stack, home)
        except BrokenPromiseError as error:
            code, verdict = 1, f"BROKEN after {self._crashed.total()} crashes:\n{error}"
        except KeyboardInterrupt:
            code = 130
            verdict = f"Stopped; what came after crash {self._judged} was not judged."
        print(verdict)
        return code

    def _run_rounds(self, siege: Siege) -> None:
        for victims in deal(seed=self._seed, crashes=self._crashes):
            siege.run(victims, after_crash=lambda victim: self._crashed.update([victim]))
            self._judged += len(victims)
            print(
                f"{self._judged:>6} crashes in {time.monotonic() - self._started:.0f} s: "
                f"{siege.tally.rows:,} rows and {siege.tally.imports} imports as acknowledged",
                flush=True,
            )

    def _besiege_billing(self, stack: Stack, home: Path) -> None:
        """Kill the way from the usage log to Stripe as often, beside the stack's processes."""
        environment_id, tenant_id = stack.rows(
            stack.live, "SELECT id, tenant_id::text FROM tenants_environment WHERE kind = 'live'"
        )[0]
        started = time.monotonic()
        with (
            running_stripe() as server,
            new_account(*server) as account,
            paying(stack.owner_url, tenant_id=tenant_id, account=account) as customer,
            BillingSiege(
                environment=stack.environment(),
                environment_id=environment_id,
                account=account,
                customer=customer,
                folder=home / "billed",
            ) as siege,
        ):
            siege.run(random_crashes(seed=self._seed, crashes=self._crashes))
        print(
            f"{siege.kills:>6} crashes of the way to Stripe in "
            f"{time.monotonic() - started:.0f} s: log, ledger and Stripe agreed after each"
        )

    def _show(self, siege: Siege) -> None:
        tally = siege.tally
        killed = ", ".join(f"{name} {times}" for name, times in self._crashed.most_common())
        put_off = ", ".join(f"{reason} {times}" for reason, times in tally.put_off.most_common())
        print(
            f"Killed with SIGKILL: {killed}.\n"
            f"{tally.answered:,} requests acknowledged, {tally.replayed:,} replays compared; "
            f"tried again after: {put_off}."
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("crashes", type=int, help="how many processes to kill")
    parser.add_argument("--seed", help="of an earlier run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
