from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saas.embedded.processes import end_processes, group_members, processes_in, start_mark


@pytest.fixture(params=["linux", "darwin"], autouse=True)
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Look at processes as each system does: through /proc, and through ps."""
    name = str(request.param)
    if name != sys.platform and not (name == "darwin" and Path("/bin/ps").exists()):
        pytest.skip(f"this machine cannot look at processes as {name} does")
    monkeypatch.setattr(sys, "platform", name)
    return name


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, working in a folder with a space."""
    folder = tmp_path / "its folder"
    folder.mkdir()
    with subprocess.Popen(
        ["sh", "-c", "sleep 600 & wait", str(folder)], cwd=folder, start_new_session=True
    ) as process:
        yield process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_a_start_mark_stays_the_same(sleeper: subprocess.Popen[bytes]) -> None:
    assert start_mark(sleeper.pid) == start_mark(sleeper.pid) is not None


def test_a_zombie_counts_as_gone(sleeper: subprocess.Popen[bytes]) -> None:
    os.kill(sleeper.pid, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)

    assert start_mark(sleeper.pid) is None
    assert sleeper.pid not in group_members(sleeper.pid)


def test_an_unused_id_has_no_start_mark() -> None:
    assert start_mark(2**22 + 1) is None


def test_a_group_contains_the_descendants(sleeper: subprocess.Popen[bytes]) -> None:
    while len(members := group_members(sleeper.pid)) < 2:
        assert sleeper.poll() is None

    assert sleeper.pid in members
    assert os.getpid() not in members


def test_processes_are_found_by_program_and_folder(
    sleeper: subprocess.Popen[bytes], eventually: Callable[..., None]
) -> None:
    folder = Path(str(sleeper.args[3]))  # type: ignore[index]

    # The kernel tells Popen of the new program a moment before it gives the process its name.
    eventually(lambda: processes_in(folder, program="sh") == {sleeper.pid})
    assert processes_in(folder, program="postgres") == set()
    assert processes_in(folder.parent / "another", program="sh") == set()


def test_ending_asks_first_and_waits(
    sleeper: subprocess.Popen[bytes], eventually: Callable[..., None]
) -> None:
    # One that is forked after the asking would only be killed, at the end of the grace.
    eventually(lambda: len(group_members(sleeper.pid)) == 2)

    end_processes(
        lambda: group_members(sleeper.pid), stop_signal=signal.SIGTERM, grace_seconds=20.0
    )

    # Its child may go first, and then the shell ends by itself.
    assert sleeper.wait() != -signal.SIGKILL
