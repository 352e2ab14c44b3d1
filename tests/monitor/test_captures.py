"""Captures of an archive: an edit becomes a later version with all that follows from it; no history is rewritten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.archive import Outcome, Report, captures_in_order, read_report, take_capture
from monitor.ledger.edit_events import SILENT
from monitor.reprocessing import reprocess_story
from monitor.watch import Watch
from storage import articles, claims, deliveries, stories
from storage.database import Database
from storage.record_edits import list_record_edits
from storage.records import ArticleVersion, Revision, RevisionKind, Span
from tests.support.desk import EVERYTHING, STORY

DAY = timedelta(days=1)
# Long after what the archive holds.
NOW = datetime(2031, 1, 1, tzinfo=UTC)
MONDAY = datetime(2030, 3, 4, 8, tzinfo=UTC)
ADDRESS = "https://news.example/unrest"


def capture(toll: int, *, after: timedelta | None = timedelta(hours=2), published: bool = True) -> Report:
    return Report(
        report_id=ADDRESS,
        title="Unrest in Harbour City",
        text=f"The unrest in Harbour City has killed {toll} people, the Health Ministry said. Streets stayed closed.",
        published=Span(not_before=MONDAY, not_after=MONDAY) if published else None,
        source="news.example",
        url=ADDRESS,
        lang="en",
        captured_at=None if after is None else MONDAY + after,
    )


class Archive:
    """A store that captures are imported into, each a minute after the other."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.watch = Watch([STORY], [EVERYTHING])
        self.now = NOW
        with database.write() as session:
            stories.add_story(session, STORY, now=NOW)

    def take(self, *reports: Report) -> list[Outcome]:
        outcomes = []
        for report in captures_in_order(reports):
            self.now += timedelta(minutes=1)
            with self.database.write() as session:
                outcomes.append(take_capture(session, self.watch, report, now=self.now)[0])
        return outcomes

    @property
    def versions(self) -> tuple[ArticleVersion, ...]:
        with self.database.read() as session:
            return articles.list_versions(session, articles.get_article(session, ADDRESS).article_id)

    @property
    def revisions(self) -> tuple[Revision, ...]:
        with self.database.read() as session:
            return tuple(claims.list_revisions(session, STORY.slug))


@pytest.fixture
def archive(database: Database) -> Archive:
    return Archive(database)


def moves(archive: Archive) -> list[tuple[RevisionKind, float | None]]:
    return [(one.kind, one.after.value if one.after else None) for one in archive.revisions]


def test_a_later_capture_is_a_silent_edit(archive: Archive) -> None:
    first, later = capture(40), capture(48, after=DAY)
    assert archive.take(later, first) == [Outcome.ARTICLE, Outcome.VERSION]
    old, new = archive.versions
    assert (old.fetched_at, new.fetched_at) == (first.captured_at, later.captured_at)
    assert new.previous_fetched_at == old.fetched_at
    assert moves(archive) == [
        (RevisionKind.FIRST, 40),
        (RevisionKind.RAISED, 48),
        (RevisionKind.EDITED, 48),
    ]
    (edit,) = (one for one in archive.revisions if one.kind is RevisionKind.EDITED)
    assert edit.reason == SILENT
    assert edit.public_at == Span(not_before=old.fetched_at, not_after=new.fetched_at)
    assert edit.recorded_at == archive.now, "that it was edited is learned today"
    assert all(one.is_silent for one in archive.revisions)
    with archive.database.read() as session:
        assert deliveries.list_alerts(session) == ()
        before = claims.list_claims(session, STORY.slug, known_at=NOW)
        assert not before, "before the import nothing was known of it"
        (brought,) = list_record_edits(session, STORY.slug, metrics=["killed"])
        assert (brought.value, brought.revision.revision_id) == (48, edit.revision_id)


def test_a_figure_that_an_edit_takes_down_is_lowered(archive: Archive) -> None:
    assert archive.take(capture(48), capture(40, after=DAY)) == [Outcome.ARTICLE, Outcome.VERSION]
    assert (RevisionKind.LOWERED, 40) in moves(archive)


def test_what_is_held_already_is_known(archive: Archive) -> None:
    whole = [capture(40), capture(40, after=DAY), capture(48, after=3 * DAY), capture(40, after=5 * DAY)]
    assert archive.take(*whole) == [Outcome.ARTICLE, Outcome.KNOWN, Outcome.VERSION, Outcome.VERSION]
    assert archive.versions[1].previous_fetched_at == MONDAY + DAY, "it stood as it was until then"
    log = archive.revisions
    assert archive.take(*whole) == [Outcome.KNOWN] * 4
    assert len(archive.versions) == 3
    assert archive.revisions == log


@pytest.mark.parametrize(
    "late", [capture(44, after=DAY), capture(44, after=2 * DAY), capture(44, after=None, published=False)],
    ids=("older", "at the same time", "undated"),
)  # fmt: skip
def test_a_text_that_is_not_known_to_be_later_is_refused(archive: Archive, late: Report) -> None:
    archive.take(capture(40), capture(48, after=2 * DAY))
    log, versions = archive.revisions, archive.versions
    assert archive.take(late) == [Outcome.REFUSED]
    assert (archive.revisions, archive.versions) == (log, versions)


def test_what_a_site_answered_before_is_asked_for_anew(archive: Archive) -> None:
    archive.take(capture(40))
    with archive.database.write() as session:
        held = articles.get_article(session, ADDRESS)
        articles.update_article(session, replace(held, etag="1", last_modified="then", body_hash="h", pending_hash="p"))
    archive.take(capture(48, after=DAY))
    with archive.database.read() as session:
        held = articles.get_article(session, ADDRESS)
    assert (held.etag, held.last_modified, held.body_hash, held.pending_hash) == (None, None, None, None)
    assert held.last_read_at == MONDAY + DAY
    assert held.first_seen_at < held.last_changed_at == archive.now, "texts are kept from when they came"


def test_reading_all_anew_changes_nothing(archive: Archive) -> None:
    archive.take(capture(40), capture(48, after=DAY))
    with archive.database.read() as session:
        held = claims.list_claims(session, STORY.slug)
    done = reprocess_story(
        archive.database, archive.watch, STORY.slug, clock=lambda: NOW + DAY, on_progress=lambda _done, _all: None
    )
    assert (done.begun, done.gone, done.revisions) == (0, 0, ())
    with archive.database.read() as session:
        assert claims.list_claims(session, STORY.slug) == held


def test_lines_are_dated_by_when_they_were_fetched_or_else_published() -> None:
    line = {"text": "40 killed", "published": "2030-03-04"}
    assert read_report(line).stood_at == datetime(2030, 3, 4, 23, 59, 59, tzinfo=UTC)
    assert read_report({**line, "fetched_at": "2030-03-07T09:00:00Z"}).stood_at == datetime(2030, 3, 7, 9, tzinfo=UTC)
    assert read_report({"text": "40 killed"}).stood_at is None
    with pytest.raises(ValueError, match="fetched_at: 'soon' is no date"):
        read_report({**line, "fetched_at": "soon"})


def test_captures_of_one_address_come_as_they_were_made() -> None:
    other = replace(capture(1, after=12 * timedelta(hours=1)), url="https://other.example/", published=None)
    undated = replace(capture(2, after=None, published=False), url="https://none.example/")
    first, later = capture(40, after=DAY), capture(48, after=2 * DAY)
    assert captures_in_order([undated, later, other, first]) == [first, other, later, undated]
