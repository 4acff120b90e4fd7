"""Keys and tokens: what opens the API, and the one answer to everything else."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from saas.lib.config import config
from tenants import tokens
from tenants.models.api_key import ApiKey
from tenants.models.environment import Environment
from tenants.models.tenant import Tenant
from tenants.selectors.credential import forget_credentials
from tests.api.conftest import START, ApiClient, FrozenClock, assert_problem
from tests.conftest import make_key

Change = Callable[[dict[str, Any]], dict[str, Any]]


def token_for(api: ApiClient, key: str) -> str:
    answer = api.post("/v1/auth/token", json={"api_key": key})
    assert answer.status_code == 200, answer.content
    return str(answer.json()["access_token"])


def row_of(key: str) -> ApiKey:
    return ApiKey.objects.get(digest=tokens.digest(key))


def signed(claims: dict[str, Any], **changes: Any) -> str:
    return tokens.sign({**claims, **changes}, signing_key=str(config().jwt_signing_key))


def claims_in(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_key_opens_its_own_environment(
    api: ApiClient, acorn_key: str, acorn_test_key: str, birch_key: str
) -> None:
    opened = [api.get("/v1/me", key=key).json() for key in (acorn_key, acorn_test_key, birch_key)]
    assert [(each["tenant"], each["environment"]) for each in opened] == [
        ("acorn-books", "live"),
        ("acorn-books", "test"),
        ("birch-shoes", "live"),
    ]


def test_a_token_opens_what_its_key_opens(api: ApiClient, acorn_key: str) -> None:
    answer = api.post("/v1/auth/token", json={"api_key": acorn_key}).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 15 * 60)
    assert answer["scopes"] == sorted(tokens.SCOPES)
    by_token = api.get("/v1/me", key=answer["access_token"]).json()
    assert by_token == api.get("/v1/me", key=acorn_key).json()


def test_inference_reads_the_same_claims_from_the_token(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    keys = tokens.VerifyingKeys.from_pem(config().jwt_verifying_keys)
    claims = tokens.verify_call_token(token_for(api, acorn_key), keys=keys)
    assert claims.environment_id == acorn.pk
    assert claims.tenant_id == str(acorn.tenant_id)
    assert claims.key_id == row_of(acorn_key).pk
    assert set(claims.scopes) == set(tokens.SCOPES)


def test_the_published_keys_verify_a_token(api: ApiClient, acorn_key: str) -> None:
    token = token_for(api, acorn_key)
    (published,) = api.get("/.well-known/jwks.json").json()["keys"]
    assert jwt.get_unverified_header(token) == {
        "alg": "EdDSA",
        "kid": published["kid"],
        "typ": "JWT",
    }
    claims = jwt.decode(token, jwt.PyJWK(published), algorithms=["EdDSA"], audience="shelfwise-api")
    assert {"tid", "env", "scopes", "key", "jti", "iss", "exp"} <= claims.keys()
    assert claims["exp"] - claims["iat"] == 15 * 60


def bad_tokens(good: str) -> dict[str, str]:
    """Return a forged token for each way to forge one, all made from a good one."""
    claims = claims_in(good)
    header, payload, signature = good.split(".")
    stranger = Ed25519PrivateKey.generate()
    stranger_pem = stranger.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()
    public_pem = config().jwt_verifying_keys
    kid = jwt.get_unverified_header(good)["kid"]
    none = base64.urlsafe_b64encode(orjson.dumps({"alg": "none", "kid": kid})).rstrip(b"=")
    return {
        "alg none": f"{none.decode()}.{payload}.",
        "HS256 with the public key as secret": _hs256(claims, kid, public_pem),
        "unknown kid": tokens.sign(claims, signing_key=stranger_pem),
        "known kid, another signer": jwt.encode(
            claims, stranger_pem, algorithm="EdDSA", headers={"kid": kid}
        ),
        "no kid": jwt.encode(claims, str(config().jwt_signing_key), algorithm="EdDSA"),
        "another audience": signed(claims, aud="shelfwise-user"),
        "the portal's own": signed(claims, aud="shelfwise-preview"),
        "another issuer": signed(claims, iss="elsewhere"),
        "expired": signed(claims, iat=time.time() - 1000, exp=time.time() - 60),
        "another type": signed(claims, token_type="refresh"),
        "no key claim": signed({k: v for k, v in claims.items() if k != "key"}),
        "unknown key": signed(claims, key="key_00000000000000000000000000"),
        "scopes that are no list": signed(claims, scopes=7),
        "a changed payload": f"{header}.{payload[:-2]}AA.{signature}",
        "a cut signature": good[:-5],
        "no token at all": "a.b.c",
        "words": "hello",
        "latin": "caf\xe9",
    }


def _hs256(claims: dict[str, Any], kid: str, secret: str) -> str:
    # PyJWT refuses to sign with a PEM as a shared secret, so this is made by hand.
    import hashlib
    import hmac

    def part(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    head = part(orjson.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}))
    body = head + b"." + part(orjson.dumps(claims))
    mac = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return (body + b"." + part(mac)).decode()


def test_every_bad_credential_gets_the_same_answer(
    api: ApiClient, acorn: Environment, birch: Environment, acorn_key: str
) -> None:
    good = token_for(api, acorn_key)
    claims = claims_in(good)
    expired = make_key(acorn, expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    revoked = make_key(acorn, revoked_at=datetime(2020, 1, 1, tzinfo=UTC))
    unknown = tokens.make_key(kind="secret", environment="live")
    headers: dict[str, str | None] = {
        "missing": None,
        "empty": "",
        "another scheme": f"Basic {acorn_key}",
        "no scheme": acorn_key,
        "nothing after the scheme": "Bearer ",
        "an expired key": f"Bearer {expired}",
        "a revoked key": f"Bearer {revoked}",
        "an unknown key": f"Bearer {unknown}",
        "a key with one wrong character": f"Bearer {acorn_key[:-1]}{_other(acorn_key[-1])}",
        "a cut key": f"Bearer {acorn_key[:-1]}",
        "a key of another kind": f"Bearer pk_{acorn_key[3:]}",
        "another environment's token": "Bearer " + signed(claims, env=birch.pk),
        "another store's token": "Bearer " + signed(claims, tid=str(birch.tenant_id)),
        **{name: f"Bearer {token}" for name, token in bad_tokens(good).items()},
    }
    bodies = set()
    for name, header in headers.items():
        sent = {} if header is None else {"Authorization": header}
        answer = api.get("/v1/me", headers=sent)
        assert answer.status_code == 401, name
        body = assert_problem(answer, 401, "invalid_token")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shelfwise"'
        del body["instance"]
        bodies.add(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    assert len(bodies) == 1


def _other(character: str) -> str:
    return "a" if character != "a" else "b"


def test_exchanging_a_bad_key_gets_that_answer_too(api: ApiClient) -> None:
    for key in ("", "hello", tokens.make_key(kind="secret", environment="live")):
        answer = api.post("/v1/auth/token", json={"api_key": key or " "})
        assert answer.status_code in {400, 401}
    unknown = tokens.make_key(kind="secret", environment="live")
    assert_problem(api.post("/v1/auth/token", json={"api_key": unknown}), 401, "invalid_token")
    assert_problem(api.post("/v1/auth/token", json={}), 400, "invalid_parameter")
    body = assert_problem(
        api.post("/v1/auth/token", json={"apikey": unknown}), 400, "unknown_field"
    )
    assert "did you mean 'api_key'?" in body["detail"]


def test_both_verifying_keys_are_good_and_a_third_is_not() -> None:
    old, new, stranger = (Ed25519PrivateKey.generate() for _ in range(3))

    def pem(key: Ed25519PrivateKey) -> str:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    bundle = "".join(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for key in (new, old)
    )
    from tenants.token_backend import RotatingTokenBackend

    keys = tokens.VerifyingKeys.from_pem(bundle)
    now = int(time.time())
    claims = {"iat": now, "exp": now + 60, "jti": "1"}
    for key in (old, new):
        backend = RotatingTokenBackend(signing_key=pem(key), keys=keys)
        assert backend.decode(backend.encode(claims))["jti"] == "1"
    forger = RotatingTokenBackend(signing_key=pem(stranger), keys=keys)
    with pytest.raises(Exception, match="not valid"):
        forger.decode(forger.encode(claims))


def test_revoking_a_key_ends_it_and_its_tokens_within_two_seconds(
    api: ApiClient, clock: FrozenClock, acorn: Environment, acorn_key: str
) -> None:
    victim = make_key(acorn)
    token = token_for(api, victim)
    assert api.get("/v1/me", key=victim).status_code == 200
    assert api.get("/v1/me", key=token).status_code == 200
    assert api.delete(f"/v1/keys/{row_of(victim).pk}", key=acorn_key).status_code == 204
    clock.shift(seconds=1.5)
    for credential in (victim, token):
        assert_problem(api.get("/v1/me", key=credential), 401, "invalid_token")


def test_a_suspended_store_is_told_so(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    token = token_for(api, acorn_key)
    Tenant.objects.filter(pk=acorn.tenant_id).update(status="suspended")
    forget_credentials()
    for credential in (acorn_key, token):
        assert_problem(api.get("/v1/me", key=credential), 403, "tenant_suspended")


def test_a_deleted_store_is_unknown(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    Tenant.objects.filter(pk=acorn.tenant_id).update(status="deleted")
    forget_credentials()
    assert_problem(api.get("/v1/me", key=acorn_key), 401, "invalid_token")


def test_a_missing_scope_is_named(api: ApiClient, acorn: Environment) -> None:
    reader = make_key(acorn, scopes=["catalogue:read"])
    for credential in (reader, token_for(api, reader)):
        answer = api.get("/v1/keys", key=credential)
        body = assert_problem(answer, 403, "insufficient_scope")
        assert body["scope"] == "settings:write"
        assert 'scope="settings:write"' in answer.headers["WWW-Authenticate"]


def test_a_token_loses_the_scopes_that_its_key_loses(api: ApiClient, acorn: Environment) -> None:
    key = make_key(acorn)
    token = token_for(api, key)
    ApiKey.objects.filter(digest=tokens.digest(key)).update(scopes=["catalogue:read"])
    forget_credentials()
    assert api.get("/v1/me", key=token).json()["scopes"] == ["catalogue:read"]


def test_the_last_use_is_noted_once_a_minute(
    api: ApiClient, clock: FrozenClock, acorn: Environment
) -> None:
    key = make_key(acorn)
    seen = []
    for seconds in (0, 30, 31):
        clock.shift(seconds=seconds)
        assert api.get("/v1/me", key=key).status_code == 200
        seen.append(row_of(key).last_used_at)
    assert seen == [START, START, START + timedelta(seconds=30 + 31)]


def test_a_key_in_use_costs_no_query(api: ApiClient, acorn_key: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    api.get("/v1/me", key=acorn_key)
    with CaptureQueriesContext(connection) as queries:
        api.get("/v1/me", key=acorn_key)
    statements = [each["sql"] for each in queries if "SAVEPOINT" not in each["sql"]]
    assert statements == []
