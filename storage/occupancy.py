"""Who runs on a database file: one service at a time, and no restore under a running one.

A lock of the operating system on a file beside the database: it ends with its process, however that ends (kill -9 too).
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.database import Database
from storage.errors import DatabaseError


class OccupiedError(DatabaseError):
    """Another process runs on this database."""

    retryable = False


@contextmanager
def occupy(database: Database) -> Iterator[None]:
    """Hold a database file for this process; a server needs no holding. Raises OccupiedError where another holds it."""
    if database.path is None:
        yield
        return
    lock = lock_path(database.path)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OccupiedError(
                f"{database.path}: a storywatch service runs on this database; stop it first (it holds {lock.name})"
            ) from error
        yield


def lock_path(path: Path) -> Path:
    """The file beside a database whose lock tells that a service runs on it."""
    return path.with_name(path.name + ".lock")
