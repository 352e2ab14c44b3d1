"""Keeping the archive for years: backup while running, restore, old texts packed or dropped, integrity proved."""

import itertools
import os
import shutil
import sqlite3
import subprocess  # pg_dump and pg_restore are PostgreSQL's own way to copy itself
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text, update
from sqlalchemy.engine import make_url
from sqlmodel import Session

from storage import schema
from storage.articles import belongs
from storage.claims import list_claims, list_revisions
from storage.codec import pack_text
from storage.database import Database
from storage.errors import DatabaseError
from storage.occupancy import PATIENCE, occupy
from storage.records import IntegrityProblem
from storage.search_index import remove_documents, text_of, touch
from storage.search_parts import compact_parts
from storage.tables import ALIASES, ARTICLES, DOCUMENTS, MATCHES, VERSIONS
from storage.writing import chunks, is_postgres

_PART = 500
_COMPANIONS = ("-wal", "-shm", "-journal")
# What the files begin with that SQLite and pg_dump write.
_HEADS = {b"SQLite format 3\0": "SQLite", b"PGDMP": "PostgreSQL"}

# --- backup and restore -----------------------------------------------------------------------


def backup(database: Database, target: Path) -> int:
    """Copy the database as it is at one moment, while others go on writing; returns the copy's size in bytes.

    SQLite gives a database file that can be opened as it is, PostgreSQL an archive for pg_restore. The copy appears
    under its name only when it is whole, on SQLite proved sound. Raises DatabaseError, as for the database as target.
    """
    if database.is_sqlite and database.path is None:
        raise DatabaseError("a database in memory cannot be backed up: set database_url to a file")
    database.require_begun()
    partial = target.with_name(target.name + ".partial")
    _refuse_own(database, target, partial, advice="nothing was copied; name another file for the backup")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        if database.path is not None:
            _copy_sqlite(database.path, partial)
        else:
            url = make_url(database.url)
            _run_postgres("pg_dump", database, "--format=custom", f"--file={partial}", str(url.database))
        partial.replace(target)
        return target.stat().st_size
    except OSError as error:
        raise DatabaseError(f"{target}: {error.strerror or error}: choose a place that can be written") from error
    finally:
        with suppress(OSError):
            partial.unlink()


def restore(source: Path, database: Database, *, overwrite: bool = False, patience: float = PATIENCE) -> Path | None:
    """Put a backup in the place of a database, once it is proved sound and of a schema that we know; then upgrade it.

    Refused where a service runs on the database (OccupiedError; a server is asked for `patience` seconds). A database
    that holds something is replaced only with `overwrite`, and on SQLite kept beside as `….before-restore`, then
    `….before-restore-2` and so on; returns that copy. Raises DatabaseError, SchemaVersionError.
    """
    kept = None
    if not source.is_file():
        raise DatabaseError(f"{source}: there is no such backup")
    _refuse_own(database, source, advice="nothing was changed; name a backup of it")
    try:
        _require_kind(source, database)
        with occupy(database, patience=patience):
            if database.path is not None:
                kept = _restore_sqlite(source, database.path, database, overwrite=overwrite)
            else:
                _restore_postgres(source, database, overwrite=overwrite)
    except OSError as error:
        raise DatabaseError(f"{source}: {error.strerror or error}") from error
    database.upgrade()
    return kept


