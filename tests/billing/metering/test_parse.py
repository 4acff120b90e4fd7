from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from billing.metering.parse import parse
from billing.metering.record import RECORD_BYTES, UsageRecord, encode


def call(sequence: int) -> UsageRecord:
    return UsageRecord(
        sequence=sequence,
        at_ms=1_772_366_400_000 + sequence,
        environment_id=7,
        call_id=sequence.to_bytes(16, "big"),
        units=1,
        operation=1,
        flags=1,
    )


def log_of(*sequences: int) -> bytes:
    return b"".join(encode(call(sequence)) for sequence in sequences)


GARBAGE = b"\xff" * RECORD_BYTES


def test_a_whole_log_is_read_to_its_end() -> None:
    parsed = parse(log_of(1, 2, 3), last_sequence=0, skip_bad_tail=False)
    assert parsed.records == [call(1), call(2), call(3)]
    assert parsed.end == 3 * 64
    assert (parsed.bad_records, parsed.sequence_holes, parsed.last_sequence) == (0, 0, 3)


def test_a_bad_record_before_good_ones_is_skipped_and_leaves_a_hole() -> None:
    parsed = parse(log_of(1) + GARBAGE + log_of(3), last_sequence=0, skip_bad_tail=False)
    assert parsed.records == [call(1), call(3)]
    assert parsed.end == 3 * 64
    assert (parsed.bad_records, parsed.sequence_holes) == (1, 1)


def test_a_bad_tail_waits_while_its_writer_lives() -> None:
    parsed = parse(log_of(1) + GARBAGE * 2, last_sequence=0, skip_bad_tail=False)
    assert (parsed.end, parsed.bad_records) == (1 * 64, 0)


def test_a_bad_tail_is_counted_when_its_writer_is_gone() -> None:
    parsed = parse(log_of(1) + GARBAGE * 2 + b"torn", last_sequence=0, skip_bad_tail=True)
    assert (parsed.end, parsed.bad_records) == (3 * 64, 2)


def test_missing_records_are_counted_across_batches() -> None:
    parsed = parse(log_of(7, 10), last_sequence=4, skip_bad_tail=False)
    assert parsed.sequence_holes == (7 - 4 - 1) + (10 - 7 - 1)
    assert parsed.last_sequence == 10


def test_a_repeated_record_is_no_hole() -> None:
    parsed = parse(log_of(1, 2, 1, 2, 3), last_sequence=0, skip_bad_tail=False)
    assert (parsed.sequence_holes, parsed.last_sequence) == (0, 3)


@given(count=st.integers(0, 20), cut=st.integers(0, 20 * RECORD_BYTES))
def test_a_log_cut_anywhere_gives_the_records_before_the_cut(count: int, cut: int) -> None:
    data = log_of(*range(1, count + 1))[:cut]
    parsed = parse(data, last_sequence=0, skip_bad_tail=False)
    assert [record.sequence for record in parsed.records] == list(
        range(1, min(count, cut // 64) + 1)
    )
    assert parsed.end == 64 * len(parsed.records)


@given(
    slots=st.lists(st.booleans(), max_size=30),
    cuts=st.lists(st.integers(0, 30 * RECORD_BYTES), max_size=8),
)
def test_a_growing_log_read_in_pieces_gives_what_one_reading_gives(
    slots: list[bool], cuts: list[int]
) -> None:
    data = b"".join(
        log_of(number) if is_good else GARBAGE for number, is_good in enumerate(slots, start=1)
    )
    whole = parse(data, last_sequence=0, skip_bad_tail=True)
    records, offset, bad_records, holes, last = [], 0, 0, 0, 0
    for size in [*sorted(cuts), len(data)]:
        is_last = size == len(data)
        piece = parse(data[offset:size], last_sequence=last, skip_bad_tail=is_last)
        records += piece.records
        offset += piece.end
        bad_records += piece.bad_records
        holes += piece.sequence_holes
        last = piece.last_sequence
    assert (records, offset, bad_records, holes) == (
        whole.records,
        whole.end,
        whole.bad_records,
        whole.sequence_holes,
    )
    assert whole.bad_records == slots.count(False)


@given(st.binary(max_size=10 * RECORD_BYTES))
def test_garbage_never_becomes_a_record(data: bytes) -> None:
    parsed = parse(data, last_sequence=0, skip_bad_tail=True)
    assert parsed.records == []
    assert parsed.end == parsed.bad_records * 64 == len(data) // 64 * 64


@given(
    where=st.integers(0, 4 * RECORD_BYTES - 1),
    damage=st.integers(1, 255),
)
def test_one_damaged_byte_costs_one_record(where: int, damage: int) -> None:
    data = bytearray(log_of(1, 2, 3, 4))
    data[where] ^= damage
    parsed = parse(bytes(data), last_sequence=0, skip_bad_tail=True)
    assert parsed.records == [call(n) for n in (1, 2, 3, 4) if n != where // 64 + 1]
    assert parsed.bad_records == 1
