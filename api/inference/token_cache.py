"""Keeps what verified tokens say until they end: verifying costs more than the whole call."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

# About 5 MB; beyond it the longest unused token is verified again.
MAX_TOKENS = 10_000


class Expiring(Protocol):
    """What a token says."""

    @property
    def expires_at(self) -> int:
        """Return until when, epoch seconds."""
        ...


Said = TypeVar("Said", bound=Expiring)


class TokenCache(Generic[Said]):
    """What tokens say, by their digest; never a token's text."""

    def __init__(
        self, verify: Callable[[str], Said], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._verify = verify
        self._clock = clock
        self._kept: OrderedDict[bytes, Said] = OrderedDict()

    def get(self, token: str) -> Said:
        """Return what a token says; raises what `verify` raises."""
        token_digest = hashlib.sha256(token.encode()).digest()
        said = self._kept.get(token_digest)
        if said is not None and said.expires_at > self._clock():
            self._kept.move_to_end(token_digest)
            return said
        self._kept.pop(token_digest, None)
        said = self._verify(token)
        self._kept[token_digest] = said
        if len(self._kept) > MAX_TOKENS:
            self._kept.popitem(last=False)
        return said
