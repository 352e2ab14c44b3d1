"""Backups and restores of a SQLite file: never onto itself, and nothing that was there is lost."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage import articles
from storage.database import Database
from storage.errors import DatabaseError
from storage.keeping import backup, prove_sqlite, restore
from storage.occupancy import lock_path
from tests.support.postgres import Postgres
from tests.support.stored import store_article, store_story


@pytest.fixture
def live(tmp_path: Path) -> Database:
    """A file that others have open, with one article."""
    return begin(tmp_path / "live.db")


def begin(path: Path) -> Database:
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    with database.write() as session:
        store_story(session)
    store(database, 1)
    return database


def store(database: Database, number: int) -> None:
    with database.write() as session:
        store_article(session, number)


def count(path: Path) -> int:
    database = Database(f"sqlite:///{path}")
    with database.read() as session:
        found = articles.count_articles(session)
    database.close()
    return found


def other_names(folder: Path) -> list[Path]:
    """The live file by its name, by a link to it, by a link to its folder, as a hard link and roundabout."""
    (folder / "link.db").symlink_to(folder / "live.db")
    (folder / "there").symlink_to(folder, target_is_directory=True)
    os.link(folder / "live.db", folder / "hard.db")
    (folder / "sub").mkdir()
    return [
        folder / "live.db",
        folder / "link.db",
        folder / "there" / "live.db",
        folder / "hard.db",
        folder / "sub" / ".." / "live.db",
        Path(os.path.relpath(folder / "live.db")),
    ]


def test_the_database_is_never_backed_up_onto_itself(live: Database, tmp_path: Path) -> None:
    number = (tmp_path / "live.db").stat().st_ino
    for name in other_names(tmp_path):
        with pytest.raises(DatabaseError, match=r"this is the database itself .*name another file for the backup"):
            backup(live, name)
    assert (tmp_path / "live.db").stat().st_ino == number
    store(live, 2)
    live.close()
    assert count(tmp_path / "live.db") == 2


def test_a_database_that_is_a_link_is_not_replaced_behind_it(live: Database, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "live.db")
    linked = Database(f"sqlite:///{tmp_path}/link.db")
    for name in ("live.db", "live.db-wal", "link.db"):
        with pytest.raises(DatabaseError, match="this is the database itself"):
            backup(linked, tmp_path / name)
    store(live, 2)
    assert count(tmp_path / "link.db") == 2


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".lock"])
def test_what_belongs_to_the_database_is_no_place_for_a_backup(live: Database, tmp_path: Path, suffix: str) -> None:
    lock_path(tmp_path / "live.db").touch()
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DatabaseError, match="this is the database itself"):
        backup(live, tmp_path / f"live.db{suffix}")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_database_with_the_name_of_a_half_written_backup_stays(tmp_path: Path) -> None:
    database = begin(tmp_path / "s.db.partial")
    with pytest.raises(DatabaseError, match="this is the database itself"):
        backup(database, tmp_path / "s.db")
    database.close()
    assert count(tmp_path / "s.db.partial") == 1


def test_a_database_is_not_restored_from_itself(live: Database, tmp_path: Path) -> None:
    for name in other_names(tmp_path):
        with pytest.raises(DatabaseError, match=r"this is the database itself .*nothing was changed"):
            restore(name, live, overwrite=True)
    assert not (tmp_path / "live.db.before-restore").exists()
    assert count(tmp_path / "live.db") == 1


def test_each_restore_keeps_what_was_there(live: Database, tmp_path: Path) -> None:
    backup(live, tmp_path / "saved.db")
    kept = []
    for number in (2, 3, 4):
        store(live, number)
        kept.append(restore(tmp_path / "saved.db", live, overwrite=True))
        store(live, number + 10)
    names = ["live.db.before-restore", "live.db.before-restore-2", "live.db.before-restore-3"]
    assert kept == [tmp_path / name for name in names]
    assert [count(path) for path in kept if path] == [2, 3, 3]
    assert count(tmp_path / "live.db") == 2
    assert not (tmp_path / "live.db.partial").exists()


def test_a_restore_into_nothing_keeps_nothing(live: Database, tmp_path: Path) -> None:
    backup(live, tmp_path / "saved.db")
    (tmp_path / "empty.db").touch()
    for name in ("new.db", "empty.db"):
        assert restore(tmp_path / "saved.db", Database(f"sqlite:///{tmp_path}/{name}")) is None
        assert count(tmp_path / name) == 1


def test_a_damaged_file_is_replaced_by_a_backup_and_kept_as_it_was(live: Database, tmp_path: Path) -> None:
    backup(live, tmp_path / "saved.db")
    live.close()
    damaged = b"no database at all" * 1000
    (tmp_path / "live.db").write_bytes(damaged)
    kept = restore(tmp_path / "saved.db", live, overwrite=True)
    assert kept == tmp_path / "live.db.before-restore"
    assert kept.read_bytes() == damaged
    assert count(tmp_path / "live.db") == 1


def test_a_dump_of_a_server_is_named_as_such(live: Database, tmp_path: Path) -> None:
    (tmp_path / "dump").write_bytes(b"PGDMP\x01\x0e\x00 and so on")
    with pytest.raises(DatabaseError, match=r"dump: a backup of a PostgreSQL database, and .*live.db is SQLite: "):
        restore(tmp_path / "dump", live, overwrite=True)
    assert count(tmp_path / "live.db") == 1


@pytest.mark.postgres
def test_a_file_is_not_taken_for_a_dump(live: Database, tmp_path: Path, migrated_postgres: Postgres) -> None:
    backup(live, tmp_path / "saved.db")
    server = Database(migrated_postgres.url("storywatch_template"))
    try:
        with pytest.raises(DatabaseError, match=r"saved.db: a backup of a SQLite database, and .* is PostgreSQL: "):
            restore(tmp_path / "saved.db", server, overwrite=True)
        server.check()
    finally:
        server.close()


def test_names_with_signs_of_addresses_are_files_all_the_same(live: Database, tmp_path: Path) -> None:
    target = tmp_path / "a?b#c%41.db"
    backup(live, target)
    assert prove_sqlite(target)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT count(*) FROM articles").fetchone() == (1,)
