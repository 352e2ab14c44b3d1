"""A real PostgreSQL server for the tests: started in a folder of its own, on a free loopback port, and stopped at the end.

PostgreSQL refuses to run as root, so that root starts it as the user `postgres`. Where its programs are missing the
tests fail and say what to install: a database that is promised is a database that is tested.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

_WHERE = ("/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin")


class MissingPostgresError(RuntimeError):
    """PostgreSQL's server programs are not installed: `apt-get install postgresql-15`, or put initdb and pg_ctl on the PATH."""


@dataclass(frozen=True)
class Postgres:
    """A running server; `url` names its maintenance database."""

    port: int
    folder: Path

    def url(self, name: str = "postgres") -> str:
        """The address of one database of this server, as settings write it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> str:
        """Make an empty database; returns its address."""
        self.command(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Take a database away, whoever is still connected."""
        self.command(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def restart(self) -> None:
        """Stop the server at once, as a crash would, and start it again."""
        _run(_program("pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "60", "-m", "immediate", "-l",
             str(self.folder / "log"), "restart")  # fmt: skip

    def pids(self) -> list[int]:
        """The server's processes as they are now: the first of them, and a process for each session and chore."""
        first = int((self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii")
        return [first, *map(int, children.split())]

    def dump(self, name: str, path: Path) -> None:
        """Write a database to a file, as SQL."""
        done = subprocess.run(
            [_program("pg_dump"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name],
            capture_output=True,
            check=True,
        )
        path.write_bytes(done.stdout)

    def command(self, statement: str) -> None:
        """Run one statement outside a transaction in the maintenance database."""
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextlib.contextmanager
def running_postgres(*, place: str = "/tmp", **settings: str) -> Iterator[Postgres]:
    """A fresh server with these settings, its folder below `place`. Raises MissingPostgresError."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="storywatch-pg-", dir=place))
    folder.chmod(0o777)
    data = folder / "data"
    port = _free_port()
    try:
        _run(initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        chosen = {"fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder)} | settings
        options = " ".join(f"-c {name}={value}" for name, value in chosen.items())
        log = str(folder / "log")
        _run(pg_ctl, "-D", str(data), "-w", "-t", "60", "-l", log, "-o", f"-p {port} {options}", "start")
        try:
            yield Postgres(port=port, folder=folder)
        finally:
            _run(pg_ctl, "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join((*_WHERE, os.environ.get("PATH", ""))))
    if found is None:
        raise MissingPostgresError(f"{name} is not here: apt-get install postgresql-15 (or put it on the PATH)")
    return found


def _run(*command: str) -> None:
    prefix = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    done = subprocess.run([*prefix, *command], capture_output=True, text=True, cwd="/tmp", check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended {done.returncode}: {done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
