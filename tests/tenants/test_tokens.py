"""The form of keys and tokens, by themselves: no Django, no database."""

from __future__ import annotations

import subprocess
import sys
import time
import zlib

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from tenants import tokens

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC_PEM = (
    PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)
KEYS = tokens.VerifyingKeys.from_pem(PUBLIC_PEM)
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize("kind", ["secret", "publishable"])
@pytest.mark.parametrize("environment", ["live", "test"])
def test_a_key_says_its_kind_and_environment(
    kind: tokens.KeyKind, environment: tokens.EnvironmentKind
) -> None:
    key = tokens.make_key(kind=kind, environment=environment)
    assert key.startswith(f"{kind[0]}k_{environment}_")
    assert len(key) == len("sk_live_") + 30 + 6
    assert tokens.is_well_formed(key)


def test_the_checksum_is_the_crc32_in_base62() -> None:
    body = "sk_live_" + "0" * 30
    value = zlib.crc32(body.encode())
    digits = ""
    for power in range(5, -1, -1):
        digits += BASE62[value // 62**power % 62]
    assert tokens.is_well_formed(body + digits)


@given(st.integers(0, 43), st.sampled_from(BASE62 + "_-é "))
def test_one_wrong_character_is_noticed(position: int, character: str) -> None:
    key = tokens.make_key(kind="secret", environment="live")
    changed = key[:position] + character + key[position + 1 :]
    assert tokens.is_well_formed(changed) == (changed == key)


def test_keys_do_not_repeat() -> None:
    keys = {tokens.make_key(kind="secret", environment="live") for _ in range(1000)}
    assert len(keys) == 1000


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": tokens.ISSUER,
        "aud": tokens.AUDIENCE,
        "iat": now,
        "exp": now + 60,
        "jti": "1",
        "tid": "tenant",
        "env": 7,
        "key": "key_1",
        "scopes": ["models:read"],
        **changes,
    }


def test_a_token_says_what_was_signed() -> None:
    read = tokens.verify_call_token(tokens.sign(claims(), signing_key=PEM), keys=KEYS)
    assert (read.tenant_id, read.environment_id, read.key_id, read.scopes) == (
        "tenant",
        7,
        "key_1",
        ("models:read",),
    )


@pytest.mark.parametrize("name", ["iss", "aud", "iat", "exp", "jti", "tid", "env", "key", "scopes"])
def test_no_claim_may_be_missing(name: str) -> None:
    without = {key: value for key, value in claims().items() if key != name}
    with pytest.raises(jwt.InvalidTokenError):
        tokens.verify_call_token(tokens.sign(without, signing_key=PEM), keys=KEYS)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"aud": "another"},
        {"iss": "another"},
        {"env": "seven"},
        {"scopes": None},
    ],
)
def test_no_claim_may_be_wrong(changes: dict[str, object]) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        tokens.verify_call_token(tokens.sign(claims(**changes), signing_key=PEM), keys=KEYS)


def test_the_published_set_holds_both_keys_and_no_private_part() -> None:
    other = Ed25519PrivateKey.generate().public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    published = tokens.VerifyingKeys.from_pem(PUBLIC_PEM + pem).as_jwks()["keys"]
    assert [key["kid"] for key in published] == [
        tokens.key_id(PRIVATE.public_key()),
        tokens.key_id(other),
    ]
    for key in published:
        assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_the_module_loads_no_framework() -> None:
    code = "import sys, tenants.tokens; print({'django', 'celery'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def a_user_token(**changes: object) -> str:
    now = int(time.time())
    whole = {"env": 7, "key": "key_1", "sub": "ada", "aud": tokens.USER_AUDIENCE, **changes}
    return tokens.sign(
        {"iss": tokens.ISSUER, "iat": now, "exp": now + 60, "jti": "1", **whole}, signing_key=PEM
    )


def test_a_user_token_speaks_for_one_user_of_one_environment() -> None:
    said = tokens.verify_user_token(a_user_token(), keys=KEYS)
    assert said.is_for(environment_id=7, user_id="ada")
    assert not said.is_for(environment_id=7, user_id="ben")
    assert not said.is_for(environment_id=8, user_id="ada")


def test_user_tokens_and_access_tokens_are_not_taken_for_each_other() -> None:
    with pytest.raises(jwt.InvalidAudienceError):
        tokens.verify_user_token(tokens.sign(claims(), signing_key=PEM), keys=KEYS)
    with pytest.raises(jwt.InvalidAudienceError):
        tokens.verify_call_token(a_user_token(), keys=KEYS)


@pytest.mark.parametrize(
    ("audience", "is_preview"), [(tokens.AUDIENCE, False), (tokens.PREVIEW_AUDIENCE, True)]
)
def test_the_audience_says_whether_it_is_a_preview(audience: str, is_preview: bool) -> None:  # noqa: FBT001
    token = tokens.sign(claims(aud=audience), signing_key=PEM)

    assert tokens.verify_call_token(token, keys=KEYS).is_preview is is_preview


@pytest.mark.parametrize("change", [{"env": None}, {"env": "x"}, {"exp": 1}])
def test_a_user_token_that_lacks_something_says_nothing(change: dict[str, object]) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        tokens.verify_user_token(a_user_token(**change), keys=KEYS)
