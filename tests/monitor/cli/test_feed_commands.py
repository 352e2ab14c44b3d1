"""`storywatch feeds add`: a feed that had been given up comes back when a person adds it again."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli.main import app
from storage import feeds
from storage.database import Database
from storage.records import FeedSpec, FeedState

URL = "https://news.example/feed"


def test_a_feed_that_is_gone_is_polled_again_when_added_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "storywatch.toml").write_text('database_url = "sqlite:///x.db"\n', "utf-8")
    database = Database("sqlite:///x.db")
    database.upgrade()
    with database.write() as session:
        feed = feeds.add_feed(session, FeedSpec(url=URL), due_at=datetime(2026, 11, 28, tzinfo=UTC))
        feeds.update_feed(session, replace(feed, state=FeedState.GONE, due_at=None))
    done = CliRunner().invoke(app, ["feeds", "add", URL])
    assert done.exit_code == 0, done.output
    with database.read() as session:
        held = feeds.get_feed(session, URL)
    database.close()
    assert held.state is FeedState.ACTIVE
    assert held.due_at is not None
