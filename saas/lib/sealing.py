"""Keeps secrets in the database unreadable for who sees the database alone, or a copy of it."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet

from saas.lib.config import config


def seal(text: str, *, purpose: str) -> str:
    """Return the text encrypted; only the same purpose opens it.

    >>> opened = unseal(seal("a secret", purpose="examples"), purpose="examples")
    >>> opened
    'a secret'
    """
    return _cipher(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Return what was sealed for this purpose.

    Raises
    ------
    cryptography.fernet.InvalidToken
        It was sealed for another purpose, under another key, or changed.
    """
    return _cipher(purpose).decrypt(sealed.encode()).decode()


def _cipher(purpose: str) -> Fernet:
    # A key of its own for each purpose, derived from the one that the deployment keeps.
    digest = hashlib.sha256(f"{purpose} of {config().secret_key}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
