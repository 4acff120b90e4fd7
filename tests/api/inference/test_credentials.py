from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from saas.lib import rate_limit
from saas.lib.config import config
from saas.lib.rate_limit import RateLimit
from tenants import tokens
from tests.api.inference.conftest import Hand, Service, eventually


def make_token(hand: Hand, made_from: str, *, signing_key: str | None = None, **claims: Any) -> str:
    now = int(time.time())
    return tokens.sign(
        {
            "tid": str(hand.environment.tenant_id),
            "env": hand.environment.id,
            "key": hand.key_id(made_from),
            "scopes": ["recommendations:read"],
            "iss": tokens.ISSUER,
            "aud": tokens.AUDIENCE,
            "iat": now,
            "exp": now + 900,
            "jti": "01",
            **claims,
        },
        signing_key=signing_key or config().jwt_signing_key or "",
    )


def test_a_key_and_a_token_made_from_it_are_both_taken(service: Service, acorn_hand: Hand) -> None:
    key = acorn_hand.make_key()
    assert service.post("popular", key).status_code == 200
    assert service.post("popular", make_token(acorn_hand, key)).status_code == 200


def test_every_bad_credential_gets_the_same_401(
    service: Service, acorn_hand: Hand, birch_hand: Hand
) -> None:
    key = acorn_hand.make_key()
    foreign_signer = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    birch = birch_hand.environment
    bad = {
        "missing": None,
        "empty": "",
        "not a credential": "hello",
        "not ASCII": "sk_live_é".encode().decode("latin-1"),
        "wrong checksum": key[:-1] + ("0" if key[-1] != "0" else "1"),
        "unknown": tokens.make_key(kind="secret", environment="live"),
        "expired": acorn_hand.make_key(expires_at="2020-01-01T00:00:00Z"),
        "revoked": acorn_hand.make_key(revoked_at="2020-01-01T00:00:00Z"),
        "expired token": make_token(acorn_hand, key, exp=int(time.time()) - 60),
        "other audience": make_token(acorn_hand, key, aud="somebody-else"),
        "foreign signer": make_token(acorn_hand, key, signing_key=foreign_signer.decode()),
        "other tenant": make_token(acorn_hand, key, tid=str(birch.tenant_id)),
        "other environment": make_token(acorn_hand, key, env=birch.id),
        "key of another": make_token(acorn_hand, key, key=birch_hand.key_id(birch_hand.make_key())),
        "algorithm none": "eyJhbGciOiJub25lIn0.eyJ0aWQiOiIxIn0.",
    }
    bodies = set()
    for name, credential in bad.items():
        headers = (
            {}
            if credential is None
            else {"Authorization": f"Bearer {credential}".encode("latin-1")}
        )
        answer = service.post("popular", None, headers={**headers, "X-Request-Id": "one"})
        assert answer.status_code == 401, name
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), name
        bodies.add(answer.text)
    assert len(bodies) == 1
    assert answer.json()["code"] == "invalid_token"


def test_a_key_made_a_moment_ago_is_taken_at_once(service: Service, acorn_hand: Hand) -> None:
    service.post("popular", acorn_hand.make_key())
    assert service.post("popular", acorn_hand.make_key()).status_code == 200


def test_a_revoked_key_and_its_tokens_end_within_two_seconds(
    service: Service, acorn_hand: Hand
) -> None:
    key = acorn_hand.make_key()
    token = make_token(acorn_hand, key)
    assert service.post("popular", token).status_code == 200
    acorn_hand.revoke(key)
    eventually(lambda: service.post("popular", key).status_code == 401)
    assert service.post("popular", token).status_code == 401


def test_a_key_without_the_scope_is_told_which_one_it_lacks(
    service: Service, acorn_hand: Hand
) -> None:
    answer = service.post("popular", acorn_hand.make_key(scopes=["catalogue:read"]))
    assert answer.status_code == 403
    assert answer.json()["code"] == "insufficient_scope"
    assert answer.json()["scope"] == "recommendations:read"


def test_a_token_has_no_scope_that_its_key_has_lost(service: Service, acorn_hand: Hand) -> None:
    key = acorn_hand.make_key(scopes=["catalogue:read"])
    assert service.post("popular", make_token(acorn_hand, key)).status_code == 403


def test_a_suspended_store_is_refused_within_two_seconds(
    service: Service, acorn_hand: Hand
) -> None:
    key = acorn_hand.make_key()
    assert service.post("popular", key).status_code == 200
    acorn_hand.set_status("suspended")
    eventually(lambda: service.post("popular", key).status_code == 403)
    assert service.post("popular", key).json()["code"] == "tenant_suspended"


