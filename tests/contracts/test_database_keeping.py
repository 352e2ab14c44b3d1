"""Backup, restore, retention, integrity, export and researchers' questions hold on both databases."""

import csv
import io
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import parquet
from sqlalchemy import text

from storage import articles, claims, keeping, research
from storage.database import Database
from storage.errors import DatabaseError, NotFoundError
from storage.export import COLUMNS, ExportError, export_rows, write_file, write_rows
from storage.occupancy import OccupiedError, occupy
from storage.records import (
    Claim,
    ClaimKind,
    ClaimStatus,
    Evidence,
    Figure,
    History,
    Match,
    MatchState,
    Position,
    Qualifier,
    RevisionKind,
    StampedClaim,
    Step,
)
from storage.search import search_articles
from tests.support.stored import HOUR, KILLED, NOON, at, claim, revision, store_article, store_story

SENTENCE = "164 people were killed, the ministry said."


def fill(database: Database) -> int:
    """A story with one article, its claim and the revision that rests on it; returns the article's number."""
    with database.write() as session:
        store_story(session)
        stored = store_article(session, text=SENTENCE)
        claims.add_claims(session, [stamped(stored.article_id)])
        evidence = Evidence(claim_id="c1", sentence=SENTENCE, quote="164", url=stored.url, source="Tengrinews")
        claims.add_revisions(session, [revision(evidence=(evidence,), origins=("health ministry", "=cmd"))])
    return stored.article_id


def stamped(article_id: int) -> StampedClaim:
    return claim("c1", article_id=article_id, claim=Claim(metric="killed", value=164, quote="164", start=0, end=3))


def problems(database: Database) -> list[str]:
    with database.read() as session:
        return [problem.message for problem in keeping.find_problems(session)]


# --- backup -----------------------------------------------------------------------------------


def test_a_backup_is_restored_and_sound(database: Database, tmp_path: Path) -> None:
    fill(database)
    copy = tmp_path / "copies" / "backup"
    assert keeping.backup(database, copy) == copy.stat().st_size
    with database.write() as session:
        store_article(session, 2)
    with pytest.raises(DatabaseError, match="--overwrite"):
        keeping.restore(copy, database)
    keeping.restore(copy, database, overwrite=True)
    assert problems(database) == []
    with database.read() as session:
        assert articles.count_articles(session) == 1
        assert len(search_articles(session, "ministry")) == 1
    assert sorted(path.name for path in copy.parent.iterdir()) == ["backup"]


def test_no_backup_is_put_under_a_running_service(database: Database, tmp_path: Path) -> None:
    """On a server it was: what the service wrote next fell into what was restored."""
    fill(database)
    keeping.backup(database, tmp_path / "copy")
    other = Database(database.url)
    with occupy(other), pytest.raises(OccupiedError, match="stop it first"):
        keeping.restore(tmp_path / "copy", database, overwrite=True, patience=0)
    other.close()
    assert problems(database) == []
    keeping.restore(tmp_path / "copy", database, overwrite=True)


def test_a_backup_while_others_write_is_one_moment(database: Database, tmp_path: Path) -> None:
    fill(database)
    stop = threading.Event()
    written = 1

    def write() -> None:
        nonlocal written
        while not stop.is_set() and written < 400:
            written += 1
            with database.write() as session:
                stored = store_article(session, written, text=SENTENCE)
                claims.add_claims(session, [replace(stamped(stored.article_id), claim_id=f"c{written}")])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            keeping.backup(database, tmp_path / f"copy{number}")
    finally:
        stop.set()
        writer.join()
    keeping.restore(tmp_path / "copy2", database, overwrite=True)
    assert problems(database) == []
    with database.read() as session:
        assert 1 <= articles.count_articles(session) == len(claims.list_claims(session, "unrest")) <= written


def test_what_is_no_backup_is_refused_and_nothing_is_touched(database: Database, tmp_path: Path) -> None:
    fill(database)
    broken = tmp_path / "broken"
    broken.write_bytes(b"no database at all" * 1000)
    for source in (broken, tmp_path / "absent"):
        with pytest.raises(DatabaseError):
            keeping.restore(source, database, overwrite=True)
    assert problems(database) == []
    with database.read() as session:
        assert articles.count_articles(session) == 1


