"""One service on a database file, and no restore under it; the lock ends with the process that held it."""

import subprocess
import sys
from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import DatabaseError
from storage.keeping import backup, restore
from storage.occupancy import OccupiedError, lock_path, occupy
from tests.support.postgres import Postgres

HOLDER = """
import sys, time
from storage.database import Database
from storage.errors import DatabaseError
from storage.occupancy import occupy
with occupy(Database(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_is_told_who_is_there(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/s.db")
    with occupy(database), pytest.raises(OccupiedError, match="stop it first"), occupy(database):
        pass
    with occupy(database):
        assert lock_path(tmp_path / "s.db").exists()


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    lock_path(tmp_path / "s.db").mkdir()  # nobody can open this for writing, root neither
    told = pytest.raises(DatabaseError, match=r"s\.db\.lock: cannot be written .*: give this user the right to write")
    with told, occupy(Database(f"sqlite:///{tmp_path}/s.db")):
        pass


def test_the_lock_of_a_killed_process_is_gone_with_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    database = Database(url)
    with pytest.raises(OccupiedError), occupy(database):
        pass
    holder.kill()
    holder.communicate()
    with occupy(database):
        pass


def test_a_restore_under_a_running_service_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/s.db")
    database.upgrade()
    saved = tmp_path / "saved.db"
    backup(database, saved)
    before = (tmp_path / "s.db").read_bytes()
    with occupy(database), pytest.raises(OccupiedError):
        restore(saved, Database(database.url), overwrite=True)
    assert (tmp_path / "s.db").read_bytes() == before
    restore(saved, Database(database.url), overwrite=True)


@pytest.mark.postgres
def test_on_a_server_too_one_decides_what_is_due(migrated_postgres: Postgres) -> None:
    url = migrated_postgres.create("occupied")
    database, other = Database(url), Database(url)
    with occupy(database), pytest.raises(OccupiedError, match="stop it first"), occupy(other, patience=0):
        pass
    with occupy(other, patience=0):
        pass
    database.close()
    other.close()
    migrated_postgres.drop("occupied")