PAGE = "https://acorn-books.example"


@pytest.fixture
def publishable_key(acorn_hand: Hand) -> str:
    return acorn_hand.make_key(kind="publishable", allowed_origins=[PAGE])


def test_a_page_on_the_list_may_read_the_answer(service: Service, publishable_key: str) -> None:
    answer = service.post("popular", publishable_key, headers={"Origin": PAGE})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_a_page_has_a_rate_and_is_told_what_is_left_of_it(
    service: Service, acorn_hand: Hand, publishable_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "PAGE_RATE", RateLimit(per_second=0.01, burst=2))
    page = {"headers": {"Origin": PAGE}}
    first = service.post("popular", publishable_key, **page)
    assert (first.status_code, first.headers["RateLimit"]) == (200, '"page";r=1;t=100')
    service.post("popular", publishable_key, **page)
    refused = service.post("popular", publishable_key, **page)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["Retry-After"] in {"100", "99"}
    assert refused.headers["Access-Control-Allow-Origin"] == PAGE
    # A server's calls are not counted.
    assert "RateLimit" not in service.post("popular", acorn_hand.make_key()).headers


def test_another_page_is_refused(service: Service, publishable_key: str) -> None:
    answer = service.post("popular", publishable_key, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "origin_not_allowed"


def test_a_page_may_ask_beforehand_without_a_key(service: Service) -> None:
    answer = service.request("OPTIONS", "/v1/recommend/popular", headers={"Origin": PAGE})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Max-Age"] == "86400"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_no_page_may_read_what_a_secret_key_gets(service: Service, acorn_hand: Hand) -> None:
    answer = service.post("popular", acorn_hand.make_key(), headers={"Origin": PAGE})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_may_not_name_a_user(service: Service, publishable_key: str) -> None:
    answer = service.post("for-user", publishable_key, {"user_id": "ada"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "user_token_required"


def make_user_token(hand: Hand, made_from: str, **claims: Any) -> str:
    changes = {"aud": tokens.USER_AUDIENCE, "sub": "ada", **claims}
    return make_token(hand, made_from, **changes)


def test_a_page_with_a_user_token_may_name_that_user(
    service: Service, acorn_hand: Hand, publishable_key: str
) -> None:
    token = make_user_token(acorn_hand, acorn_hand.make_key())
    for _ in range(2):
        body = {"user_id": "ada", "user_token": token}
        assert service.post("for-user", publishable_key, body).status_code == 200


def test_no_other_user_token_will_do(
    service: Service, acorn_hand: Hand, birch_hand: Hand, publishable_key: str
) -> None:
    key, birch_key = acorn_hand.make_key(), birch_hand.make_key()
    bad = {
        "empty": "",
        "no token": "hello",
        "another user's": make_user_token(acorn_hand, key, sub="ben"),
        "another store's": make_user_token(birch_hand, birch_key),
        "made with another store's key": make_user_token(
            birch_hand, birch_key, env=acorn_hand.environment.id
        ),
        "nobody's key": make_user_token(acorn_hand, key, key="key_0"),
        "expired": make_user_token(acorn_hand, key, exp=int(time.time()) - 60),
        "an access token": make_token(acorn_hand, key),
    }
    for name, token in bad.items():
        answer = service.post("for-user", publishable_key, {"user_id": "ada", "user_token": token})
        assert (answer.status_code, answer.json()["code"]) == (403, "user_token_required"), name


def test_a_user_token_ends_with_its_key_and_by_itself(
    service: Service, acorn_hand: Hand, publishable_key: str
) -> None:
    key = acorn_hand.make_key()
    body = {"user_id": "ada", "user_token": make_user_token(acorn_hand, key)}
    assert service.post("for-user", publishable_key, body).status_code == 200
    acorn_hand.revoke(key)
    eventually(lambda: service.post("for-user", publishable_key, body).status_code == 403)


def test_a_page_gets_the_short_form(
    service: Service, acorn_hand: Hand, publishable_key: str
) -> None:
    acorn_hand.put("oak", title="The Oak", price="12.9")
    answer = service.post("for-user", publishable_key, {"anonymous_id": "v1"}).json()
    assert set(answer) == {"recommendation_id", "items", "fallback"}
    [item] = answer["items"]
    assert set(item) == {"id", "rank", "product", "reason"}
    assert item["reason"] == {"code": "new_arrival"}
    assert item["product"]["price"] == "12.90"
