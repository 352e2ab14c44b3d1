"""What `storywatch doctor` says of feeds: one line, however many fail."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor import examination
from monitor.examination import Finding, examine
from monitor.settings import Settings, load_settings
from storage import feeds
from storage.database import Database
from storage.liveness import SCHEDULER, WORKER, Part
from storage.records import FeedSpec
from storage.schema import newest_version
from tests.support.parts import note

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def settings_of(folder: Path, *, failing: int, well: int = 0, status: int | None = None) -> Settings:
    """Settings whose database holds feeds that fail, the first for longest, and others that answer."""
    (folder / "storywatch.toml").write_text('database_url = "sqlite:///x.db"\n', "utf-8")
    current = load_settings(folder / "storywatch.toml", {}, folder)
    database = Database(current.database_url)
    database.upgrade()
    with database.write() as session:
        for number in range(failing + well):
            feed = feeds.add_feed(session, FeedSpec(url=f"https://h{number}.example/feed"), due_at=NOW)
            if number < failing:
                since, said = (
                    NOW + timedelta(hours=number),
                    f"{feed.url}: the name h{number}.example cannot be resolved",
                )
                failed = replace(feed, failures=2, failing_since=since, last_error=said, last_status=status)
                feeds.update_feed(session, failed)
    database.close()
    return current


def of_feeds(current: Settings) -> Finding:
    (found,) = [one for one in asyncio.run(examine(current, now=NOW)) if one.what.startswith("feed")]
    return found


def test_without_a_network_all_feeds_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = of_feeds(settings_of(tmp_path, failing=21))
    assert not found.is_well
    assert found.words.startswith("21 polled, 21 failing; look at this machine's network")
    assert "https://h0.example/feed: the name h0.example cannot be resolved" in found.words
    assert "h1.example" not in found.words


def test_of_several_that_fail_the_longest_failing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = of_feeds(settings_of(tmp_path, failing=5, well=2, status=404))
    assert found.words.startswith("7 polled, 5 failing: https://h0.example/feed")
    assert "2 more in 'storywatch feeds list'" in found.words
    assert "h3.example" not in found.words


def test_feeds_that_answer_are_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = of_feeds(settings_of(tmp_path, failing=0, well=2))
    assert (found.is_well, found.words) == (True, "2 polled, 0 failing")


def test_the_parts_that_share_the_work_are_looked_for_once_one_of_them_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    current = settings_of(tmp_path, failing=0, well=1)
    database = Database(current.database_url)

    def said() -> list[tuple[bool, str]]:
        return [(one.is_well, one.words) for one in asyncio.run(examine(current, now=NOW)) if one.what == "parts"]

    assert said() == []
    note(database, Part(role=SCHEDULER, place="a:1"), leads=True)
    (found,) = said()
    assert found == (
        False,
        "1 schedulers and 0 workers live; none takes what is due (polls 1): start 'storywatch worker'",
    )
    note(database, Part(role=WORKER, place="a:2", work=("polls",)))
    assert said() == [(True, "1 schedulers and 1 workers live")]
    database.close()


def of_database(current: Settings) -> Finding:
    (found,) = [one for one in asyncio.run(examine(current, now=NOW)) if one.what == "database"]
    return found


def test_a_damaged_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    current = settings_of(tmp_path, failing=0, well=900)
    found = of_database(current)
    assert (found.is_well, found.words) == (
        True,
        f"sqlite:///x.db answers, schema {newest_version()}, its file is whole",
    )
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = "SELECT pageno FROM dbstat WHERE name = 'feeds' AND pagetype = 'leaf' ORDER BY pageno DESC LIMIT 1"
        size, place = connection.execute("PRAGMA page_size").fetchone()[0], connection.execute(pages).fetchone()[0]
    with (tmp_path / "x.db").open("r+b") as file:
        file.seek((place - 1) * size + 8)
        file.write(b"\xff" * 64)
    found = of_database(current)
    assert not found.is_well
    assert found.words.startswith("sqlite:///x.db: the file is damaged")
    assert "storywatch restore FILE --overwrite" in found.words


def test_a_file_too_large_to_look_through_is_not_called_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    current = settings_of(tmp_path, failing=0, well=1)
    monkeypatch.setattr(examination, "_LOOKED_THROUGH", 1000)
    found = of_database(current)
    assert found.is_well
    assert found.words.endswith("; what is stored was not looked through, as 'storywatch verify' does")


def test_a_database_without_a_table_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    current = settings_of(tmp_path, failing=0, well=1)
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("DROP TABLE delivery_alerts")
    found = of_database(current)
    assert not found.is_well
    assert "the schema lacks table delivery_alerts" in found.words
