"""`storywatch backup`, `restore`, `prune`, `verify`: take what is stored along, keep it sound."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from sqlmodel import Session

from monitor.cli.context import clock, opened_database, settings
from monitor.cli.output import console
from monitor.settings_model import read_duration
from storage.articles import require_source
from storage.database import Database
from storage.errors import StorywatchError
from storage.keeping import (
    backup,
    count_droppable,
    count_packable,
    drop_texts,
    find_problems,
    pack_texts,
    restore,
    vacuum,
)
from storage.stories import get_story


def backup_command(target: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Copy the database as it is at one moment; the service may go on running."""
    with opened_database() as database:
        size = backup(database, target)
    # What pg_dump writes is proved only where it is restored.
    how = "proved sound" if database.is_sqlite else "written whole by pg_dump"
    console().print(f"{target}: {size / 1e6:.1f} MB, {how}")


def restore_command(
    source: Annotated[Path, typer.Argument(help="A backup.")],
    overwrite: Annotated[
        bool, typer.Option(help="Replace the database that is there (of a SQLite file a copy is kept).")
    ] = False,
) -> None:
    """Put a backup in the place of the database. Stop the service first."""
    database = Database(settings().database_url)
    try:
        kept = restore(source, database, overwrite=overwrite)
    finally:
        database.close()
    console().print(f"{database.label} is as it was in {source}.")
    if kept is not None:
        console().print(f"What it held before is kept in {kept}.", soft_wrap=True)


def verify_command(story: Annotated[str | None, typer.Option(help="Only this story.")] = None) -> None:
    """Prove that what is stored is sound: every figure still stands in the article that it was taken from."""
    count = 0
    with opened_database() as database, database.read() as session:
        if story is not None:
            get_story(session, story)
        for problem in find_problems(session, story):
            console().print(Text(f"{problem.where}: {problem.message}", style="red"))
            count += 1
    if count:
        raise StorywatchError(f"{count} problems; restore a backup with: storywatch restore FILE --overwrite")
    console().print("Sound: every claim and every piece of evidence stands where it says.")


def prune_command(
    pack_after: Annotated[str, typer.Option(help="Compress texts older than this.")] = "30d",
    drop_after: Annotated[str | None, typer.Option(help="Drop texts older than this; claims and quotes stay.")] = None,
    story: Annotated[str | None, typer.Option(help="Drop only of this story.")] = None,
    source: Annotated[str | None, typer.Option(help="Drop only of this outlet.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Say how much it would be, and change nothing.")] = False,
) -> None:
    """Compress old texts, drop those that need not be kept, and give back the space."""
    now = clock()()
    packed_before = now - _duration(pack_after)
    dropped_before = None if drop_after is None else now - _duration(drop_after)
    with opened_database() as database:
        with database.read() as session:
            if story is not None:
                get_story(session, story)
            if source is not None:
                require_source(session, source)
            if dry_run:
                packed, dropped = count_packable(session, before=packed_before), 0
                if dropped_before is not None:
                    dropped = count_droppable(session, before=dropped_before, story=story, source=source)
                console().print(f"{packed} texts would be compressed, those of {dropped} articles dropped.")
                return
        packed = _until_none(database, partial(pack_texts, before=packed_before))
        dropped = 0
        if dropped_before is not None:
            chosen = partial(drop_texts, before=dropped_before, now=now, story=story, source=source)
            dropped = _until_none(database, chosen)
        vacuum(database)
    console().print(f"{packed} texts compressed, {dropped} dropped.")


def _until_none(database: Database, work: Callable[[Session], int]) -> int:
    """Do a work of parts, each in its own transaction, until nothing is left of it; returns how much it was."""
    total = 0
    while True:
        with database.write() as session:
            done = work(session)
        total += done
        if not done:
            return total


def _duration(text: str) -> timedelta:
    try:
        return timedelta(seconds=float(str(read_duration(text))))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
