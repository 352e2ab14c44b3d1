"""Dates that cannot be true are none; what was written stays."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.reading.feeds import parse_feed
from monitor.reading.plausible import plausible_feed, plausible_page
from storage.records import ArticlePart, Entry, ParsedFeed, ReadArticle, Span

NOW = datetime(2022, 1, 9, 8, 17, 5, tzinfo=UTC)


def dated(*moments: datetime | None) -> ParsedFeed:
    return ParsedFeed(
        entries=tuple(
            Entry(
                entry_id=str(n),
                link=f"https://n.example/{n}",
                title=f"News {n}",
                published_at=at,
                published_raw=str(at),
            )
            for n, at in enumerate(moments)
        )
    )


def shown(feed: ParsedFeed) -> list[datetime | None]:
    return [entry.published_at for entry in plausible_feed(feed, NOW).entries]


@pytest.mark.parametrize("year", ["0001", "1970", "1899", "2023", "9999"])
def test_a_date_far_off_is_none_and_its_words_stay(year: str) -> None:
    item = f"<item><title>Fire</title><guid>1</guid><pubDate>{year}-01-01T00:00:00Z</pubDate></item>"
    (entry,) = plausible_feed(
        parse_feed(f"<rss version='2.0'><channel>{item}</channel></rss>".encode(), url="https://n.example/f"), NOW
    ).entries
    assert entry.published_at is None
    assert entry.published_raw == f"{year}-01-01T00:00:00Z"


def test_a_clock_that_runs_ahead_a_little_is_believed() -> None:
    ahead = NOW + timedelta(hours=20)
    assert shown(dated(ahead)) == [ahead]


def test_one_moment_for_all_entries_is_when_the_feed_was_built() -> None:
    assert shown(dated(NOW, NOW, NOW)) == [None, None, None]
    other = NOW - timedelta(hours=1)
    assert shown(dated(NOW, NOW, other)) == [NOW, NOW, other]
    assert shown(dated(NOW, NOW)) == [NOW, NOW]


def test_one_day_for_all_entries_is_their_day() -> None:
    day = datetime(2022, 1, 9, tzinfo=UTC)
    assert shown(dated(day, day, day)) == [day] * 3


def test_a_page_and_its_posts_lose_impossible_dates_alone() -> None:
    never = Span(not_before=datetime(2099, 1, 1, tzinfo=UTC), not_after=datetime(2099, 1, 1, tzinfo=UTC))
    today = Span(not_before=NOW, not_after=NOW)
    page = ReadArticle(
        title="Live",
        text="",
        published=never,
        published_raw="2099-01-01",
        modified=today,
        parts=(ArticlePart(title="pinned", published=never), ArticlePart(title="new", published=today)),
    )
    found = plausible_page(page, NOW)
    assert (found.published, found.published_raw, found.modified) == (None, "2099-01-01", today)
    assert [part.published for part in found.parts] == [None, today]


@pytest.mark.parametrize(
    ("raw", "hour"),
    [
        ("Mon, 10 Jan 2022 10:00:00 MSK", 7),
        ("Mon, 10 Jan 2022 10:00:00 GMT+3", 7),
        ("Mon, 10 Jan 2022 10:00:00 GMT", 10),
        ("Mon, 10 Jan 2022 10:00:00 +0600", 4),
    ],
)
def test_zones_by_name_are_heard(raw: str, hour: int) -> None:
    feed = parse_feed(
        f"<rss version='2.0'><channel><item><title>A</title><pubDate>{raw}</pubDate></item></channel></rss>".encode(),
        url="",
    )
    (entry,) = plausible_feed(feed, datetime(2022, 1, 11, tzinfo=UTC)).entries
    assert entry.published_at == datetime(2022, 1, 10, hour, tzinfo=UTC)
