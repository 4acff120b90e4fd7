from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from saas.embedded.processes import group_members, start_mark
from saas.embedded.record import Record, RecordedProcess, read_record
from saas.embedded.service import Service, ServiceFailed
from saas.embedded.stop import stop
from saas.embedded.supervisor import Supervisor

MakeService = Callable[..., Service]
Eventually = Callable[..., None]

# A supervisor as the demo runs one: two services, of which the second ignores SIGTERM when asked.
DEMO = """
import os, sys
from pathlib import Path
from saas.embedded.service import Service
from saas.embedded.supervisor import Supervisor

home, second = Path(sys.argv[1]), sys.argv[2]

def service(name, script):
    ready = home / f"{name}.ready"
    return Service(
        name=name, command=("/bin/sh", "-c", f"touch '{ready}'; {script}"),
        environment={"PATH": os.defpath}, folder=home, is_ready=lambda _: ready.exists(),
        grace_seconds=float(sys.argv[3]),
    )

home.mkdir(exist_ok=True)
try:
    with Supervisor(home=home) as supervisor:
        supervisor.start(service("first", "exec sleep 600"))
        supervisor.start(service("second", second))
        print("ready", flush=True)
        supervisor.watch()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
WITH_GRANDCHILD = "sleep 600 & wait"
STUBBORN = "trap '' TERM; echo set > trapped; while :; do sleep 600; done"


def is_alive(pid: int) -> bool:
    return start_mark(pid) is not None


def recorded_pids(home: Path) -> dict[str, int]:
    return {name: each.pid for name, each in read_record(home / "pids.json").services.items()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "data folder"


@pytest.fixture
def start_demo(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start DEMO in a process of its own and wait until both services run."""
    started = []

    def start(*, second: str = "exec sleep 600", grace: float = 20.0) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", DEMO, str(home), second, str(grace)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    read_record(home / "pids.json").end_services()


def test_services_start_in_order_and_stop_in_reverse(
    home: Path, make_service: MakeService, tmp_path: Path
) -> None:
    script = (
        "echo start {} >> order; trap 'echo stop {} >> order; kill $!; exit' TERM; "
        "touch {}.ready; sleep 600 & wait"
    )
    with Supervisor(home=home) as supervisor:
        for name in ("one", "two", "three"):
            supervisor.start(make_service(name, script))

    assert (tmp_path / "order").read_text().splitlines() == [
        *("start one", "start two", "start three"),
        *("stop three", "stop two", "stop one"),
    ]


def test_services_started_together_wait_for_each_other_and_not_in_line(
    home: Path, make_service: MakeService
) -> None:
    # Each is ready only once the other has started: in line, the first would wait for ever.
    script = "touch {}.started; until [ -e $OTHER.started ]; do sleep 0.01; done; touch {}.ready; "
    pair = [
        make_service("one", script.replace("$OTHER", "two") + "exec sleep 600"),
        make_service("two", script.replace("$OTHER", "one") + "exec sleep 600"),
    ]
    with Supervisor(home=home) as supervisor:
        supervisor.start_together(pair)


def test_services_started_together_stop_together_and_before_what_they_rest_on(
    home: Path, make_service: MakeService, tmp_path: Path
) -> None:
    # Each ends only once the other was asked to: in line, the first would use up its grace.
    script = (
        "trap 'echo stop >> order; touch {}.asked; "
        "until [ -e $OTHER.asked ]; do sleep 0.01; done; echo end >> order; kill $!; exit' TERM; "
        "touch {}.ready; sleep 600 & wait"
    )
    server = "trap 'echo server >> order; kill $!; exit' TERM; touch {}.ready; sleep 600 & wait"
    with Supervisor(home=home) as supervisor:
        supervisor.start(make_service("server", server))
        supervisor.start_together(
            make_service(name, script.replace("$OTHER", other), grace_seconds=60.0)
            for name, other in (("one", "two"), ("two", "one"))
        )

    assert (tmp_path / "order").read_text().split() == ["stop", "stop", "end", "end", "server"]


def test_output_goes_to_the_services_log(home: Path, make_service: MakeService) -> None:
    script = "echo to stdout; echo to stderr >&2; touch {}.ready; exec sleep 600"
    with Supervisor(home=home) as supervisor:
        supervisor.start(make_service("web", script))

    assert (home / "logs" / "web.log").read_text() == "to stdout\nto stderr\n"


def test_a_service_that_dies_at_once_shows_the_end_of_its_log(
    home: Path, make_service: MakeService
) -> None:
    script = "echo 'port 8000 is taken' >&2; exit 3"
    with (
        pytest.raises(ServiceFailed, match=r"web ended with exit code 3(?s:.*)port 8000 is taken"),
        Supervisor(home=home) as supervisor,
    ):
        supervisor.start(make_service("web", script))


def test_a_service_that_is_never_ready_fails_and_is_ended(
    home: Path, make_service: MakeService
) -> None:
    service = make_service("web", "exec sleep 600", ready_seconds=0.2)
    with Supervisor(home=home) as supervisor:
        with pytest.raises(ServiceFailed, match="was not ready"):
            supervisor.start(service)
        pid = recorded_pids(home)["web"]

    assert not is_alive(pid)


