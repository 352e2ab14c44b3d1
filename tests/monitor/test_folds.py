"""A kept fold gives what folding everything anew gives, and is not trusted when anything else has happened."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.archive import Report, take_report
from monitor.folds import Folds
from monitor.watch import Watch
from storage import claims, stories
from storage.database import Database
from storage.records import Span
from tests.support.desk import START, STORY


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/folds.db")
    made.upgrade()
    with made.write() as session:
        stories.add_story(session, STORY, now=START)
    yield made
    made.close()


def report(number: int, toll: int) -> Report:
    at = START + timedelta(hours=number)
    return Report(
        report_id=f"r{number}",
        title="",
        text=f"The unrest in Harbour City has killed {toll} people, the Health Ministry said.",
        published=Span(not_before=at, not_after=at),
        source=f"Outlet {number}",
        url=f"https://news.example/{number}",
        lang="en",
    )


def take(database: Database, watch: Watch, number: int, toll: int) -> None:
    with database.write() as session:
        take_report(session, watch, report(number, toll), forced=("unrest",), now=START + timedelta(hours=number))


def log(database: Database, slug: str = "unrest") -> list[tuple[str, float | None]]:
    with database.read() as session:
        return [
            (one.kind.value, one.after.value if one.after else None) for one in claims.list_revisions(session, slug)
        ]


def test_one_watch_and_a_fresh_one_for_each_report_write_the_same_log(database: Database, tmp_path: Path) -> None:
    kept = Watch([STORY])
    tolls = [(1, 12), (2, 18), (3, 44), (4, 44), (5, 164)]
    for number, toll in tolls:
        take(database, kept, number, toll)
    other = Database(f"sqlite:///{tmp_path}/other.db")
    other.upgrade()
    with other.write() as session:
        stories.add_story(session, STORY, now=START)
    for number, toll in tolls:
        take(other, Watch([STORY]), number, toll)
    assert log(database) == log(other)
    with database.read() as one, other.read() as two:
        assert claims.find_histories(one, "unrest") == claims.find_histories(two, "unrest")
    other.close()


def test_what_a_rolled_back_commit_folded_is_forgotten(database: Database) -> None:
    watch = Watch([STORY])
    take(database, watch, 1, 12)

    def fail() -> None:
        with database.write() as session:
            take_report(session, watch, report(2, 900), forced=("unrest",), now=START + timedelta(hours=2))
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        fail()
    take(database, watch, 3, 18)
    assert log(database) == [("first", 12), ("raised", 18)]


def test_what_another_process_folded_is_seen(database: Database) -> None:
    watch = Watch([STORY])
    take(database, watch, 1, 12)
    take(database, Watch([STORY]), 2, 44)
    take(database, watch, 3, 44)
    assert log(database) == [("first", 12), ("raised", 44)]


def test_a_toll_that_a_text_revises_down_is_lowered(database: Database) -> None:
    watch = Watch([STORY])
    take(database, watch, 1, 31)
    take(database, watch, 20, 46)
    at = START + timedelta(hours=26)
    text = (
        "The Health Ministry on Monday revised the death toll from the unrest in Harbour City down to 44, saying that"
        " two victims had been counted twice."
    )
    told = replace(report(26, 0), text=text)
    with database.write() as session:
        take_report(session, watch, told, forced=("unrest",), now=at)
    assert log(database) == [("first", 31), ("raised", 46), ("lowered", 44)]


def test_folds_of_more_claims_than_are_kept_are_made_anew_and_write_the_same_log(database: Database) -> None:
    other = replace(STORY, slug="elsewhere")
    with database.write() as session:
        stories.add_story(session, other, now=START)
    watch = Watch([STORY, other])
    watch.folds = Folds(most_claims=1)
    for number, toll in enumerate((12, 18, 44), 1):
        for place, slug in enumerate(("unrest", "elsewhere")):
            with database.write() as session:
                at = START + timedelta(hours=number)
                one = replace(
                    report(number, toll), report_id=f"{slug}{number}", url=f"https://{place}.example/{number}"
                )
                take_report(session, watch, one, forced=(slug,), now=at)
    first = [("first", 12), ("raised", 18), ("raised", 44)]
    assert log(database) == first
    assert log(database, "elsewhere") == first
