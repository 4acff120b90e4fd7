from __future__ import annotations

import pytest

from billing.metering.record import (
    RECORD_BYTES,
    BadRecordError,
    Operation,
    UsageFlag,
    UsageRecord,
    decode,
    encode,
    step_bounds,
    took_step,
)

CALL_ID = bytes(range(16))
CALL = UsageRecord(
    sequence=1,
    at_ms=1_772_366_400_000,
    environment_id=7,
    call_id=CALL_ID,
    units=20,
    operation=Operation.SIMILAR,
    flags=UsageFlag.BILLABLE | UsageFlag.FALLBACK,
    took_step=18,
)


def test_a_record_is_64_bytes_so_that_a_64_mib_file_holds_1048576() -> None:
    assert len(encode(CALL)) == RECORD_BYTES == 64
    assert 64 * 1024 * 1024 // RECORD_BYTES == 1_048_576


def test_a_record_lies_on_the_disk_as_documented() -> None:
    data = encode(CALL)
    assert data[:4] == b"SWU\x01"
    assert data[4:12] == (1).to_bytes(8, "little")
    assert data[12:20] == (1_772_366_400_000).to_bytes(8, "little")
    assert data[20:28] == (7).to_bytes(8, "little")
    assert data[28:44] == CALL_ID
    assert data[44:48] == (20).to_bytes(4, "little")
    assert data[48:50] == (2).to_bytes(2, "little")
    assert data[50:52] == bytes([1 | 2, 18])
    assert data[52:60] == bytes(8)


def test_a_record_is_read_back_as_it_was_written() -> None:
    assert decode(encode(CALL)) == CALL


def test_every_flipped_bit_is_noticed() -> None:
    data = encode(CALL)
    for bit in range(RECORD_BYTES * 8):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadRecordError):
            decode(bytes(broken))


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_record_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(BadRecordError, match=f"not {length}"):
        decode((encode(CALL) * 2)[:length])


@pytest.mark.parametrize("at_ms", [-1, 2**48])
def test_a_time_that_no_ulid_can_carry_is_refused(at_ms: int) -> None:
    with pytest.raises(ValueError, match="since 1970"):
        encode(CALL._replace(at_ms=at_ms))


def test_a_call_id_is_the_16_bytes_of_a_ulid() -> None:
    with pytest.raises(ValueError, match="has 26 bytes"):
        encode(CALL._replace(call_id=b"01JNB3VWM0ABCDEFGHJKMNPQRS"))


def test_operation_codes_never_change() -> None:
    assert {operation.name.lower(): operation.value for operation in Operation} == {
        "for_user": 1,
        "similar": 2,
        "bought_together": 3,
        "cart": 4,
        "trending": 5,
        "popular": 6,
        "recently_viewed": 7,
        "rerank": 8,
    }


@pytest.mark.parametrize("milliseconds", [0.051, 0.4, 0.9999, 1.0, 37.5, 999.0, 60_000.0])
def test_a_step_holds_the_durations_that_it_stands_for(milliseconds: float) -> None:
    low, high = step_bounds(took_step(milliseconds))
    assert low <= milliseconds < high
    # Four steps double.
    assert high / low == pytest.approx(2**0.25)


@pytest.mark.parametrize("milliseconds", [-1.0, 0.0, 1e-9])
def test_a_duration_of_nothing_has_the_first_step_since_0_stands_for_none(
    milliseconds: float,
) -> None:
    assert took_step(milliseconds) == 1
