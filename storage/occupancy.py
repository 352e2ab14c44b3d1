"""Who runs on a database: one service at a time, and no restore under a running one.

A lock of the operating system on a file beside the database, or a lock of a session on a server: both end with their
process, however that ends (kill -9 too).
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.database import Database, describe_error
from storage.errors import DatabaseError

# On a server, whoever decides what is due holds this advisory lock: a service in one process, or the leading scheduler.
LEADER_LOCK = 7_026_004
# A server may take so long (seconds) to see that the one who held it is gone.
PATIENCE = 15.0


class OccupiedError(DatabaseError):
    """Another process runs on this database."""

    retryable = False


@contextmanager
def occupy(database: Database, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a database for this process. Raises OccupiedError where another holds it, on a server after `patience` s."""
    if not database.is_sqlite:
        with _lead(database, patience):
            yield
        return
    if database.path is None:
        yield
        return
    with _opened(lock_path(database.path)) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OccupiedError(
                f"{database.path}: a storywatch service runs on this database; stop it first (it holds "
                f"{lock_path(database.path).name})"
            ) from error
        yield


def _opened(lock: Path) -> TextIO:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("a")
    except OSError as error:
        raise DatabaseError(
            f"{lock}: cannot be written ({error.strerror}): give this user the right to write in that folder"
        ) from error


@contextmanager
def _lead(database: Database, patience: float) -> Iterator[None]:
    until = time.monotonic() + patience
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            while not session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LEADER_LOCK}).scalar():
                if time.monotonic() >= until:
                    raise OccupiedError(
                        f"{database.label}: a storywatch service or scheduler runs on this database; stop it first, or "
                        "start 'storywatch page' and 'storywatch worker' beside it"
                    )
                time.sleep(0.25)
            try:
                yield
            finally:
                # The lock ends with its session, but the server notices a closed one only after a while.
                with suppress(DBAPIError):
                    session.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LEADER_LOCK})
                session.invalidate()
    except DBAPIError as error:
        raise describe_error(error, database.label) from error


def lock_path(path: Path) -> Path:
    """The file beside a database whose lock tells that a service runs on it."""
    return path.with_name(path.name + ".lock")
