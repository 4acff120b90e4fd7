"""A process that lacks what it needs does not start, and says everything it lacks at once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from saas.lib.config import Config, ConfigurationError, config

COMPLETE = {
    "SHELFWISE_SECRET_KEY": "".join(f"k{number:02d}" for number in range(20)),
    "SHELFWISE_JWT_VERIFYING_KEYS": "pem",
    "SHELFWISE_ALLOWED_HOSTS": "api.shelfwise.example, shelfwise.example",
    "SHELFWISE_ARTIFACTS": "/srv/artifacts",
    "SHELFWISE_USAGE_LOG": "/srv/usage",
    "DATABASE_URL": "postgresql://app@/shelfwise",
    "REDIS_URL": "redis://127.0.0.1",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that holds a whole production and nothing else of ours."""
    for name in [name for name in os.environ if name.startswith(("SHELFWISE", "DATABASE"))]:
        monkeypatch.delenv(name)
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def read() -> Config:
    return config.__wrapped__()


def test_production_is_the_default(environment: pytest.MonkeyPatch) -> None:
    assert read().mode == "production"
    assert read().allowed_hosts == ("api.shelfwise.example", "shelfwise.example")


def test_what_stores_call_is_the_first_host_unless_it_is_named(
    environment: pytest.MonkeyPatch,
) -> None:
    assert read().api_url == "https://api.shelfwise.example"
    environment.setenv("SHELFWISE_API_URL", "http://127.0.0.1:8000/")
    assert read().api_url == "http://127.0.0.1:8000"


def test_every_missing_variable_is_named_in_one_message(environment: pytest.MonkeyPatch) -> None:
    for name in COMPLETE:
        environment.delenv(name)
    with pytest.raises(ConfigurationError) as refusal:
        read()
    named = {name for name in COMPLETE if name in str(refusal.value)}
    assert named == set(COMPLETE) - {"SHELFWISE_ALLOWED_HOSTS"}


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SHELFWISE_SECRET_KEY", "short", "too weak"),
        ("SHELFWISE_SECRET_KEY", "a" * 80, "too weak"),
        (
            "SHELFWISE_SECRET_KEY",
            "django-insecure-0123456789-abcdefghijklmnopqrstuvwxyz",
            "default",
        ),
        ("SHELFWISE_ALLOWED_HOSTS", "", "name the hosts"),
    ],
)
def test_production_refuses_a_weak_or_default_value(
    environment: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    environment.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=said):
        read()


def test_the_message_does_not_repeat_a_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SHELFWISE_SECRET_KEY", "hunter2")
    with pytest.raises(ConfigurationError) as refusal:
        read()
    assert "hunter2" not in str(refusal.value)


def test_a_process_without_configuration_exits_before_it_does_anything() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr
