"""Takes out of texts what no log and no error report may carry: secrets, and customers' values."""

from __future__ import annotations

import re
from typing import Any

FILTERED = "[filtered]"

_SECRETS = re.compile(
    r"[sp]k_(?:live|test)_[0-9A-Za-z]+"  # API keys
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]+"  # JWTs
    r"|(?<=://)[^\s/@]+@"  # user and password of a URL
)
# What PostgreSQL says beneath its message: "Key (email)=(ada@example.com) already exists." A value
# may have lines of its own, so this goes on to the end, or to where Python goes on.
_DATABASE_DETAIL = re.compile(
    r"^[ |]*(?:DETAIL|CONTEXT|QUERY|LINE \d+):.*?"
    r"(?=^[ |]*(?:The above exception|During handling of|Traceback \(most)|\Z)",
    re.MULTILINE | re.DOTALL,
)
# The messages that quote a value themselves; the others quote names of ours.
_QUOTED_VALUE = re.compile(
    r'((?:(?:invalid|malformed)\b[^"\n]{0,80}|out of range): |\b(?:value|time zone) )"[^"]*"'
    r'|()"[^"]*"(?= is out of range)'
)


def scrub_text(text: str) -> str:
    r"""Return the text without keys, tokens, passwords and values of database errors.

    >>> scrub_text("redis://:hunter2@cache/0 refused sk_test_abc")
    'redis://[filtered]cache/0 refused [filtered]'
    >>> scrub_text('duplicate key value violates "email_once"\nDETAIL:  Key (email)=(ada@x.org).')
    'duplicate key value violates "email_once"\n[filtered]\n'
    >>> scrub_text('invalid input syntax for type uuid: "ada"')
    'invalid input syntax for type uuid: "[filtered]"'
    """
    text = _SECRETS.sub(FILTERED, text)
    text = _DATABASE_DETAIL.sub(f"{FILTERED}\n", text)
    return _QUOTED_VALUE.sub(rf'\g<1>"{FILTERED}"', text)


def scrub(value: Any) -> Any:  # any JSON value
    """Return a JSON value with all of its texts scrubbed."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, dict):
        return {key: scrub(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(each) for each in value]
    return value