def test_a_backup_that_cannot_be_written_says_where(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatabaseError, match="file"):
        keeping.backup(database, tmp_path / "file" / "backup")


def test_vacuum_leaves_everything_as_it_was(database: Database) -> None:
    fill(database)
    keeping.vacuum(database)
    database.check()
    assert problems(database) == []
    with database.read() as session:
        assert len(search_articles(session, "ministry")) == 1


# --- retention --------------------------------------------------------------------------------


def test_packed_texts_are_read_and_searched_as_before(database: Database) -> None:
    number = fill(database)
    with database.write() as session:
        before = articles.list_versions(session, number)
        assert keeping.pack_texts(session, before=NOON + 9 * HOUR) == 1
        assert keeping.pack_texts(session, before=NOON + 9 * HOUR) == 0
        assert session.execute(text("SELECT text FROM article_versions")).scalar() is None
        assert articles.list_versions(session, number) == before
    with database.write() as session:
        articles.add_version(
            session, number, title="T", text="Ministry again", text_hash="2", fetched_at=NOON + 2 * HOUR
        )
    with database.read() as session:
        assert [hit.number for hit in search_articles(session, "ministry", all_versions=True)] == [2, 1]
    assert problems(database) == []


def test_dropped_texts_are_gone_and_what_rests_on_them_stays(database: Database) -> None:
    number = fill(database)
    with database.write() as session:
        store_story(session, "other")
        assert keeping.drop_texts(session, before=NOON, now=NOON) == 0
        assert keeping.drop_texts(session, before=NOON + 9 * HOUR, now=NOON, story="other") == 0
        assert keeping.drop_texts(session, before=NOON + 9 * HOUR, now=NOON, source="Tengrinews", story="unrest") == 1
        assert keeping.drop_texts(session, before=NOON + 9 * HOUR, now=NOON) == 0
    with database.read() as session:
        assert articles.list_versions(session, number)[0].text == ""
        assert search_articles(session, "ministry") == ()
        assert claims.list_revisions(session, "unrest")[0].evidence[0].sentence == SENTENCE
    assert problems(database) == []


def test_a_text_is_kept_for_the_story_that_a_person_gave_its_article_to(database: Database) -> None:
    number = fill(database)
    with database.write() as session:
        store_story(session, "other")
        articles.record_matches(
            session, number, [Match(story="other", score=0.1, hits=(), is_match=False)], matched_at=NOON
        )
        articles.set_match_state(session, number, "other", MatchState.ACCEPTED)
        assert keeping.drop_texts(session, before=NOON + 9 * HOUR, now=NOON, story="unrest") == 0
        articles.set_match_state(session, number, "other", MatchState.REJECTED)
        articles.set_match_state(session, number, "unrest", MatchState.REJECTED)
        assert keeping.drop_texts(session, before=NOON + 9 * HOUR, now=NOON, story="unrest") == 0
        articles.set_match_state(session, number, "unrest", MatchState.ACCEPTED)
        assert keeping.drop_texts(session, before=NOON + 9 * HOUR, now=NOON, story="unrest") == 1


def test_an_outlet_that_nothing_is_of_is_told(database: Database) -> None:
    with database.read() as session, pytest.raises(NotFoundError, match=r"no article is of an outlet 'nope'; .*none"):
        articles.require_source(session, "nope")
    fill(database)
    with database.read() as session:
        articles.require_source(session, "Tengrinews")
        with pytest.raises(NotFoundError, match=r"no article is of an outlet 'tengrinews'; outlets: Tengrinews$"):
            articles.require_source(session, "tengrinews")


# --- integrity --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            "UPDATE article_versions SET text = '44 people were killed, the ministry said.'",
            "does not stand at its place",
        ),
        ("UPDATE article_versions SET text = '164 were hurt'", "holds: '164 people were killed"),
        ("UPDATE article_aliases SET alias = 'x'", "which is not stored"),
        ("DELETE FROM search_documents", "0 of 1 texts can be found"),
        ("UPDATE article_versions SET number = 7", "has no version 1"),
    ],
)
def test_damage_is_found(database: Database, damage: str, message: str) -> None:
    fill(database)
    assert problems(database) == []
    with database.write() as session:
        session.execute(text(damage))
    assert any(message in problem for problem in problems(database))


# --- export -----------------------------------------------------------------------------------


