"""When a figure held, if the text says so: "as of 10 January", "on Monday", resolved against the publication."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.claims.lexicon import Lexicon
from monitor.claims.tokens import Tokens
from storage.records import Span


def find_as_of(tokens: Tokens, lexicon: Lexicon, published: Span | None, zone: ZoneInfo) -> Span | None:
    """The day that an "as of" phrase names, as a span of that whole day in the story's time zone; None without one."""
    if published is None:
        return None
    for _, end, _ in lexicon.as_of.find_in(tokens):
        day = day_at(tokens, end, lexicon, published, zone)
        if day is not None:
            return day
    return None


def day_at(
    tokens: Tokens, index: int, lexicon: Lexicon, published: Span, zone: ZoneInfo, *, reach: int = 3
) -> Span | None:
    """The day named at token `index` or within `reach` tokens from it."""
    if lexicon.day_words.isdisjoint(tokens.lower[index : index + reach]):
        return None
    anchor = published.not_after.astimezone(zone)
    for probe in range(index, min(index + reach, len(tokens.lower))):
        word = tokens.lower[probe]
        relative = lexicon.relative_days.at(tokens.lower, probe) if tokens.marks & lexicon.relative_days.bit else None
        if relative is not None:
            return _day(anchor + timedelta(days=relative[1]), zone)
        if word in lexicon.weekdays and tokens.kinds[probe] == "w":
            back = (anchor.weekday() - lexicon.weekdays[word]) % 7
            return _day(anchor - timedelta(days=back), zone)
        if word in lexicon.months and tokens.is_month_like(probe, lexicon.plain_months):
            return _calendar_day(tokens, probe, lexicon.months[word], anchor, zone, lexicon)
    return None


def month_at(
    tokens: Tokens, index: int, lexicon: Lexicon, published: Span, zone: ZoneInfo, *, reach: int
) -> Span | None:
    """The latest month of a name without a day within `reach` tokens from `index`: "In August the office spoke of"."""
    anchor = published.not_after.astimezone(zone)
    for probe in range(index, min(index + reach, len(tokens.lower))):
        if tokens.lower[probe] in lexicon.months and tokens.is_month_like(probe, lexicon.plain_months):
            month = lexicon.months[tokens.lower[probe]]
            start = datetime(anchor.year - (month > anchor.month), month, 1, tzinfo=zone)
            end = datetime(start.year + month // 12, month % 12 + 1, 1, tzinfo=zone)
            return Span(not_before=start.astimezone(UTC), not_after=(end - timedelta(microseconds=1)).astimezone(UTC))
    return None


def _calendar_day(
    tokens: Tokens, probe: int, month: int, anchor: datetime, zone: ZoneInfo, lexicon: Lexicon
) -> Span | None:
    neighbours = [probe - 1, probe + 1]
    if probe + 1 < len(tokens.lower) and tokens.lower[probe + 1] == ".":
        neighbours.append(probe + 2)
    if probe and tokens.lower[probe - 1] in lexicon.date_joiners:
        neighbours.append(probe - 2)
    for neighbour in neighbours:
        if (
            0 <= neighbour < len(tokens.lower)
            and tokens.lower[neighbour].isascii()
            and tokens.lower[neighbour].isdigit()
        ):
            number = int(tokens.lower[neighbour])
            for year in (anchor.year, anchor.year - 1):
                try:
                    day = datetime(year, month, number, tzinfo=zone)
                except ValueError:
                    return None
                if day <= anchor + timedelta(days=1):
                    return _day(day, zone)
    return None


def _day(moment: datetime, zone: ZoneInfo) -> Span:
    start = datetime(moment.year, moment.month, moment.day, tzinfo=zone)
    return Span(
        not_before=start.astimezone(UTC), not_after=(start + timedelta(days=1, microseconds=-1)).astimezone(UTC)
    )
