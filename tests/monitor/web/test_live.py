"""New revisions reach an open page as events, once, and where the page stopped listening."""

import asyncio
import re
import threading
from collections.abc import Iterable
from dataclasses import replace

import httpx

from storage import claims, stories
from storage.database import Database
from storage.records import Figure, RecordKey, Revision, RevisionKind
from tests.monitor.web import archive

LIVE = f"/stories/{archive.KAZAKHSTAN.slug}/live"


def add(database: Database, revision_id: str, story: str, value: float, *, is_silent: bool = False) -> None:
    key = RecordKey(story=story, metric="killed")
    figure = Figure(value=value, low=value, high=value)
    with database.write() as session:
        claims.add_revisions(
            session,
            [
                Revision(
                    revision_id=revision_id,
                    story=story,
                    key=key,
                    kind=RevisionKind.RAISED,
                    after=figure,
                    recorded_at=archive.NOW,
                    is_silent=is_silent,
                )
            ],
        )


def test_a_new_revision_arrives_as_a_list_item(client: httpx.Client, database: Database) -> None:
    def write() -> None:
        add(database, "other", archive.QUAKE.slug, 7)
        add(database, "new", archive.KAZAKHSTAN.slug, 300)

    with client.stream("GET", LIVE, timeout=20) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == "retry: 5000"
        writer = threading.Thread(target=write)
        writer.start()
        event = read_event(lines)
        writer.join()
    assert event[0].startswith("id: ")
    assert event[1] == "event: revision"
    body = "\n".join(line.removeprefix("data: ") for line in event[2:])
    assert 'id="r-new"' in body
    assert "300" in body


def test_a_page_goes_on_where_it_stopped(client: httpx.Client, database: Database) -> None:
    with database.read() as session:
        position = claims.last_sequence(session, archive.KAZAKHSTAN.slug)
    add(database, "missed", archive.KAZAKHSTAN.slug, 301)
    with client.stream("GET", LIVE, headers={"Last-Event-ID": str(position)}, timeout=20) as stream:
        assert any("301" in line for line in read_event(stream.iter_lines()))


def test_what_came_between_the_page_and_its_stream_is_told_first(client: httpx.Client, database: Database) -> None:
    found = re.search(r'data-live="([^"]+)"', client.get(f"/stories/{archive.KAZAKHSTAN.slug}").text)
    assert found
    add(database, "between", archive.KAZAKHSTAN.slug, 302)
    with client.stream("GET", found.group(1), timeout=20) as stream:
        lines = stream.iter_lines()
        assert any("302" in line for line in read_event(lines))
        assert read_event(lines, "current") == ["event: current", "data: current"]
    add(database, "later", archive.KAZAKHSTAN.slug, 303)
    with client.stream("GET", found.group(1), headers={"Last-Event-ID": "9" * 30}, timeout=20) as stream:
        assert any("302" in line for line in read_event(stream.iter_lines())), "what is no number is no place"


def test_a_silent_change_is_no_news_here_as_in_the_atom_feed(client: httpx.Client, database: Database) -> None:
    with database.read() as session:
        position = claims.last_sequence(session, archive.KAZAKHSTAN.slug)
    add(database, "filled-in", archive.KAZAKHSTAN.slug, 304, is_silent=True)
    add(database, "news", archive.KAZAKHSTAN.slug, 305)
    add(database, "filled-in-too", archive.KAZAKHSTAN.slug, 306, is_silent=True)
    with client.stream("GET", f"{LIVE}?after={position}", timeout=20) as stream:
        lines = stream.iter_lines()
        assert any('id="r-news"' in line for line in read_event(lines))
        assert read_event(lines, "current")
    feed = client.get(f"/stories/{archive.KAZAKHSTAN.slug}/revisions.atom").text
    assert "revision:news" in feed
    assert "filled-in" not in feed


def test_a_story_without_changes_is_followed_from_its_first(client: httpx.Client, database: Database) -> None:
    fresh = replace(archive.QUAKE, slug="fresh-story", title="Fresh")
    with database.write() as session:
        stories.add_story(session, fresh, now=archive.NOW)
    assert 'data-live="/stories/fresh-story/live?after=0"' in client.get("/stories/fresh-story").text
    add(database, "very-first", "fresh-story", 4)
    with client.stream("GET", "/stories/fresh-story/live?after=0", timeout=20) as stream:
        assert any('id="r-very-first"' in line for line in read_event(stream.iter_lines()))


def test_a_page_that_is_filtered_follows_nothing(client: httpx.Client) -> None:
    assert "data-live=" not in client.get(f"/stories/{archive.KAZAKHSTAN.slug}?kind=raised").text


def test_open_streams_end_with_the_service(client: httpx.Client, stop: asyncio.Event) -> None:
    with client.stream("GET", LIVE, timeout=20) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "retry: 5000"
        stop.set()
        assert "event: revision" not in list(lines)


def test_there_is_nothing_to_follow_of_an_unknown_story(client: httpx.Client) -> None:
    assert client.get("/stories/none/live").status_code == 404


def read_event(lines: Iterable[str], kind: str = "revision") -> list[str]:
    """The lines of the next event of a kind."""
    event: list[str] = []
    for line in lines:
        if not line and f"event: {kind}" in event:
            return event
        event = [*event, line] if line and not line.startswith(("retry", ":")) else []
    raise AssertionError("the stream ended")
