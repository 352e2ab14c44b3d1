"""`storywatch backup`, `restore`, `verify` and `prune` as they are typed: what they say, and what they refuse."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor.cli.main import app
from storage.database import Database
from tests.support.stored import store_article, store_story


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose database holds a story with two articles."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("STORYWATCH_DATABASE_URL", "sqlite:///s.db")
    fill(2)
    return tmp_path


def fill(count: int) -> None:
    database = Database("sqlite:///s.db")
    database.upgrade()
    with database.write() as session:
        store_story(session)
        for number in range(1, count + 1):
            store_article(session, number)
    database.close()


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_backup_onto_the_database_fails_and_touches_nothing(folder: Path) -> None:
    number = (folder / "s.db").stat().st_ino
    done = run("backup", "s.db")
    assert done.exit_code == 1
    assert "s.db: this is the database itself (s.db): nothing was copied" in str(done.exception)
    assert (folder / "s.db").stat().st_ino == number
    assert run("verify").exit_code == 0


def test_a_restore_names_the_copy_that_it_kept() -> None:
    assert run("backup", "copy.db").exit_code == 0
    for name in ("s.db.before-restore", "s.db.before-restore-2"):
        said = run("restore", "copy.db", "--overwrite").stdout
        assert f"What it held before is kept in {name}.\n" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("prune --story nope", "no story is called 'nope'; stories: unrest"),
        ("prune --drop-after 1d --story nope", "no story is called 'nope'; stories: unrest"),
        ("prune --drop-after 1d --source nope", "no article is of an outlet 'nope'; outlets: Tengrinews"),
        ("verify --story nope", "no story is called 'nope'; stories: unrest"),
    ],
)
def test_names_that_nothing_has_are_refused(words: str, said: str) -> None:
    done = run(*words.split())
    assert done.exit_code == 1
    assert said in str(done.exception)


def test_a_wrong_duration_is_refused_before_anything_is_done(folder: Path) -> None:
    assert run("prune", "--pack-after", "0", "--drop-after", "soon").exit_code == 2
    with closing(sqlite3.connect(folder / "s.db")) as connection:
        assert connection.execute("SELECT count(text) FROM article_versions").fetchone() == (2,)


def test_all_that_is_meant_is_dropped_however_much() -> None:
    fill(520)
    assert "520 dropped" in run("prune", "--drop-after", "1d", "--source", "Tengrinews").stdout
    assert "0 dropped" in run("prune", "--drop-after", "1d").stdout


def test_a_dry_run_tells_what_the_same_command_does_and_does_nothing(folder: Path) -> None:
    words = ("prune", "--pack-after", "0", "--drop-after", "1d", "--source", "Tengrinews")
    for _ in range(2):
        assert run(*words, "--dry-run").stdout == "2 texts would be compressed, those of 2 articles dropped.\n"
    with closing(sqlite3.connect(folder / "s.db")) as connection:
        assert connection.execute("SELECT count(text) FROM article_versions").fetchone() == (2,)
    assert run(*words).stdout == "2 texts compressed, 2 dropped.\n"
    assert run(*words, "--dry-run").stdout == "0 texts would be compressed, those of 0 articles dropped.\n"
