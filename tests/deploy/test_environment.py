from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from deploy import environment
from deploy.environment import ensure_environment, run_quietly
from deploy.interpreter import NotReady


class Project:
    """A project folder whose installs are only noted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ran: list[str] = []
        self.fails_at = ""
        self.refusal: str | None = None
        for name in ("runtime", "dev", "build"):
            self.write_lock(name, f"{name} one")

    def write_lock(self, name: str, content: str) -> None:
        (self.root / "locks").mkdir(exist_ok=True)
        (self.root / "locks" / f"{name}.txt").write_text(content)

    def run(self, title: str, command: list[str]) -> None:
        self.ran.append(title)
        if self.fails_at and self.fails_at in title:
            raise SystemExit(1)
        if "venv" in command:
            (self.root / ".venv" / "bin").mkdir()
            (self.root / ".venv" / "lib/python3/site-packages/pip").mkdir(parents=True)
            (self.root / ".venv" / "bin" / "python").symlink_to(sys.executable)

    def build(self, compiler: str, *, environment: Path) -> str | None:
        self.ran.append(f"kernel with {compiler}")
        if self.refusal is None:
            (environment / "kernel.so").touch()
        return self.refusal

    def ensure(self, lock: str) -> list[str]:
        """Ask for ``lock`` and return what had to be installed for it."""
        self.ran = []
        ensure_environment(lock, goal="demo")
        return [title for title in self.ran if "packages" in title or "virtual" in title]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path)
    venv = tmp_path / ".venv"
    for name, value in {
        "ROOT": tmp_path,
        "LOCKS": tmp_path / "locks",
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "STAMP": venv / "shelfwise-locks.json",
        "INSTALLING": venv / "shelfwise-installing",
        "run_quietly": made.run,
        "library_path": lambda folder: folder / "kernel.so",
        "build_library": made.build,
    }.items():
        monkeypatch.setattr(environment, name, value)
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "uv" else f"/bin/{name}")
    return made


VENV = f"virtual environment with Python {sys.version.split()[0]}"
RUNTIME = "packages of deploy/locks/runtime.txt, with pip"
DEV = "packages of deploy/locks/dev.txt, with pip"


def test_the_first_call_makes_the_environment_and_the_second_does_nothing(
    project: Project,
) -> None:
    assert project.ensure("runtime") == [VENV, RUNTIME]
    assert project.ensure("runtime") == []


def test_development_packages_are_added_to_the_same_environment(project: Project) -> None:
    project.ensure("runtime")

    assert project.ensure("dev") == [DEV]
    assert project.ensure("runtime") == []


def test_a_changed_lock_is_installed_again(project: Project) -> None:
    project.ensure("runtime")
    project.write_lock("runtime", "runtime two")

    assert project.ensure("runtime") == [RUNTIME]


def test_an_install_that_broke_off_is_redone_from_nothing(project: Project) -> None:
    project.fails_at = "runtime"
    with pytest.raises(SystemExit):
        project.ensure("runtime")
    project.fails_at = ""

    assert project.ensure("runtime") == [VENV, RUNTIME]


def test_an_environment_whose_python_has_gone_is_made_anew(project: Project) -> None:
    project.ensure("runtime")
    environment.PYTHON.unlink()

    assert project.ensure("runtime") == [VENV, RUNTIME]


def test_nothing_is_touched_when_the_wanted_python_does_not_fit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON", "/nonexistent/python")

    with pytest.raises(NotReady, match="found none"):
        project.ensure("runtime")
    assert not environment.VENV.exists()


def test_the_kernel_is_compiled_once_for_its_source(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "some-cc")
    project.ensure("runtime")
    assert project.ran[-1] == "kernel with some-cc"
    project.ensure("runtime")
    assert project.ran == []


def test_without_a_compiler_or_with_one_that_fails_all_is_made_but_the_kernel(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project.refusal = "kernel.c:1: no such thing\nmore"
    project.ensure("runtime")
    assert "numpy ranks, slower: kernel.c:1: no such thing\n" in capfd.readouterr().out
    monkeypatch.setattr(environment, "find_compiler", lambda python: None)
    project.ensure("runtime")
    assert project.ran == []
    assert "slower: there is no C compiler" in capfd.readouterr().out


def test_a_quiet_command_shows_its_output_only_when_it_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    run_quietly("fine", ["sh", "-c", "echo noise"])
    with pytest.raises(SystemExit) as ended:
        run_quietly("broken", ["sh", "-c", "echo the reason; exit 7"])

    out, err = capfd.readouterr()
    assert ended.value.code == 7
    assert "noise" not in out + err
    assert "✓ fine" in out
    assert "✗ broken" in out
    assert err == "the reason\n\n"
