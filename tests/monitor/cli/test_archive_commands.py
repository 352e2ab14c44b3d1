"""What researchers ask of a filled archive, and what they take along, through the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from monitor.cli.main import app
from storage.database import Database
from storage.errors import NotFoundError
from tests.monitor.web import archive

STORY = archive.KAZAKHSTAN.slug


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    database = Database(f"sqlite:///{tmp_path}/data/storywatch.db")
    database.upgrade()
    archive.fill(database)
    database.close()
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.mark.usefixtures("folder")
class TestResearch:
    def test_who_reported_a_figure_first_and_who_followed(self) -> None:
        first = run_json("research", "first", "killed", "--story", STORY)
        assert [(one["claim"]["value"], one["source"]) for one in first] == [
            (44, "Capital Post"),
            (164, "Steppe Wire"),
            (225, "Steppe Wire"),
            (237, "Rights Watchers"),
        ]
        table = run("research", "first", "killed", "164", "--story", STORY)
        assert table.index("Steppe Wire") < table.index("Capital Post") < table.index("Almaty Courier")
        assert "1.6 h" in table
        assert "Nobody" in run("research", "first", "killed", "7", "--story", STORY)

    def test_how_long_each_outlet_took_to_correct(self) -> None:
        found = run_json("research", "corrections", "--story", STORY)
        assert {one["source"]: one["delay_seconds"] for one in found} == {
            "Steppe Wire": 0,
            "Capital Post": (15 * 60 + 50) * 60,
            "Almaty Courier": None,
        }
        assert "not yet" in run("research", "corrections", "killed", "--story", STORY)

    def test_which_articles_still_carry_a_withdrawn_figure(self) -> None:
        (record,) = run_json("research", "carriers", "--story", STORY)
        assert {one["source"] for one in record["claims"]} == {"Steppe Wire", "Almaty Courier"}
        earlier = run("research", "carriers", "--story", STORY, "--as-known-at", "2022-01-10T06:00")
        assert "Capital Post" in earlier

    def test_all_positions_of_an_origin(self) -> None:
        found = run_json("research", "positions", "health ministry", "--story", STORY)
        assert {one["position"]["origin"] for one in found} == {"Health Ministry"}
        assert "103" in run("research", "positions", "Health Ministry", "--story", STORY)

    def test_what_is_not_there_is_answered_with_what_is(self) -> None:
        with pytest.raises(NotFoundError, match=f"{STORY}/killed/people//almaty/"):
            run("research", "first", "kiled", "--story", STORY)
        with pytest.raises(NotFoundError, match="Health Ministry"):
            run("research", "positions", "nobody", "--story", STORY)


@pytest.mark.usefixtures("folder")
def test_a_search_that_finds_nothing_asks_what_was_meant() -> None:
    assert "Did you mean: prosecutors" in run("search", "prosecuters")
    assert "Did you mean" not in run("search", "zzzzzzz")
    assert "Did you mean" not in run("search", "prosecutors")


def test_the_index_is_made_anew_where_it_is_lost(folder: Path) -> None:
    database = Database(f"sqlite:///{folder}/data/storywatch.db")
    with database.write() as session:
        session.execute(text("DELETE FROM search_documents"))
        session.execute(text("INSERT INTO search_index (search_index) VALUES ('delete-all')"))
    database.close()
    assert "Nothing stored" in run("search", "prosecutors")
    lost = CliRunner().invoke(app, ["verify"])
    assert "storywatch db reindex" in lost.output.replace("\n", " ")
    assert "13 articles indexed anew" in run("db", "reindex").replace("\n", " ")
    assert "225 dead" in run("search", "prosecutors")
