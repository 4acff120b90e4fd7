from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A bare clone in a folder with a space: what the commands read before .venv exists."""
    clone = tmp_path / "a clone"
    shutil.copytree(ROOT / "deploy", clone / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", clone)
    (clone / "engine" / "core").mkdir(parents=True)
    for name in ("__init__.py", "kernel.c", "kernel_library.py"):
        shutil.copy(ROOT / "engine" / "core" / name, clone / "engine" / "core")
    shutil.copy(ROOT / "engine" / "__init__.py", clone / "engine")
    return clone


def run(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "deploy/run.py", *arguments],
        cwd=clone,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )


def test_an_unknown_command_lists_the_known_ones(clone: Path) -> None:
    ended = run(clone, "sing")

    assert ended.returncode == 2
    assert "demo|test|check|bench|chaos|fuzz|stop|demo-reset" in ended.stderr


@pytest.mark.parametrize("command", ["setup", "demo", "test", "check", "bench", "chaos", "fuzz"])
def test_a_missing_python_is_one_line_before_anything_is_made(clone: Path, command: str) -> None:
    ended = run(clone, command, PYTHON="/nonexistent/python")

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("Shelfwise needs Python 3.11, 3.12 or 3.13; found none.")
    assert ended.stderr.count("\n") == 1
    assert not (clone / ".venv").exists()


def test_stop_in_a_bare_clone_finds_nothing(clone: Path) -> None:
    ended = run(clone, "stop")

    assert (ended.returncode, ended.stdout) == (0, "Nothing is running.\n")


def test_reset_deletes_the_demos_data(clone: Path) -> None:
    (clone / ".demo").mkdir()
    (clone / ".demo" / "pids.json").write_text("{}")

    assert run(clone, "demo-reset").returncode == 0
    assert not (clone / ".demo").exists()


def test_reset_refuses_a_folder_that_is_not_the_demos(clone: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letters.txt").touch()

    ended = run(clone, "demo-reset", SHELFWISE_HOME=str(precious))

    assert ended.returncode == 2
    assert "does not look like" in ended.stderr
    assert (precious / "letters.txt").exists()


def test_make_hands_its_variables_to_the_command(clone: Path) -> None:
    (clone / "deploy" / "run.py").write_text("import sys; print(sys.argv[1:])")

    def make(*arguments: str) -> str:
        return subprocess.run(
            ["make", "--no-print-directory", *arguments],
            cwd=clone,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    assert make("demo") == "['demo']"
    assert make("demo", "CHECK=1", "DATASET=my data") == (
        "['demo', '--check', '--dataset', 'my data']"
    )
    assert make("demo", "CHECK=0") == "['demo']"
    assert make("test", "ARGS=tests/api -k 'a b'") == "['test', 'tests/api', '-k', 'a b']"
    assert make("demo-reset") == "['demo-reset']"