def test_a_failure_stops_what_had_started_before(home: Path, make_service: MakeService) -> None:
    pids = []

    def start_both() -> None:
        with Supervisor(home=home) as supervisor:
            pids.append(supervisor.start(make_service("first")))
            supervisor.start(make_service("second", "exit 1"))

    with pytest.raises(ServiceFailed):
        start_both()

    assert not is_alive(pids[0])


def test_a_crashed_service_is_started_again_without_its_old_descendants(
    home: Path, make_service: MakeService
) -> None:
    told: list[str] = []
    script = f"touch {{}}.ready; {WITH_GRANDCHILD}"
    with Supervisor(home=home, report=told.append) as supervisor:
        first = supervisor.start(make_service("worker", script))
        os.kill(first, signal.SIGKILL)
        supervisor.watch(until=lambda: recorded_pids(home)["worker"] != first)
        second = recorded_pids(home)["worker"]

        assert group_members(first) == set()
        assert is_alive(second)
    assert told == ["worker ended with signal SIGKILL; starting it again."]


def test_a_service_that_keeps_crashing_ends_the_watch(
    home: Path, make_service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saas.embedded.supervisor._FIRST_DELAY_SECONDS", 0.001)
    monkeypatch.setattr("saas.embedded.supervisor._POLL_SECONDS", 0.001)
    service = make_service("web", "exit 4", is_ready=lambda _pid: True)
    with Supervisor(home=home, report=lambda _line: None) as supervisor:
        supervisor.start(service)
        with pytest.raises(ServiceFailed, match="web ended with exit code 4, 7 times in a row"):
            supervisor.watch()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_everything_with_its_descendants(
    number: signal.Signals, home: Path, start_demo: Callable[..., Any]
) -> None:
    demo = start_demo(second=WITH_GRANDCHILD)
    pids = recorded_pids(home).values()
    demo.send_signal(number)

    assert demo.communicate(timeout=20)[0] == "interrupted\n"
    assert demo.returncode == 0
    assert [group_members(pid) for pid in pids] == [set(), set()]


def test_ctrl_c_reaches_the_supervisor_alone(home: Path, start_demo: Callable[..., Any]) -> None:
    demo = start_demo()

    assert {os.getsid(pid) for pid in recorded_pids(home).values()}.isdisjoint({demo.pid})


def test_a_second_interrupt_kills_what_would_not_stop(
    home: Path, start_demo: Callable[..., Any], eventually: Eventually
) -> None:
    demo = start_demo(second=STUBBORN, grace=600.0)
    eventually((home / "trapped").exists)
    pids = recorded_pids(home)
    demo.send_signal(signal.SIGINT)
    time.sleep(0.05)
    assert is_alive(pids["second"])
    demo.send_signal(signal.SIGINT)

    assert demo.communicate(timeout=20)[0] == "interrupted\n"
    assert [group_members(pid) for pid in pids.values()] == [set(), set()]


def test_what_ignores_its_stop_signal_is_killed_after_its_grace(
    home: Path, start_demo: Callable[..., Any], eventually: Eventually
) -> None:
    demo = start_demo(second=STUBBORN, grace=0.2)
    eventually((home / "trapped").exists)
    second = recorded_pids(home)["second"]
    demo.send_signal(signal.SIGTERM)

    assert demo.wait(timeout=20) == 0
    assert group_members(second) == set()


def test_the_next_start_ends_what_a_killed_supervisor_left(
    home: Path, start_demo: Callable[..., Any], eventually: Eventually
) -> None:
    demo = start_demo(second=STUBBORN, grace=0.2)
    eventually((home / "trapped").exists)
    pids = recorded_pids(home)
    demo.kill()
    demo.wait()
    assert is_alive(pids["second"])
    told: list[str] = []
    with Supervisor(home=home, report=told.append):
        assert [group_members(pid) for pid in pids.values()] == [set(), set()]
    assert "Ended second, left over from a run that was killed." in told


def test_descendants_are_ended_even_when_their_parent_is_gone(
    home: Path, start_demo: Callable[..., Any]
) -> None:
    demo = start_demo(second=WITH_GRANDCHILD)
    second = recorded_pids(home)["second"]
    demo.send_signal(signal.SIGSTOP)
    os.kill(second, signal.SIGKILL)
    demo.kill()
    demo.wait()
    assert group_members(second)

    assert stop(home)
    assert group_members(second) == set()


def test_stop_ends_a_running_supervisor_and_its_services(
    home: Path, start_demo: Callable[..., Any]
) -> None:
    demo = start_demo()
    pids = recorded_pids(home).values()

    assert stop(home)
    assert demo.wait(timeout=20) == 0
    assert [group_members(pid) for pid in pids] == [set(), set()]
    assert not stop(home)


def test_a_process_that_got_a_recorded_id_is_left_alone(home: Path) -> None:
    home.mkdir()
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as innocent:
        earlier = RecordedProcess(pid=innocent.pid, started="some-other-boot:1")
        Record(supervisor=earlier, services={"web": earlier}).write(home / "pids.json")
        with Supervisor(home=home):
            pass
        assert not stop(home)
        assert innocent.poll() is None
        innocent.kill()


def test_a_second_supervisor_in_the_same_folder_is_refused(
    home: Path, make_service: MakeService
) -> None:
    with Supervisor(home=home) as first:
        pid = first.start(make_service("web"))
        with (
            pytest.raises(ServiceFailed, match=r"runs already in .*make stop"),
            Supervisor(home=home),
        ):
            pass
        assert is_alive(pid)
