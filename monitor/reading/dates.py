"""Dates as feeds and pages write them, read into spans of time that are as wide as the text is vague."""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from functools import cache
from importlib.resources import files

from storage.records import Span

_ISO = re.compile(
    r"^\s*(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?"
    r"(?:[T\s]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?)?\s*$"
)
_SHIFTED = re.compile(r"(?:GMT|UTC)([+-])(\d{1,2})(?::?(\d{2}))?")
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # no news site is older
_SLACK = timedelta(days=2)  # clocks of sites run ahead


def read_span(text: str) -> Span | None:
    """The time that a machine-readable date (ISO 8601, RFC 822) names, as wide as it was stated.

    A month is a month and a day a day; a date without a zone is taken in UTC; one with a clock time is an instant.
    None for anything that cannot be read without guessing.
    """
    match = _ISO.match(text[:64])
    if match is not None:
        return _from_iso(match)
    moment = read_rfc822(text)
    return Span(not_before=moment, not_after=moment) if moment is not None else None


def read_rfc822(text: str) -> datetime | None:
    """An RFC 822 date ("Mon, 10 Jan 2022 10:00:00 +0600") in UTC, or None."""
    text, east = _without_zone(text[:64].strip())
    try:
        parts = parsedate_tz(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if parts is None:
        return None
    try:
        local = datetime(*parts[:6], tzinfo=UTC)
        return local - (timedelta(seconds=parts[9] or 0) if east is None else timedelta(minutes=east))
    except (ValueError, OverflowError):
        return None


def is_zone_named(text: str) -> bool:
    """Whether a date ends with the name of a zone that the mail standard does not know, or with GMT+3."""
    return _without_zone(text[:64].strip())[1] is not None


@cache
def _zones() -> dict[str, int]:
    data = tomllib.loads((files("monitor.reading") / "zones.toml").read_text(encoding="utf-8"))
    return {str(name): int(east) for name, east in data["zones"].items()}


def _without_zone(text: str) -> tuple[str, int | None]:
    """A date without the zone at its end, and how many minutes east of Greenwich that is; None where it has no name."""
    head, _, name = text.rpartition(" ")
    if name in _zones():
        return head, _zones()[name]
    match = _SHIFTED.fullmatch(name)
    if match is None:
        return text, None
    sign, hours, minutes = match.groups()
    east = int(hours) * 60 + int(minutes or 0)
    return head, -east if sign == "-" else east


def _from_iso(match: re.Match[str]) -> Span | None:
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        start = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
        start -= _offset(zone)
        if hour is not None:
            return Span(not_before=start, not_after=start)
        return Span(not_before=start, not_after=_end_of(start, month, day) - timedelta(seconds=1))
    except (ValueError, OverflowError):
        return None


def _end_of(start: datetime, month: str | None, day: str | None) -> datetime:
    if day is not None:
        return start + timedelta(days=1)
    if month is None:
        return start.replace(year=start.year + 1)
    return (start.replace(day=28) + timedelta(days=4)).replace(day=1)


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone[0] not in "+-":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]))
    return -size if zone[0] == "-" else size


def is_sane(span: Span, now: datetime | None = None) -> bool:
    """Whether a publication time can be true: not before there were news sites, not after `now` if it is known."""
    return is_sane_moment(span.not_before, now)


def is_sane_moment(moment: datetime, now: datetime | None = None) -> bool:
    """Whether something can have been published at a moment; see `is_sane`."""
    return moment >= _EARLIEST and (now is None or moment <= now + _SLACK)
