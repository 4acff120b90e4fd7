"""Makes the settings of a production with keys of its own: what `make check` checks against."""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


def throwaway_settings() -> dict[str, str]:
    """Return the environment of a production that nobody will ever reach."""
    key = Ed25519PrivateKey.generate()
    signing = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    verifying = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "SHELFWISE_MODE": "production",
        "SHELFWISE_SECRET_KEY": secrets.token_urlsafe(60),
        "SHELFWISE_JWT_SIGNING_KEY": signing.decode(),
        "SHELFWISE_JWT_VERIFYING_KEYS": verifying.decode(),
        "SHELFWISE_ALLOWED_HOSTS": "shelfwise.example",
        "SHELFWISE_ARTIFACTS": "/nonexistent/artifacts",
        "SHELFWISE_USAGE_LOG": "/nonexistent/usage",
        "DATABASE_URL": "postgresql://shelfwise_app@/shelfwise?host=/nonexistent",
        "DATABASE_OWNER_URL": "postgresql://shelfwise_owner@/shelfwise?host=/nonexistent",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
