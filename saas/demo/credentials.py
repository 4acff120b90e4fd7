"""The demo's own secrets: made once, kept in the data folder, readable by its owner alone."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

_FILE = "credentials.json"


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that only this account can read, whole or not at all."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=2) + "\n")
    unfinished.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return a file's JSON, or nothing where there is no such file yet."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def demo_credentials(home: Path) -> dict[str, str]:
    """Return the secrets of this data folder, made at its first start."""
    kept = read_json(home / _FILE)
    if not kept:
        kept = _make_credentials()
        keep_credentials(home, kept)
    return kept


def keep_credentials(home: Path, credentials: dict[str, str]) -> None:
    """Write the secrets down, with those that were made since."""
    write_private(home / _FILE, credentials)


def _make_credentials() -> dict[str, str]:
    private = Ed25519PrivateKey.generate()
    return {
        "secret_key": secrets.token_urlsafe(48),
        "jwt_signing_key": private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
        "jwt_verifying_keys": private.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        "staff_password": secrets.token_urlsafe(12),
        "member_password": secrets.token_urlsafe(12),
    }
