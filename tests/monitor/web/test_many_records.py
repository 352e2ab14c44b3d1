"""A story with many records and a record with many rows stay readable: the first ones at once, all of them on request."""

from datetime import timedelta

import httpx
import pytest
from lxml import html

from monitor.web.options import WebOptions
from storage import claims, feeds
from storage.database import Database
from storage.records import Figure, History, Position, RecordKey, RevisionKind, Span, Step
from tests.monitor.web import archive
from tests.monitor.web.conftest import MakeApp
from tests.monitor.web.serving import serve

SLUG = archive.KAZAKHSTAN.slug
STORY = f"/stories/{SLUG}"
MANY = 45


@pytest.fixture
def crowded(database: Database) -> Database:
    """45 more records that never moved, one of them with 45 origins."""
    at = Span(not_before=archive.NOW, not_after=archive.NOW)
    figure = Figure(value=7, low=7, high=7)
    step = Step(
        kind=RevisionKind.FIRST, before=None, figure=figure, effective_at=at, public_at=at, recorded_at=archive.NOW, rule="test"
    )  # fmt: skip
    made = [
        History(key=RecordKey(story=SLUG, metric="rescued", place=f"town-{number}"), steps=(step,), current=figure)
        for number in range(MANY)
    ]
    said = tuple(
        Position(origin=f"Mayor {number}", figure=figure, since=Span(not_before=then, not_after=then))
        for number in range(MANY)
        for then in [archive.NOW - timedelta(hours=number)]
    )
    made[0] = History(key=made[0].key, steps=made[0].steps, current=figure, positions=said)
    with database.write() as session:
        claims.update_histories(session, SLUG, made, (), now=archive.NOW)
    return database


def test_the_story_shows_the_first_and_links_to_all(client: httpx.Client, crowded: Database) -> None:
    page = html.fromstring(client.get(STORY).text)
    assert len(page.xpath("//dl[@class='states']//dt/a[contains(@href, 'rescued')]")) < MANY
    (link,) = page.xpath(f"//a[@href='{STORY}/records']")
    assert link.text == "All 52 records"
    rows = html.fromstring(client.get(f"{STORY}/records").text).xpath("//tbody/tr")
    assert len(rows) == 50


def test_a_story_with_few_has_no_such_link(client: httpx.Client) -> None:
    assert f'href="{STORY}/records"' not in client.get(STORY).text
    assert "Killed, Almaty" in client.get(f"{STORY}/records").text


def test_all_records_come_in_pages(make_app: MakeApp, crowded: Database) -> None:
    with serve(make_app(WebOptions(per_page=20))) as base, httpx.Client(base_url=base, timeout=60) as reader:
        path, names = f"{STORY}/records", []
        for _ in range(3):
            page = html.fromstring(reader.get(path).text)
            names += [one.text for one in page.xpath("//tbody//td[1]/a")]
            path = next(iter(page.xpath("//a[@rel='next']/@href")), "")
        assert path == ""
        assert len(set(names)) == len(names) == 52


def test_a_record_shows_its_newest_rows_and_all_on_request(client: httpx.Client, crowded: Database) -> None:
    path = f"{STORY}/record?metric=rescued&place=town-0"
    page = html.fromstring(client.get(path).text)
    assert len(page.xpath("//section[@aria-labelledby='positions']//tbody/tr")) == 40
    (link,) = page.xpath("//a[contains(@href, 'whole=1')]")
    assert link.text == "Show every row, 45 in the longest table"
    whole = html.fromstring(client.get(link.get("href")).text)
    assert len(whole.xpath("//section[@aria-labelledby='positions']//tbody/tr")) == MANY
    assert not whole.xpath("//a[contains(@href, 'whole=1')]")


def test_the_about_page_says_through_how_much_a_story_is_watched(client: httpx.Client, database: Database) -> None:
    text = client.get("/about").text
    assert "1 of its own, 2 that serve all stories" in text
    assert "1 was not asked yet." in text
    with database.read() as session:
        tally = feeds.count_feeds_by_trouble(session)
    assert (tally.well, tally.ill, tally.waiting) == (1, 2, 1)
