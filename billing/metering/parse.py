"""Reads a usage log's bytes back into records: the shipper's pure half."""

from __future__ import annotations

from typing import NamedTuple

from billing.metering.record import RECORD_BYTES, BadRecordError, UsageRecord, decode


class Parsed(NamedTuple):
    """What a stretch of a usage log holds, and what is known to be missing from it."""

    records: list[UsageRecord]
    # Up to here the bytes are done with; the rest may still become a record.
    end: int
    bad_records: int
    sequence_holes: int
    last_sequence: int


def parse(data: bytes, *, last_sequence: int, skip_bad_tail: bool) -> Parsed:
    """Read the records of `data`, which begins at a record boundary.

    Bad records are skipped record by record where a good one follows: they will not heal. At the
    tail they are left, since they may be half of a write, unless `skip_bad_tail` says that nothing
    more will be written there. Less than a record is always left.

    Parameters
    ----------
    data
        Bytes of one usage log.
    last_sequence
        The highest sequence number seen before these bytes, 0 at the file's beginning.
    skip_bad_tail
        Whether the file is finished, or goes on behind these bytes.
    """
    records: list[UsageRecord] = []
    end = bad_records = holes = 0
    view = memoryview(data)
    whole = len(data) - len(data) % RECORD_BYTES
    for start in range(0, whole, RECORD_BYTES):
        try:
            record = decode(view[start : start + RECORD_BYTES])
        except BadRecordError:
            continue
        bad_records += (start - end) // RECORD_BYTES
        holes += max(0, record.sequence - last_sequence - 1)
        last_sequence = max(last_sequence, record.sequence)
        records.append(record)
        end = start + RECORD_BYTES
    if skip_bad_tail:
        bad_records += (whole - end) // RECORD_BYTES
        end = whole
    return Parsed(records, end, bad_records, holes, last_sequence)