def prove_sqlite(path: Path) -> str:
    """Prove that a file is a sound database of a schema that we know; returns its version. Raises DatabaseError."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            # What an older schema should have, nobody tells any more.
            is_newest = version == schema.newest_version()
            missing = schema.find_missing(connection.execute, is_sqlite=True) if is_newest else []
    except sqlite3.Error as error:
        raise DatabaseError(f"{path}: no sound Storywatch database: {error}") from error
    if verdict != "ok":
        raise DatabaseError(f"{path}: damaged: {verdict}")
    schema.require_known(version, str(path))
    schema.require_whole(missing, str(path))
    return str(version)


def find_damage(database: Database) -> str | None:
    """What SQLite finds wrong with the pages of its file, at a GB a second, indices left out; None for nothing.

    Only for SQLite. Raises DatabaseError for a file so damaged that it cannot be asked.
    """
    with database.read() as session:
        verdict = str(session.execute(text("PRAGMA quick_check(1)")).scalar_one())
    return None if verdict == "ok" else verdict


def vacuum(database: Database) -> None:
    """Give back the space that is no longer used, and let the database look at its own statistics. Takes its time."""
    if database.is_sqlite:
        with database.write() as session:
            compact_parts(session)
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("COMMIT")
            for command in ("VACUUM", "PRAGMA optimize", "PRAGMA wal_checkpoint(TRUNCATE)", "BEGIN"):
                connection.exec_driver_sql(command)
        else:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql("VACUUM (ANALYZE)")


def _refuse_own(database: Database, *files: Path, advice: str) -> None:
    """Raise DatabaseError where one of these is the database, or lies beside it as a part of it, by whatever name.

    What is put in the place of a file that others have open is not what they go on writing to.
    """
    if database.path is None:
        return
    # SQLite lays the companions beside the file that a link leads to.
    places = {database.path, database.path.resolve()}
    own = [place.with_name(place.name + suffix) for place in places for suffix in ("", *_COMPANIONS, ".lock")]
    for file in files:
        if any(_is_same(file, one) for one in own):
            raise DatabaseError(f"{file}: this is the database itself ({database.path}): {advice}")


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, through links too; of files that are not there, whether they would."""
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except OSError:
        return False


def _require_kind(source: Path, database: Database) -> None:
    """Raise DatabaseError where a backup was made of the other kind of database."""
    with source.open("rb") as opened:
        head = opened.read(max(map(len, _HEADS)))
    kind = next((kind for start, kind in _HEADS.items() if head.startswith(start)), None)
    wanted = "SQLite" if database.is_sqlite else "PostgreSQL"
    if kind is not None and kind != wanted:
        raise DatabaseError(
            f"{source}: a backup of a {kind} database, and {database.label} is {wanted}: a backup goes back into the "
            f"kind of database that it was made of; set database_url to a {kind} one"
        )


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        _copy_pages(source, target)
    except sqlite3.Error as error:
        raise DatabaseError(f"{target}: the backup failed: {error}; nothing was replaced") from error
    prove_sqlite(target)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _copy_pages(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source, timeout=30)) as origin, closing(sqlite3.connect(target)) as copy:
        # All pages in one step: in WAL it reads one moment and stops no writer; several steps would begin anew at
        # every write.
        origin.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")


def _restore_sqlite(source: Path, path: Path, database: Database, *, overwrite: bool) -> Path | None:
    """Put a proved backup in the place of a file; returns the copy of what was there."""
    prove_sqlite(source)
    if path.exists() and path.stat().st_size and not overwrite:
        raise DatabaseError(f"{path}: holds a database already: say --overwrite to replace it (a copy is kept)")
    kept = None
    partial = path.with_name(path.name + ".partial")
    try:
        shutil.copyfile(source, partial)
        database.close()
        if path.exists() and path.stat().st_size:
            kept = _free_name(path)
            _keep_sqlite(path, kept)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink()
    return kept


def _free_name(path: Path) -> Path:
    """A name beside a database for the copy of it that no earlier restore has taken."""
    names = itertools.chain((".before-restore",), map(".before-restore-{}".format, itertools.count(2)))
    return next(place for name in names if not (place := path.with_name(path.name + name)).exists())


def _keep_sqlite(path: Path, kept: Path) -> None:
    """Copy what is to be replaced, sound or not: a damaged file, too, may be all that somebody has."""
    try:
        _copy_pages(path, kept)
    except sqlite3.Error:
        for suffix in ("", *_COMPANIONS):
            part = path.with_name(path.name + suffix)
            if part.exists():
                shutil.copyfile(part, kept.with_name(kept.name + suffix))


