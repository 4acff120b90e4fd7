"""Prints the code that the demo's staff person logs in with: `python -m saas.demo.totp`."""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
import sys
import time

from saas.demo.credentials import read_json
from saas.embedded.home import data_folder

PERIOD_SECONDS = 30


def new_secret() -> str:
    """Make a secret as authenticator apps take it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_of(secret: str, *, at: float) -> str:
    """Return the six digits that an authenticator app shows at this time (RFC 6238).

    >>> code_of(base64.b32encode(b"12345678901234567890").decode(), at=59)
    '287082'
    """
    counter = struct.pack(">Q", int(at) // PERIOD_SECONDS)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    start = digest[-1] & 0x0F
    (value,) = struct.unpack(">I", digest[start : start + 4])
    return f"{(value & 0x7FFF_FFFF) % 1_000_000:06d}"


def main() -> int:
    """Print the code, and how long it is good for."""
    staff = read_json(data_folder() / "demo.json").get("staff")
    if staff is None:
        sys.stderr.write(f"No demo has run in {data_folder()} yet; see make demo.\n")
        return 1
    now = time.time()
    sys.stdout.write(code_of(staff["totp_secret"], at=now) + "\n")
    left = PERIOD_SECONDS - int(now) % PERIOD_SECONDS
    sys.stderr.write(f"good for {left} s, for one log-in\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
