"""New revisions reach an open page as events, once, and where the page stopped listening."""

import asyncio
import threading
from collections.abc import Iterable

import httpx

from storage import claims
from storage.database import Database
from storage.records import Figure, RecordKey, Revision, RevisionKind
from tests.monitor.web import archive

LIVE = f"/stories/{archive.KAZAKHSTAN.slug}/live"


def add(database: Database, revision_id: str, story: str, value: float) -> None:
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
        position = claims.last_sequence(session)
    add(database, "missed", archive.KAZAKHSTAN.slug, 301)
    with client.stream("GET", LIVE, headers={"Last-Event-ID": str(position)}, timeout=20) as stream:
        assert any("301" in line for line in read_event(stream.iter_lines()))


def test_open_streams_end_with_the_service(client: httpx.Client, stop: asyncio.Event) -> None:
    with client.stream("GET", LIVE, timeout=20) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "retry: 5000"
        stop.set()
        assert not any(line.startswith("data: ") for line in lines)


def test_there_is_nothing_to_follow_of_an_unknown_story(client: httpx.Client) -> None:
    assert client.get("/stories/none/live").status_code == 404


def read_event(lines: Iterable[str]) -> list[str]:
    """The lines of the first event with data."""
    event: list[str] = []
    for line in lines:
        if not line and any(one.startswith("data: ") for one in event):
            return event
        event = [*event, line] if line and not line.startswith(("retry", ":")) else []
    raise AssertionError("the stream ended")