def _restore_postgres(source: Path, database: Database, *, overwrite: bool) -> None:
    if database.schema_version() is not None and not overwrite:
        raise DatabaseError(f"{database.label}: holds a database already: say --overwrite to replace it")
    database.close()
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
    _run_postgres("pg_restore", database, *options, f"--dbname={make_url(database.url).database}", str(source))


def _run_postgres(program: str, database: Database, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise DatabaseError(f"{program} is not here: install PostgreSQL's client programs (postgresql-client)")
    url = make_url(database.url)
    where = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    environment = os.environ | {name: str(value) for name, value in where.items() if value}
    done = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # the program is PostgreSQL's, the arguments are ours
    if done.returncode:
        raise DatabaseError(f"{program} failed for {database.label}: {done.stderr.strip()}")


# --- retention --------------------------------------------------------------------------------


def pack_texts(session: Session, *, before: datetime, limit: int = _PART) -> int:
    """Compress the texts of versions fetched before a time; returns how many (call again until it is none)."""
    old = _packable(VERSIONS.c.version_id, VERSIONS.c.text, before=before).order_by(VERSIONS.c.fetched_at)
    rows = session.execute(old.limit(limit)).all()
    for row in rows:
        chosen = update(VERSIONS).where(VERSIONS.c.version_id == row.version_id)
        session.execute(chosen.values(text=None, packed=pack_text(row.text)))
    return len(rows)


def drop_texts(
    session: Session,
    *,
    before: datetime,
    now: datetime,
    story: str | None = None,
    source: str | None = None,
    limit: int = _PART,
) -> int:
    """Forget the texts of articles unchanged since a time, of one story or source or of all; returns how many articles.

    Titles, addresses, claims and the change log with its quoted sentences stay; the articles are found no more by words
    of the text. An article of another story too is kept for it. Call again until it is none.
    """
    query = _droppable(before=before, story=story, source=source)
    numbers = list(session.execute(query.order_by(ARTICLES.c.article_id).limit(limit)).scalars())
    remove_documents(session, numbers)
    gone = {"text": None, "packed": None, "dropped_at": now}
    session.execute(update(VERSIONS).where(VERSIONS.c.article_id.in_(numbers)).values(**gone))
    touch(session, numbers)
    return len(numbers)


def count_packable(session: Session, *, before: datetime) -> int:
    """How many texts `pack_texts` would compress."""
    return _count(session, _packable(VERSIONS.c.version_id, before=before))


def count_droppable(session: Session, *, before: datetime, story: str | None = None, source: str | None = None) -> int:
    """Of how many articles `drop_texts` would forget the texts."""
    return _count(session, _droppable(before=before, story=story, source=source))


def _packable(*columns: ColumnElement[Any], before: datetime) -> Select[Any]:
    return select(*columns).where(VERSIONS.c.fetched_at < before, VERSIONS.c.text.is_not(None))


def _droppable(*, before: datetime, story: str | None, source: str | None) -> Select[Any]:
    held = select(VERSIONS.c.article_id).where(VERSIONS.c.dropped_at.is_(None))
    query = select(ARTICLES.c.article_id).where(ARTICLES.c.last_changed_at < before, ARTICLES.c.article_id.in_(held))
    if source is not None:
        query = query.where(ARTICLES.c.source == source)
    if story is not None:
        matched = select(MATCHES.c.article_id).where(belongs())
        query = query.where(
            ARTICLES.c.article_id.in_(matched.where(MATCHES.c.story == story)),
            ARTICLES.c.article_id.not_in(matched.where(MATCHES.c.story != story)),
        )
    return query


def _count(session: Session, query: Select[Any]) -> int:
    return int(session.execute(select(func.count()).select_from(query.subquery())).scalar_one())


# --- integrity --------------------------------------------------------------------------------


def find_problems(session: Session, story: str | None = None) -> Iterator[IntegrityProblem]:
    """Everything in the database that contradicts itself; nothing, in a sound one. Reads all of it."""
    yield from _structure_problems(session)
    yield from _evidence_problems(session, story)
    yield from _claim_problems(session, story)
    yield from _index_problems(session)


def _structure_problems(session: Session) -> Iterator[IntegrityProblem]:
    if is_postgres(session):
        return
    for row in session.execute(text("PRAGMA integrity_check(20)")).scalars():
        if row != "ok":
            yield IntegrityProblem(where="database", message=f"the file is damaged: {row}; restore a backup")
    for row in session.execute(text("PRAGMA foreign_key_check")):
        yield IntegrityProblem(where=f"{row[0]} {row[1]}", message=f"points to a row of {row[2]} that is not there")


def _evidence_problems(session: Session, story: str | None) -> Iterator[IntegrityProblem]:
    """Every sentence that a revision rests on stands in some version of its article (or its text was dropped)."""
    for part in chunks(list_revisions(session, story)):
        quoted = [
            (revision, evidence)
            for revision in part
            for evidence in revision.evidence
            if evidence.url and evidence.quote
        ]
        texts = _texts_by_url(session, {evidence.url for _, evidence in quoted})
        for revision, evidence in quoted:
            where = f"revision {revision.revision_id}"
            if evidence.url not in texts:
                yield IntegrityProblem(where=where, message=f"quotes {evidence.url}, which is not stored")
                continue
            sought = evidence.sentence or evidence.quote
            held = texts[evidence.url]
            if None not in held and not any(sought in page for page in held if page is not None):
                yield IntegrityProblem(where=where, message=f"no version of {evidence.url} holds: {sought!r}")


def _claim_problems(session: Session, story: str | None) -> Iterator[IntegrityProblem]:
    """Every claim's quote stands at its place in the version that first carried it."""
    for part in chunks(claim for claim in list_claims(session, story) if claim.article_id and claim.claim.quote):
        versions = {
            (row.article_id, row.number): row
            for row in session.execute(
                select(VERSIONS).where(VERSIONS.c.article_id.in_({claim.article_id for claim in part}))
            )
        }
        for stamped in part:
            where, claim = f"claim {stamped.claim_id}", stamped.claim
            version = versions.get((stamped.article_id, stamped.version_first))
            if version is None:
                missing = f"article {stamped.article_id} has no version {stamped.version_first}"
                yield IntegrityProblem(where=where, message=missing)
            elif version.dropped_at is None:
                page = version.title if claim.field == "title" else text_of(version.text, version.packed)
                if page[claim.start : claim.end] != claim.quote:
                    yield IntegrityProblem(where=where, message=f"{claim.quote!r} does not stand at its place")


def _index_problems(session: Session) -> Iterator[IntegrityProblem]:
    held = session.execute(
        select(func.count()).select_from(VERSIONS).where(VERSIONS.c.dropped_at.is_(None))
    ).scalar_one()
    indexed = session.execute(select(func.count()).select_from(DOCUMENTS)).scalar_one()
    if held != indexed:
        message = f"{indexed} of {held} texts can be found: run storywatch db reindex"
        yield IntegrityProblem(where="search index", message=message)


def _texts_by_url(session: Session, urls: set[str]) -> dict[str, list[str | None]]:
    """Titles and texts of all versions of the articles that these addresses lead to; None for a dropped text."""
    texts: dict[str, list[str | None]] = {}
    for part in chunks(sorted(urls), 100):
        query = (
            select(ALIASES.c.alias, VERSIONS.c.title, VERSIONS.c.text, VERSIONS.c.packed, VERSIONS.c.dropped_at)
            .join(VERSIONS, VERSIONS.c.article_id == ALIASES.c.article_id)
            .where(ALIASES.c.alias.in_(part))
        )
        for row in session.execute(query):
            body = None if row.dropped_at is not None else text_of(row.text, row.packed)
            texts.setdefault(row.alias, []).extend((row.title, body))
    return texts
