"""`storywatch search`: find stored articles, newest first."""

import csv
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.context import opened_database
from monitor.cli.output import console, print_json_lines, say_error, show_span
from monitor.cli.query_words import join_query
from storage.records import Facets, SearchHit
from storage.search import count_facets, search_articles
from storage.stories import get_story
from storage.suggestions import UnknownName, find_unknown_names, suggest_query

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="A day or a minute, UTC.")]


def search_command(
    query: Annotated[
        list[str],
        typer.Argument(
            help='Words, "phrases", -not, OR, (…), prefix*, story: source: lang: before: after: metric: killed>100.'
        ),
    ],
    story: Annotated[str | None, typer.Option(help="Only this story.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this outlet.")] = None,
    since: Day = None,
    until: Day = None,
    lang: Annotated[str | None, typer.Option(help="Only this language (en, ru, …).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many hits.")] = 20,
    rank: Annotated[bool, typer.Option(help="The best first instead of the newest.")] = False,
    all_versions: Annotated[bool, typer.Option(help="Search texts that were edited away too.")] = False,
    facets: Annotated[bool, typer.Option(help="Count hits by source, story, language and month.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header.")] = False,
) -> None:
    """Find stored articles, newest first, with the words found highlighted."""
    if as_csv and (as_json or facets):
        raise typer.BadParameter("--csv holds nothing but hits: leave out --json, and take --json for --facets")
    asked = join_query(query)
    begin, end = _utc(since), _utc(until)
    with opened_database() as database, database.read() as session:
        if story:
            get_story(session, story)
        hits = search_articles(
            session,
            asked,
            story=story,
            source=source,
            since=begin,
            until=end,
            lang=lang,
            limit=limit,
            rank=rank,
            all_versions=all_versions,
        )
        better = None if hits else suggest_query(session, asked)
        unknown = () if hits else find_unknown_names(session, asked, source=source, lang=lang)
        counted = (
            count_facets(
                session,
                asked,
                story=story,
                source=source,
                since=begin,
                until=end,
                lang=lang,
                all_versions=all_versions,
            )
            if facets
            else None
        )
    if as_json:
        print_json_lines(_exchange(hit) for hit in hits)
        if counted is not None:
            print_json_lines([{"facets": _exchange_facets(counted)}])
    elif as_csv:
        _print_csv(hits)
    else:
        _print(hits, asked, better)
        if counted is not None:
            _print_facets(counted)
    say_unknown(unknown)


def say_unknown(unknown: Iterable[UnknownName]) -> None:
    """Say on standard error which names no article has, and what was probably meant."""
    for one in unknown:
        hint = f"; did you mean {one.nearest}?" if one.nearest else ""
        say_error(f"no stored article has {one.name}{hint}")


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None


def _exchange(hit: SearchHit) -> dict[str, object]:
    published = hit.published.not_before.isoformat() if hit.published else None
    return {
        "url": hit.url,
        "title": hit.title,
        "source": hit.source,
        "published": published,
        "stories": list(hit.stories),
        "snippet": hit.snippet,
    }


def _exchange_facets(counted: Facets) -> dict[str, object]:
    """The counts by name, in their order."""
    fields = {name: getattr(counted, name) for name in counted.__dataclass_fields__}
    return {name: dict(value) if isinstance(value, tuple) else value for name, value in fields.items()}


def _print_facets(counted: Facets) -> None:
    for name, counts in _exchange_facets(counted).items():
        if isinstance(counts, dict):
            shown = ", ".join(f"{value} {count}" for value, count in list(counts.items())[:10])
            console().print(f"{name}: {shown}")


def _print(hits: tuple[SearchHit, ...], asked: str, better: str | None) -> None:
    if not hits:
        console().print(f"Nothing stored matches {asked!r}. Fewer words find more; 'prefix*' finds longer forms.")
        if better is not None:
            console().print(Text(f"Did you mean: {better}"))
        return
    for hit in hits:
        console().print(_marked(hit.title or hit.url, hit.title_spans, "bold"))
        line = f"  {show_span(hit.published)}  {hit.source}  {', '.join(hit.stories)}"
        console().print(Text(line.rstrip(), style="dim"))
        console().print(Text("  ") + _marked(hit.snippet, hit.spans, ""))
        console().print(Text(f"  {hit.url}", style="dim"), soft_wrap=True)
    console().print(Text(f"{len(hits)} shown", style="dim"))


def _marked(words: str, spans: tuple[tuple[int, int], ...], style: str) -> Text:
    text = Text(words, style=style)
    for start, end in spans:
        text.stylize("bold yellow reverse" if not style else "yellow", start, end)
    return text


def _print_csv(hits: tuple[SearchHit, ...]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(["url", "title", "source", "published", "stories", "snippet"])
    for hit in hits:
        row = _exchange(hit)
        writer.writerow(
            [row["url"], row["title"], row["source"], row["published"], " ".join(hit.stories), row["snippet"]]
        )
