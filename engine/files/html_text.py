"""Takes the text out of the HTML that shop systems keep descriptions in."""

from __future__ import annotations

import html
import re

_HIDDEN = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z/!][^>]*>")
_GAPS = re.compile(r"\s+")


def text_of(markup: str) -> str:
    """Return what a reader sees of a piece of HTML.

    >>> text_of("<p>Cast&nbsp;iron,<br>24 cm</p>")
    'Cast iron, 24 cm'
    """
    if "<" in markup:
        markup = _TAG.sub(" ", _HIDDEN.sub(" ", markup))
    return _GAPS.sub(" ", html.unescape(markup)).strip()
