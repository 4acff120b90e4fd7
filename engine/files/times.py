"""Reads times as shops' systems write them, into the form that the API takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from datetime import timezone as fixed_zone
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.rows.values import BadValue, read_time
from saas.lib.errors import InvalidParameter

_ADVICE = "write a time such as '2024-05-01T13:02:11+02:00'"
_NAIVE = f"it has no offset from UTC; {_ADVICE}, or name the timezone of the import"
_CLOCK = (
    r"(?:(?:T|\s+)(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<part>\d{1,9}))?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?"
)
# 2024-05-01, 2024/05/01; 01.05.2024 is day first wherever dots are written; 05/13/2024.
_FORMS = tuple(
    re.compile(date + _CLOCK, re.ASCII | re.IGNORECASE)
    for date in (
        r"(?P<year>\d{4})([-/.])(?P<month>\d\d?)\2(?P<day>\d\d?)",
        r"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{4})",
        r"(?P<first>\d\d?)([-/])(?P<other>\d\d?)\2(?P<year>\d{4})",
    )
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?", re.ASCII)
_EPOCH = re.compile(r"\d{9,19}(\.\d{1,9})?", re.ASCII)
# How many digits the seconds, milli-, micro- and nanoseconds since 1970 have nowadays.
_EPOCH_UNITS = ((range(9, 11), 1), (range(12, 14), 10**3), (range(15, 17), 10**6), ([19], 10**9))
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Times:
    """Reads the times of one file.

    Parameters
    ----------
    timezone
        Of times that say none, by its IANA name.
    """

    def __init__(self, timezone: str | None) -> None:
        self._zone = None if timezone is None else _zone(timezone)

    def read(self, value: Any) -> Any:
        """Return a time as the API takes it; a text that it takes already stays as it is.

        >>> Times(None).read("2024-05-01 13:02:11 +0200")
        '2024-05-01T13:02:11+02:00'
        >>> Times("Europe/Berlin").read("01.05.2024 13:02"), Times(None).read("1714561331")
        ('2024-05-01T13:02:00+02:00', '2024-05-01T11:02:11+00:00')
        """
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadValue("invalid_datetime", _ADVICE)
        if isinstance(value, str):
            try:
                read_time(value)
            except BadValue:
                return self.moment(value).isoformat()
            return value
        return self.moment(str(value)).isoformat()

    def moment(self, text: str) -> datetime:
        """Return the moment that a text of any known form names."""
        try:
            moment = _epoch(text) or _dated(text) or _mailed(text)
        except (ValueError, OverflowError):
            raise BadValue("invalid_datetime", f"there is no such time; {_ADVICE}") from None
        if moment is None:
            raise BadValue("invalid_datetime", _ADVICE)
        if moment.tzinfo is None:
            if self._zone is None:
                raise BadValue("invalid_datetime", _NAIVE)
            moment = moment.replace(tzinfo=self._zone)
        return moment


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise InvalidParameter(
            f"timezone '{name[:80]}' is not known; send an IANA name such as 'Europe/Berlin'.",
            pointer="/timezone",
        ) from None


def _epoch(text: str) -> datetime | None:
    if not _EPOCH.fullmatch(text):
        return None
    whole, _, part = text.partition(".")
    for digits, unit in _EPOCH_UNITS:
        if len(whole) in digits:
            microseconds = int(whole) * 10**6 // unit + (int(f"{part:0<6.6}") if unit == 1 else 0)
            return _BEGINNING + timedelta(microseconds=microseconds)
    return None


def _dated(text: str) -> datetime | None:
    for form in _FORMS:
        if match := form.fullmatch(text):
            found = match.groupdict()
            if "first" in found:
                found["day"], found["month"] = _day_and_month(found["first"], found["other"])
            return datetime(  # a text without an offset gets its zone from the caller
                int(found["year"]),
                int(found["month"]),
                int(found["day"]),
                int(found["hour"] or 0),
                int(found["minute"] or 0),
                int(found["second"] or 0),
                int(f"{found['part'] or '':0<6.6}"),
                tzinfo=_offset(found["zone"]),
            )
    if match := _COMPACT.fullmatch(text):
        return datetime(*(int(part) for part in match.groups("0")))  # type: ignore[arg-type]  # noqa: DTZ001
    return None


def _day_and_month(first: str, other: str) -> tuple[str, str]:
    if int(first) > 12 or int(first) == int(other):
        return first, other
    if int(other) > 12:
        return other, first
    raise BadValue("ambiguous_datetime", f"day and month cannot be told apart; {_ADVICE}")


def _offset(text: str | None) -> fixed_zone | None:
    if text is None:
        return None
    digits = text[1:].replace(":", "")
    if not digits.isdigit():
        return UTC
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return fixed_zone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _mailed(text: str) -> datetime | None:
    """Return the time of an RSS feed's own form (RFC 2822)."""
    if not text[:1].isalpha() or len(text) > 60:
        return None
    try:
        return parsedate_to_datetime(text)
    except (TypeError, IndexError):
        return None