def history() -> History:
    first = Step(
        kind=RevisionKind.FIRST,
        before=None,
        figure=Figure(value=164),
        effective_at=at(NOON),
        public_at=at(NOON),
        recorded_at=NOON,
        rule="first",
    )
    later = replace(
        first,
        kind=RevisionKind.LOWERED,
        before=Figure(value=164),
        figure=Figure(value=44),
        public_at=at(NOON + 2 * HOUR),
        origins=("a", "b"),
    )
    position = Position(origin="health ministry", figure=Figure(value=164), since=at(NOON))
    return History(
        key=KILLED,
        steps=(first, later),
        current=Figure(value=44),
        low=44,
        best=44,
        high=164,
        deprecated=(Figure(value=164),),
        positions=(position,),
    )


def test_tables_are_exported_with_their_columns(database: Database, tmp_path: Path) -> None:
    fill(database)
    with database.write() as session:
        claims.update_histories(session, "unrest", [history()], (), now=NOON)
    with database.read() as session:
        for table, columns in COLUMNS.items():
            rows = list(export_rows(session, table, "unrest"))
            assert [list(row) for row in rows] == [list(columns)]
            target = io.StringIO()
            assert write_rows(rows, table, target, "jsonl") == 1
            assert json.loads(target.getvalue()).keys() == columns.keys()
            assert write_file(rows, table, tmp_path / "out.csv", "csv") == 1
            with (tmp_path / "out.csv").open(newline="") as source:
                assert csv.DictReader(source).fieldnames == list(columns)
        (record,) = export_rows(session, "records")
        assert (record["low"], record["best"], record["high"], record["versions"], record["origins"]) == (
            44,
            44,
            164,
            2,
            "a; b",
        )
        assert list(export_rows(session, "evidence", "other")) == []
        with pytest.raises(ExportError, match="tables: records, revisions, evidence"):
            export_rows(session, "all")
        with pytest.raises(ExportError, match="csv or jsonl"):
            write_rows([], "records", io.StringIO(), "xml")
        with pytest.raises(ExportError, match="choose a place"):
            write_file([], "records", tmp_path / "none" / "x", "csv")


def test_a_cell_that_a_spreadsheet_would_run_stays_text(database: Database) -> None:
    with database.write() as session:
        claims.add_revisions(session, [revision(origins=("=cmd()",), reason="-1")])
        target = io.StringIO()
        write_rows(export_rows(session, "revisions"), "revisions", target, "csv")
    (row,) = csv.DictReader(io.StringIO(target.getvalue()))
    assert (row["origins"], row["reason"]) == ("'=cmd()", "'-1")


@pytest.mark.parametrize("table", COLUMNS)
def test_parquet_has_the_same_types_whatever_is_in_it(database: Database, tmp_path: Path, table: str) -> None:
    write_file([], table, tmp_path / "empty.parquet", "parquet")
    fill(database)
    with database.read() as session:
        write_file(export_rows(session, table), table, tmp_path / "some.parquet", "parquet")
    schema = parquet.read_schema(tmp_path / "empty.parquet")
    assert schema == parquet.read_schema(tmp_path / "some.parquet")
    assert schema.names == list(COLUMNS[table])
    assert "null" not in {str(kind) for kind in schema.types}


def test_parquet_holds_the_same_rows(database: Database, tmp_path: Path) -> None:
    fill(database)
    with database.read() as session:
        rows = list(export_rows(session, "revisions"))
    assert write_file(rows, "revisions", tmp_path / "r.parquet", "parquet") == 1
    assert parquet.read_table(tmp_path / "r.parquet").to_pylist() == rows


# --- researchers' questions -------------------------------------------------------------------


