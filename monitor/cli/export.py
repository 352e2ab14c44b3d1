"""`storywatch export`: records, revisions and evidence as tables, a story as a report, claims as JSON-LD."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from sqlmodel import Session

from monitor.cli.context import clock, opened_database, settings
from monitor.cli.output import console
from monitor.web.report import make_presenter, render_report
from monitor.web.reviews import review_records
from monitor.web.wording import DEFAULT_LANGUAGE, languages
from storage import stories
from storage.export import ExportError, export_rows, write_file, write_rows


def export_command(
    table: Annotated[
        Literal["records", "revisions", "evidence", "report"],
        typer.Argument(help="What to export; 'report' is a story as one HTML file."),
    ] = "records",
    name: Annotated[str | None, typer.Argument(metavar="STORY", help="Only this story; a report needs one.")] = None,
    story: Annotated[str | None, typer.Option(help="The same as STORY.")] = None,
    form: Annotated[
        Literal["csv", "jsonl", "parquet", "jsonld"],
        typer.Option("--format", help="Parquet needs --output; jsonld: a story's records as schema.org ClaimReview."),
    ] = "csv",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; standard output by default.")] = None,
    lang: Annotated[str, typer.Option(help="The language of a report and of JSON-LD.")] = DEFAULT_LANGUAGE,
) -> None:
    """Export records (low, best, high), revisions or their evidence, with documented columns, or a story's report."""
    chosen = name or story
    if lang not in languages():
        raise typer.BadParameter(f"{lang!r}: there is no catalogue of it; languages: {', '.join(languages())}")
    with opened_database() as database, database.read() as session:
        if chosen is not None:
            stories.get_story(session, chosen)
        if table == "report":
            if form != "csv":
                raise typer.BadParameter("a report is HTML: leave --format out")
            _write(render_report(session, _needed(session, chosen), now=clock()(), lang=lang), output)
        elif form == "jsonld":
            if table != "records":
                raise typer.BadParameter("jsonld is a format of records; the other tables are csv, jsonl, parquet")
            _write(_reviews(session, _needed(session, chosen), lang), output)
        elif output is None:
            write_rows(export_rows(session, table, chosen), table, sys.stdout, form)
        else:
            count = write_file(export_rows(session, table, chosen), table, output, form)
            console().print(f"{count} rows in {output}")


def _reviews(session: Session, slug: str, lang: str) -> str:
    ui = make_presenter(stories.get_story(session, slug), lang=lang, now=clock()())
    reviews = review_records(session, slug, ui, base_url=settings().web.base_url)
    return json.dumps(reviews, ensure_ascii=False, indent=2) + "\n"


def _needed(session: Session, story: str | None) -> str:
    """The story that is meant: by name, or the only one."""
    every = [one.slug for one in stories.list_stories(session)]
    if story is None and len(every) != 1:
        raise typer.BadParameter(f"say which story: {', '.join(every) or 'none is stored yet'}")
    return story or every[0]


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{output}: {error.strerror or error}: choose a place that can be written") from error
    console().print(f"{len(text.encode()):,} bytes in {output}")
