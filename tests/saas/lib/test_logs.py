"""A line of the log is one JSON event, and carries neither secrets nor customers' values."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LOG_ONE_ERROR_EACH_WAY = """
import logging
import psycopg
import structlog
from saas.lib.logs import configure_logging

configure_logging("web")
try:
    try:
        raise psycopg.errors.UniqueViolation(
            'duplicate key value violates unique constraint "shopper_once"\\n'
            "DETAIL:  Key (external_id)=(ada@example.com\\n\\nof Acorn) already exists."
        )
    except psycopg.Error as error:
        raise RuntimeError("Nothing was written.") from error
except RuntimeError:
    structlog.get_logger().exception("write_failed", url="redis://:hunter2@cache/0")
    logging.getLogger("some.library").exception("It failed.")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", LOG_ONE_ERROR_EACH_WAY], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_line_names_its_process(lines: list[dict[str, str]]) -> None:
    assert [line["process"] for line in lines] == ["web", "web"]
    assert [line["event"] for line in lines] == ["write_failed", "It failed."]


def test_a_traceback_carries_no_value_of_a_database_error(lines: list[dict[str, str]]) -> None:
    for line in lines:
        # What failed and where is there, whose value it was is not.
        assert 'violates unique constraint "shopper_once"' in line["exception"]
        assert line["exception"].endswith("RuntimeError: Nothing was written.")
        assert "ada@example.com" not in line["exception"]
        assert "of Acorn" not in line["exception"]


def test_a_line_carries_no_password(lines: list[dict[str, str]]) -> None:
    assert lines[0]["url"] == "redis://[filtered]cache/0"
