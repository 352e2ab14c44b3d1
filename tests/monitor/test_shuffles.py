"""Histories do not depend on the order in which reports arrive: whole stories through the store, shuffled."""

import random
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from monitor.archive import Report, in_order, read_report, take_report
from monitor.watch import Watch
from storage import claims, stories
from storage.database import Database
from storage.records import History, RecordKey, Story
from tests.quality.timelines import files, read_story

SHUFFLES = 25


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty database; copy it before writing."""
    path = tmp_path_factory.mktemp("empty") / "storywatch.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    return path


def histories(path: Path, story: Story, arrivals: Iterable[tuple[datetime, Report]]) -> Mapping[RecordKey, History]:
    """What a store holds after the reports came in, one commit each, in the order given."""
    database = Database(f"sqlite:///{path}")
    watch = Watch([story])
    with database.write() as session:
        stories.add_story(session, story, now=datetime.fromisoformat("2028-01-01T00:00:00+00:00"))
    for learned_at, report in arrivals:
        with database.write() as session:
            take_report(session, watch, report, forced=(story.slug,), now=learned_at)
    with database.read() as session:
        found = claims.find_histories(session, story.slug)
    database.close()
    return found


@pytest.mark.parametrize("name", ["flood", "ferry"])
def test_any_order_of_arrival_gives_the_same_histories(name: str, empty: Path, tmp_path: Path) -> None:
    story, rows, _ = read_story(files()[name])
    reports = in_order(read_report(row) for row in rows)
    wanted = histories(Path(shutil.copy(empty, tmp_path / "ordered.db")), story, reports)
    assert wanted
    dice = random.Random(name)
    for turn in range(SHUFFLES):
        shuffled = dice.sample(reports, len(reports))
        held = histories(Path(shutil.copy(empty, tmp_path / f"{turn}.db")), story, shuffled)
        assert held == wanted, [report.report_id for _, report in shuffled]
