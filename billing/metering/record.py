"""The usage record: the 64 bytes a serving process keeps of one answered recommendation call."""

from __future__ import annotations

import enum
import math
import struct
from typing import NamedTuple
from zlib import crc32

# magic, format version, sequence, at_ms, environment id, call id, units, operation, flags, step,
# tags; a record of before the step or the tags has zeros in their place.
_BODY = struct.Struct("<3sBQqq16sihbbii")
_CHECKSUM = struct.Struct("<I")
_MAGIC = b"SWU"
_FORMAT_VERSION = 1
# A ULID carries 48 bits of milliseconds; a later time could not be its call's.
_MAX_AT_MS = 2**48 - 1

RECORD_BYTES = _BODY.size + _CHECKSUM.size

# A step is a fifth longer than the one below: what a percentile needs, in a few rows a day.
_MOST_STEPS = 127
_STEPS_PER_DOUBLING = 4
_FIRST_STEP_MS = 0.05


class Operation(enum.IntEnum):
    """What was recommended; the codes are stored for good, so never renumber them."""

    FOR_USER = 1
    SIMILAR = 2
    BOUGHT_TOGETHER = 3
    CART = 4
    TRENDING = 5
    POPULAR = 6
    RECENTLY_VIEWED = 7
    RERANK = 8


class UsageFlag(enum.IntFlag):
    """What else is known of a call; a call without BILLABLE is counted and never charged."""

    BILLABLE = 1
    FALLBACK = 2


class UsageRecord(NamedTuple):
    """One answered call; `call_id` is the recommendation id, a ULID's 16 bytes.

    `took_step` stands for how long the answer took; 0: not known.
    `key_tag` and `placement_tag` are the tags of the API key's id and of the placement; 0: none.
    """

    sequence: int
    at_ms: int
    environment_id: int
    call_id: bytes
    units: int
    operation: int
    flags: int
    took_step: int = 0
    key_tag: int = 0
    placement_tag: int = 0


def took_step(milliseconds: float) -> int:
    """Return the step that stands for a duration in a record, never 0.

    >>> took_step(0.01), took_step(0.051), took_step(1.0), took_step(1e12)
    (1, 1, 18, 127)
    """
    doublings = math.log2(max(milliseconds, _FIRST_STEP_MS) / _FIRST_STEP_MS)
    return min(int(doublings * _STEPS_PER_DOUBLING) + 1, _MOST_STEPS)


def step_bounds(step: int) -> tuple[float, float]:
    """Return the milliseconds from which to below which a step stands for.

    >>> [round(bound, 3) for bound in step_bounds(18)]
    [0.951, 1.131]
    """
    low = _FIRST_STEP_MS * 2 ** ((step - 1) / _STEPS_PER_DOUBLING)
    return low, low * 2 ** (1 / _STEPS_PER_DOUBLING)


def tag_of(name: str) -> int:
    """Return the number that stands for a name in a record, never 0."""
    return crc32(name.encode()) & 0x7FFF_FFFF or 1


class BadRecordError(ValueError):
    """These 64 bytes are not a whole record of this format."""


def encode(record: UsageRecord) -> bytes:
    """Give the record's 64 bytes.

    Raises
    ------
    ValueError
        When the call id is not 16 bytes or the time is outside what a ULID can carry.
    struct.error
        When a number does not fit its field.
    """
    if len(record.call_id) != 16:
        raise ValueError(f"A call id has {len(record.call_id)} bytes; pass the ULID's 16 bytes.")
    if not 0 <= record.at_ms <= _MAX_AT_MS:
        raise ValueError(f"A call's time is {record.at_ms} ms; pass milliseconds since 1970.")
    body = _BODY.pack(_MAGIC, _FORMAT_VERSION, *record)
    return body + _CHECKSUM.pack(crc32(body))


def decode(data: bytes | memoryview) -> UsageRecord:
    """Read one record back.

    Raises
    ------
    BadRecordError
        When length, magic, version, time or checksum is wrong.
    """
    if len(data) != RECORD_BYTES:
        raise BadRecordError(f"A usage record has {RECORD_BYTES} bytes, not {len(data)}.")
    magic, version, *fields = _BODY.unpack_from(data)
    if magic != _MAGIC or version != _FORMAT_VERSION:
        raise BadRecordError(f"A usage record begins with {magic!r} {version}.")
    (checksum,) = _CHECKSUM.unpack_from(data, _BODY.size)
    if checksum != crc32(data[: _BODY.size]):
        raise BadRecordError("A usage record's checksum does not match its bytes.")
    record = UsageRecord._make(fields)
    if not 0 <= record.at_ms <= _MAX_AT_MS:
        raise BadRecordError(f"A usage record's time is {record.at_ms} ms.")
    return record
