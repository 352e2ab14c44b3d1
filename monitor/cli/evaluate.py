"""`storywatch replay` and `storywatch import`: whole archives through the real pipeline."""

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from monitor.archive import Outcome, Report, captures_in_order, in_order, read_report, take_capture, take_report
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
from storage.errors import StorywatchError

JsonLines = Annotated[bool, typer.Option("--jsonl", help="Read and write JSON lines (the only format).")]
_TEXTS = ("title", "text", "published", "fetched_at", "source", "url", "lang")


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
        Path,
        typer.Argument(
            exists=True,
            help="JSON lines, a folder of HTML pages (.html, .htm, .xhtml), or a WARC file (.warc, .warc.gz).",
        ),
    ],
    jsonl: Annotated[
        bool,
        typer.Option("--jsonl", help="Of no effect: the path tells what it is (a folder, .warc, else JSON lines)."),
    ] = True,
) -> None:
    """Store reports of an old archive through the whole pipeline, with their dates; nobody is told."""
    current = settings()
    ask_time = clock()
    reports = captures_in_order(_read_archive(path))
    with opened_database(current, create=True) as database:
        for complaint in take_up_seeds(database, current.seeds, now=ask_time()).complaints:
            print(complaint, file=sys.stderr)
        watch = make_watch(database, current)
        taken: list[tuple[Outcome, Taken]] = []
        for report in track(
            reports, description="importing", disable=len(reports) < 200, console=console(), transient=True
        ):
            with database.write() as session:  # each is learned of at a time of its own: an edit is told by it
                taken.append(take_capture(session, watch, report, now=ask_time()))
    for line in _summary(reports, taken):
        print(line)


def _summary(reports: Sequence[Report], taken: Sequence[tuple[Outcome, Taken]]) -> list[str]:
    """What an import came to: the counts, and what had no date or no place."""
    count = Counter(outcome for outcome, _ in taken)
    matched = sum(bool(one.stories) for _, one in taken)
    stored = count[Outcome.ARTICLE] + count[Outcome.VERSION]
    lines = [
        f"{count[Outcome.ARTICLE]} reports stored, {count[Outcome.KNOWN]} known already, "
        f"{count[Outcome.VERSION]} new versions, {matched} of a story, {stored - matched} of no story, "
        f"{sum(one.claims for _, one in taken)} claims"
    ]
    undated = [
        report
        for report, (outcome, _) in zip(reports, taken, strict=True)
        if outcome is Outcome.ARTICLE and report.published is None
    ]
    captured = sum(report.stood_at is not None for report in undated)
    told = ((captured, "the time of the capture"), (len(undated) - captured, "the time of this import"))
    if undated:
        instead = ", ".join(f"{number} got {moment}" for number, moment in told if number)
        lines.append(f"{len(undated)} of those stored had no date of publication: {instead}")
    if count[Outcome.REFUSED]:
        lines.append(
            f"{count[Outcome.REFUSED]} not stored: their text differs from what is held and is not known to be later. "
            "A version is only ever added behind the last one (docs/formats.md)"
        )
    return lines


def _read_archive(path: Path) -> list[Report]:
    """The reports of a file or folder; pages that hold no article are named on standard error.

    Raises StorywatchError where there is no report at all.
    """
    if not is_saved(path):
        with path.open("rb") as lines:
            reports = _read_lines(lines, name=str(path))
        if not reports:
            raise StorywatchError(
                f"{path}: no report is in it, so nothing was stored: write one a line (docs/formats.md)"
            )
        return reports
    saved = read_saved(path)
    for line in saved.skipped:
        say_error(f"skipped: {line}")
    if saved.reports:
        return list(saved.reports)
    if saved.skipped:
        found = f"none of its {len(saved.skipped)} pages holds an article"
    elif path.is_dir():
        found = "no HTML page (.html, .htm, .xhtml) is in this folder or below it"
    else:
        found = "no record of an HTML page, answered with status 200, is in it"
    raise StorywatchError(f"{path}: {found}, so nothing was stored: see what else was saved (docs/formats.md)")


def _read_lines(lines: Iterable[bytes], *, name: str = "standard input") -> list[Report]:
    """All reports of the input. Raises LineError before anything is done with the first of them."""
    found: list[Report] = []
    try:
        for place, held in read_objects(lines, name=name, texts=_TEXTS):
            try:
                found.append(read_report(held))
            except ValueError as error:
                raise LineError(f"{place}: {error} (docs/formats.md)") from error
    except LineError as error:
        raise LineError(f"{error}. Reports read before it: {len(found)}; nothing was done with them") from error
    return found
