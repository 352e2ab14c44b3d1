"""`storywatch replay` and `storywatch import`: whole archives through the real pipeline."""

import json
import sys
import tempfile
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from monitor.archive import Report, in_order, read_report, take_report
from monitor.cli.context import clock, opened_database, settings
from monitor.cli.json_lines import LineError, read_objects
from monitor.cli.output import console, say_error
from monitor.intake import Taken
from monitor.ledger.replay import revision_line
from monitor.saved_pages import is_saved, read_saved
from monitor.stories.seed import load_seed
from monitor.taking_up import make_watch, take_up_seeds
from monitor.watch import Watch
from storage import claims, stories
from storage.database import Database

JsonLines = Annotated[bool, typer.Option("--jsonl", help="Read and write JSON lines (the only format).")]


class Matching(StrEnum):
    """Which reports of a replay belong to its story."""

    AUTO = "auto"
    ALL = "all"


def replay_command(
    seed: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The story.")],
    jsonl: JsonLines = True,
    match: Annotated[
        Matching, typer.Option(help="'all' takes every report as the story's; 'auto' asks the matcher.")
    ] = Matching.AUTO,
) -> None:
    """Replay dated reports (standard input) of one story on a scratch store; a line a revision, in ledger order."""
    story = load_seed(seed)
    reports = in_order(_read_lines(sys.stdin.buffer))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/replay.db")
        database.upgrade()
        watch = Watch([story])
        if reports:
            with database.write() as session:
                stories.add_story(session, story, now=reports[0][0])
        forced = (story.slug,) if match is Matching.ALL else ()
        ids = {}
        matched = 0
        for learned_at, report in reports:
            ids[report.url] = report.report_id
            with database.write() as session:
                taken = take_report(session, watch, report, forced=forced, now=learned_at)
            matched += bool(taken.stories)
        with database.read() as session:
            for revision in claims.list_revisions(session, story.slug):
                line = revision_line(revision)
                line["report_ids"] = [ids.get(url, url) for url in line["report_ids"]]
                print(json.dumps(line, ensure_ascii=False))
        database.close()
    if not forced:
        print(f"{matched} of {len(reports)} reports matched; '--match all' takes every one", file=sys.stderr)


def import_command(
    path: Annotated[
        Path, typer.Argument(exists=True, help="JSON lines, a folder of HTML pages, or a WARC file (.warc, .warc.gz).")
    ],
    jsonl: JsonLines = True,
) -> None:
    """Store reports of an old archive through the whole pipeline, with their dates; nobody is told."""
    current = settings()
    now = clock()()
    reports = [report for _, report in in_order(_read_archive(path))]
    with opened_database(current, create=True) as database:
        for complaint in take_up_seeds(database, current.seeds, now=now).complaints:
            print(complaint, file=sys.stderr)
        watch = make_watch(database, current)
        taken: list[Taken] = []
        for report in track(
            reports, description="importing", disable=len(reports) < 200, console=console(), transient=True
        ):
            with database.write() as session:
                taken.append(take_report(session, watch, report, now=now, silent=True))
    new = sum(one.is_new for one in taken)
    matched = sum(bool(one.stories) for one in taken)
    print(
        f"{new} reports stored, {len(taken) - new} known already, {matched} of a story, "
        f"{sum(one.claims for one in taken)} claims"
    )


def _read_archive(path: Path) -> list[Report]:
    """The reports of a file or folder; pages that hold no article are named on standard error."""
    if is_saved(path):
        saved = read_saved(path)
        for line in saved.skipped:
            say_error(f"skipped: {line}")
        return list(saved.reports)
    with path.open("rb") as lines:
        return _read_lines(lines, name=str(path))


def _read_lines(lines: Iterable[bytes], *, name: str = "standard input") -> list[Report]:
    found = []
    for place, held in read_objects(lines, name=name, texts=("title", "text", "published", "source", "url", "lang")):
        try:
            found.append(read_report(held))
        except ValueError as error:
            raise LineError(f"{place}: {error} (docs/formats.md)") from error
    return found
