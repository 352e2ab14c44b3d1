"""Dates of a seed: read as wide as they are stated, in the story's time zone, and written back the same."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from storage.records import Span

_TICK = timedelta(microseconds=1)
_MONTH = re.compile(r"(\d{4})-(\d{2})\Z")
_YEAR = re.compile(r"(\d{4})\Z")


def read_span(value: object, zone: ZoneInfo) -> Span:
    """Return the time that a TOML value states, in UTC: a date is a day, "2022-01" a month, "2022" a year.

    A date-time is an instant (in `zone` if it names no offset), a pair is [earliest, latest]. The end of
    a span is its last microsecond, so that two days that follow each other do not overlap.
    Raises ValueError, with what to write, for anything else.
    """
    if isinstance(value, list | tuple) and len(value) == 2:
        first, last = read_span(value[0], zone), read_span(value[1], zone)
        if last.not_after < first.not_before:
            raise ValueError("the second time lies before the first; write [earliest, latest]")
        return Span(not_before=first.not_before, not_after=last.not_after)
    if isinstance(value, datetime):
        instant = (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
        return Span(not_before=instant, not_after=instant)
    if isinstance(value, date):
        return _days(value, value + timedelta(days=1), zone)
    if isinstance(value, str):
        return _read_text(value.strip(), zone)
    raise ValueError('is no date; write 2022-01-15, "2022-01" for a month or 2022-01-15T18:00:00+06:00')


def _read_text(value: str, zone: ZoneInfo) -> Span:
    if month := _MONTH.match(value):
        first = date(int(month[1]), int(month[2]), 1)
        return _days(first, _next_month(first), zone)
    if year := _YEAR.match(value):
        return _days(date(int(year[1]), 1, 1), date(int(year[1]) + 1, 1, 1), zone)
    parsed = datetime.fromisoformat(value)
    return read_span(parsed.date() if len(value) == len("2022-01-15") else parsed, zone)


def write_span(span: Span, zone: ZoneInfo) -> object:
    """Return the shortest TOML value that `read_span` reads back as this span."""
    local = span.not_before.astimezone(zone)
    if span.not_before == span.not_after:
        return span.not_before.astimezone(UTC)
    day = local.date()
    if span == _days(day, day + timedelta(days=1), zone):
        return day
    if day.day == 1 and span == _days(day, _next_month(day), zone):
        return f"{day.year:04}-{day.month:02}"
    if (day.month, day.day) == (1, 1) and day.year < 9999 and span == _days(day, day.replace(year=day.year + 1), zone):
        return f"{day.year:04}"
    return [span.not_before.astimezone(UTC), span.not_after.astimezone(UTC)]


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def _days(first: date, after: date, zone: ZoneInfo) -> Span:
    """Return the span from the first instant of one local day to just before another."""
    start = datetime.combine(first, time(), tzinfo=zone).astimezone(UTC)
    end = datetime.combine(after, time(), tzinfo=zone).astimezone(UTC)
    return Span(not_before=start, not_after=end - _TICK)
