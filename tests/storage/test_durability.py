"""What is committed stays, whole, whatever happens to the process, the disk or the other processes; on SQLite."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage import articles, claims, keeping, meta
from storage.database import Database
from storage.errors import DatabaseError
from storage.search_parts import prove_parts
from tests.support.stored import claim, store_article, store_story

# Run by another process: stores articles with their claims until it is killed, and says after each commit which it was.
WRITER = """
import sys
sys.path.insert(0, ".")
from storage import articles, claims
from storage.database import Database
from tests.support.stored import claim, new_article
database = Database(sys.argv[1])
first, last = int(sys.argv[2]), int(sys.argv[3])
for number in range(first, last):
    with database.write() as session:
        stored = articles.add_article(session, new_article(number))
        claims.add_claims(session, [claim(f"c{number}", article_id=stored.article_id)])
    print(number, flush=True)
"""
# … and reads until its time is over, saying how often it could.
READER = """
import sys, time
sys.path.insert(0, ".")
from storage import articles, claims
from storage.database import Database
from storage.search import search_articles
database = Database(sys.argv[1])
reads, until = 0, time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    with database.read() as session:
        assert articles.count_articles(session) == len(claims.list_claims(session, "unrest"))
        search_articles(session, "ministry", limit=3)
    reads += 1
print(reads)
"""


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Database]:
    """A database in a file with one story."""
    database = Database(f"sqlite:///{tmp_path}/storywatch.db")
    database.upgrade()
    with database.write() as session:
        store_story(session)
    yield database
    database.close()


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def prove(database: Database) -> int:
    """Nothing half-stored and nothing that contradicts itself; returns how many articles there are."""
    with database.read() as session:
        assert list(keeping.find_problems(session)) == []
        prove_parts(session)
        count = articles.count_articles(session)
        assert count == len(claims.list_claims(session, "unrest"))
        return count


def test_a_writer_killed_in_the_middle_of_commits_loses_nothing_that_it_committed(stored: Database) -> None:
    committed = 0
    for round_number in range(4):
        writer = start(WRITER, stored.url, committed, committed + 200)
        assert writer.stdout is not None
        last = committed - 1
        for line in writer.stdout:
            last = int(line)
            if last >= committed + 8 + round_number * 5:
                os.kill(writer.pid, signal.SIGKILL)
                break
        rest = writer.stdout.read().split()
        writer.wait()
        writer.communicate()
        last = int(rest[-1]) if rest else last
        count = prove(stored)
        assert count in (last + 1, last + 2)  # one more may have been committed and never said
        committed = count


def test_a_copy_of_the_files_at_any_moment_of_a_write_is_sound(stored: Database, tmp_path: Path) -> None:
    """As after a power cut: the database and its log as they lie on the disk, copied while a writer works."""
    writer = start(WRITER, stored.url, 0, 60)
    assert stored.path is not None
    assert writer.stdout is not None
    for number, line in enumerate(writer.stdout):
        if number % 6:
            continue
        folder = tmp_path / f"copy{number}"
        folder.mkdir()
        # The log first: what is folded into the file meanwhile is then in both, never in neither.
        for suffix in ("-wal", ""):
            source = Path(f"{stored.path}{suffix}")
            if source.exists():
                shutil.copyfile(source, folder / source.name)
        if (folder / f"{stored.path.name}-wal").stat().st_size == 0:
            continue
        copy = Database(f"sqlite:///{folder}/{stored.path.name}")
        assert prove(copy) >= int(line)
        copy.close()
    writer.communicate()
    assert prove(stored) == 60


def test_many_processes_read_while_two_write(stored: Database) -> None:
    """bench.crowd does this for a minute with eight readers; here it is short."""
    writers = [start(WRITER, stored.url, first, first + 25) for first in (0, 1000)]
    readers = [start(READER, stored.url, 3) for _ in range(4)]
    for process in (*writers, *readers):
        said, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        assert said
    assert prove(stored) == 50


def test_a_database_that_another_process_holds_is_waited_for_and_then_named(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.database.BUSY_SECONDS", 0.05)
    impatient = Database(stored.url)
    with closing(sqlite3.connect(str(stored.path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="held the database") as raised, impatient.write():
            pass
        assert raised.value.retryable
        with impatient.read() as session:
            assert articles.count_articles(session) == 0
    with impatient.write() as session:
        store_article(session)
    impatient.close()


def refusal(database: Database, number: int) -> DatabaseError | None:
    """The error that storing a long article raises, if it does."""
    try:
        with database.write() as session:
            store_article(session, number, text="word " * 2_000)
            claims.add_claims(session, [claim(f"c{number}")])
    except DatabaseError as error:
        return error
    return None


def test_a_full_disk_is_named_and_nothing_is_half_stored(stored: Database) -> None:
    with stored.engine.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    refusals = [error for number in range(20) if (error := refusal(stored, number))]
    assert refusals
    assert all(error.retryable and "disk is full: free some space" in str(error) for error in refusals)
    with stored.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    with stored.write() as session:
        store_article(session, 99)
        claims.add_claims(session, [claim("c99")])
    prove(stored)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////proc/nowhere/x.db", "folder for the database cannot be made"),
        ("nonsense", "write sqlite:///path"),
        ("oracle://x", "write sqlite:///path"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", "cannot be reached"),
    ],
)
def test_an_address_that_leads_nowhere_is_named(url: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message):
        Database(url).upgrade()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"something else " * 500)
    with pytest.raises(DatabaseError, match="no SQLite database"):
        Database(f"sqlite:///{tmp_path}/x.db").upgrade()


def test_a_password_is_never_shown() -> None:
    with pytest.raises(DatabaseError) as raised:
        Database("postgresql+psycopg://user:hush@127.0.0.1:1/none").upgrade()
    assert "hush" not in str(raised.value)


def test_a_database_in_memory_lives_as_long_as_its_object() -> None:
    database = Database("sqlite://")
    database.upgrade()
    with database.write() as session:
        meta.set_fact(session, "a", "1")
    with database.read() as session:
        assert meta.find_fact(session, "a") == "1"


def test_commits_reach_the_disk_before_they_return(stored: Database) -> None:
    with stored.engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_longer_wait_is_not_slept_through(stored: Database) -> None:
    """A reader is answered at once while a writer holds the database."""
    with stored.write() as session:
        store_article(session)
        started = time.monotonic()
        with stored.read() as reader:
            assert articles.count_articles(reader) == 0
        assert time.monotonic() - started < 5
