"""Keys and tokens: what opens the API, and the one answer to everything else."""

from __future__ import annotations

from tests.api.conftest import ApiClient, assert_problem


def test_a_key_opens_its_own_environment(api: ApiClient, acorn_key: str) -> None:
    answer = api.get("/v1/me", key=acorn_key)
    assert answer.status_code == 200, answer.content
    assert answer.json()["environment"] == "live"


def test_no_credential_is_refused(api: ApiClient) -> None:
    assert_problem(api.get("/v1/me"), 401, "invalid_token")