def test_who_said_it_first_who_still_does_and_who_put_it_right_when(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        pages = [store_article(session, number).article_id for number in range(1, 5)]
        claims.update_histories(session, "unrest", [history()], (), now=NOON)
        claims.add_claims(
            session,
            [
                claim("early", article_id=pages[0], recorded_at=NOON - HOUR, source="TASS"),
                claim("late", article_id=pages[1], recorded_at=NOON, source="Laggard"),
                claim("edited", article_id=pages[2], recorded_at=NOON, source="Editor", ended_at=NOON + 3 * HOUR),
                claim("new", 44, recorded_at=NOON + 2 * HOUR, source="TASS"),
                claim("base", recorded_at=NOON - 9 * HOUR, is_baseline=True),
                claim(
                    "unsaid",
                    recorded_at=NOON + HOUR,
                    source="Reporter",
                    claim=Claim(metric="killed", value=164, status=ClaimStatus.RETRACTED),
                ),
                claim(
                    "part",
                    recorded_at=NOON - 9 * HOUR,
                    claim=Claim(metric="killed", value=164, population="role=police"),
                ),
            ],
        )
    with database.read() as session:
        assert [found.claim_id for found in research.list_first_reports(session, KILLED)] == ["early", "new"]
        followers = [found.source for found in research.list_followers(session, KILLED, Figure(value=164))]
        assert followers[0] == "TASS"
        assert sorted(followers) == ["Editor", "Laggard", "TASS"]
        assert research.list_followers(session, KILLED, Figure(value=7)) == ()
        assert {found.claim_id for found in research.list_carriers(session, KILLED)} == {"base", "early", "late"}
        assert "edited" in {found.claim_id for found in research.list_carriers(session, KILLED, known_at=NOON + HOUR)}
        corrections = {found.source: found.delay_seconds for found in research.list_corrections(session, KILLED)}
        assert corrections == {"TASS": 0.0, "Laggard": None, "Editor": 3600.0}
        (position,) = research.list_positions(session, "unrest", "health ministry")
        assert (position.key, position.position.figure) == (KILLED, Figure(value=164))
        assert research.list_positions(session, "unrest", "nobody") == ()


def test_dozens_are_no_number_that_anybody_gave(database: Database) -> None:
    dozens = Claim(metric="killed", value=24, low=24, high=99, qualifier=Qualifier.VAGUE)
    between = Claim(metric="killed", value=24, low=24, high=30, qualifier=Qualifier.RANGE)
    more = Claim(metric="killed", value=3, kind=ClaimKind.INCREMENT)
    with database.write() as session:
        store_story(session)
        pages = [store_article(session, number).article_id for number in range(1, 5)]
        claims.update_histories(session, "unrest", [replace(history(), deprecated=(Figure(value=24),))], (), now=NOON)
        claims.add_claims(
            session,
            [
                claim("dozens", recorded_at=NOON, source="A", article_id=pages[0], claim=dozens),
                claim("between", recorded_at=NOON + HOUR, source="B", article_id=pages[1], claim=between),
                claim("number", 24, recorded_at=NOON + 2 * HOUR, source="C", article_id=pages[2]),
                claim("more", recorded_at=NOON + 3 * HOUR, source="D", article_id=pages[3], claim=more),
            ],
        )
    with database.read() as session:
        first = [found.claim_id for found in research.list_first_reports(session, KILLED)]
        assert first == ["dozens", "between", "number"]
        exact = research.list_followers(session, KILLED, Figure(value=24))
        assert [found.claim_id for found in exact] == ["number"]
        vague = Figure(value=24, low=24, high=99, qualifier=Qualifier.VAGUE)
        assert [found.claim_id for found in research.list_followers(session, KILLED, vague)] == ["dozens"]
        assert [found.claim_id for found in research.list_carriers(session, KILLED)] == ["number"]


def test_an_article_carries_a_dead_figure_once_by_the_sentence_of_its_text(database: Database) -> None:
    def carried(name: str, sentence: str, *, field: str = "text", start: int = 0, article_id: int) -> StampedClaim:
        said = Claim(metric="killed", value=164, field=field, start=start)
        return claim(name, claim=said, title="164 dead", sentence=sentence, article_id=article_id)

    with database.write() as session:
        store_story(session)
        pages = [store_article(session, number).article_id for number in range(1, 5)]
        claims.update_histories(session, "unrest", [history()], (), now=NOON)
        claims.add_claims(
            session,
            [
                carried("a", "164 dead", field="title", article_id=pages[0]),
                carried("b", "164 dead", article_id=pages[0]),
                carried("c", "The unrest killed 164.", start=40, article_id=pages[0]),
                carried("d", "The 164 are mourned.", start=90, article_id=pages[0]),
                carried("e", "164 dead", field="title", article_id=pages[1]),
            ],
        )
    with database.read() as session:
        assert {found.claim_id for found in research.list_carriers(session, KILLED)} == {"c", "e"}
