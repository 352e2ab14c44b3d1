"""`storywatch evidence`: what sites answered, kept as it came: keep, list, show, export, verify."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from sqlmodel import Session

from monitor.cli.context import clock, opened_database, settings
from monitor.cli.output import console, print_json, print_table, show_time
from monitor.making import make_fetcher, make_vault
from monitor.settings import Settings
from monitor.sources.addresses import wire_url
from monitor.sources.answers import Fetched
from monitor.sources.http import PAGE_ACCEPT
from monitor.sources.robots import Robots
from monitor.sources.warc import hash_bytes, write_warcinfo
from monitor.vault import SOFTWARE, Problem, Vault, find_problems
from storage import articles, exhibits
from storage.database import Database
from storage.errors import StorywatchError
from storage.records import Exhibit
from storage.shortened import short_id

app = typer.Typer(no_args_is_help=True, help="What sites answered, kept as it came, as proof.")
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of kept answers, or their beginnings.")]
Url = Annotated[str | None, typer.Option(help="Only of this address, or of the article that it leads to.")]
OfStory = Annotated[str | None, typer.Option("--story", help="Only of articles of this story.")]
_UNITS = (("MB", 1_000_000), ("kB", 1_000))


@app.command("keep")
def keep_command(url: Annotated[str, typer.Argument(help="Address of a page, or number of a stored article.")]) -> None:
    """Fetch a page now and keep the answer as it comes, with its headers and hashes."""
    current = settings()
    with opened_database(current, create=True) as database:
        with database.read() as session:
            known = articles.find_article(session, int(url) if url.isdigit() else url)
        if known is None and not url.startswith(("http://", "https://")):
            raise StorywatchError(
                f"{url}: neither an address nor the number of an article; see storywatch articles list"
            )
        fetched = asyncio.run(_fetch(current, known.url if known is not None and url.isdigit() else url))
        exhibit = _keep(database, make_vault(current), fetched, known.article_id if known is not None else None)
    console().print(f"{exhibit.exhibit_id}  HTTP {exhibit.status}, SHA-256 of the body {exhibit.payload_hash}")
    console().print(Text(f"{current.evidence_folder / exhibit.file}, byte {exhibit.start}"), soft_wrap=True)


async def _fetch(current: Settings, url: str) -> Fetched:
    async with make_fetcher(current) as fetcher:
        await Robots(fetcher).check(url)
        return await fetcher.get(url, accept=PAGE_ACCEPT, keep=True)


def _keep(database: Database, vault: Vault, fetched: Fetched, article_id: int | None) -> Exhibit:
    with database.write() as session:
        exhibit = vault.keep(session, fetched.exchanges, now=clock()(), article_id=article_id, again=True)
    vault.close()
    if exhibit is None:
        raise StorywatchError(f"{vault.folder}: nothing could be written there; look at the disk and [evidence] folder")
    return exhibit


@app.command("list")
def list_command(
    url: Url = None,
    story: OfStory = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Kept answers, the newest first."""
    with opened_database() as database, database.read() as session:
        found = _kept_of(session, url, story, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "fetched", "status", "size", "address"),
        [
            [short_id(one.exhibit_id), show_time(one.fetched_at), str(one.status), _size(one.size), one.url]
            for one in found
        ],
        empty="No evidence is kept. 'storywatch evidence keep URL' keeps one page; [evidence] keeps whole stories.",
    )


@app.command("show")
def show_command(
    exhibit_id: Annotated[str, typer.Argument(help="Id of a kept answer, or its beginning.")],
    body: Annotated[
        bool, typer.Option("--body", help="Write the body alone, decompressed, to standard output.")
    ] = False,
) -> None:
    """One kept answer: when and from where, its headers, its hashes, and where it stands."""
    current = settings()
    with opened_database(current) as database, database.read() as session:
        exhibit = exhibits.get_exhibit(session, exhibit_id)
    answer = make_vault(current).open_answer(exhibit)
    if body:
        sys.stdout.buffer.write(answer.text)
        return
    print_table(
        ("what", "value"),
        [
            ["address", exhibit.url],
            ["fetched", exhibit.fetched_at.isoformat()],
            ["answer", answer.status],
            ["SHA-256 of the body", exhibit.payload_hash],
            ["SHA-256 of the record", exhibit.record_hash],
            [
                "file",
                f"{current.evidence_folder / exhibit.file}, bytes {exhibit.start} to {exhibit.start + exhibit.size}",
            ],
            ["article", str(exhibit.article_id or "")],
        ],
    )
    for name, value in answer.headers:
        console().print(Text(f"{name}: {value}"), soft_wrap=True)


@app.command("export")
def export_command(
    ids: Ids = None,
    url: Url = None,
    story: OfStory = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The WARC file to write (….warc.gz).")] = Path(
        "evidence.warc.gz"
    ),
) -> None:
    """Copy kept answers into one WARC file of their own, byte for byte; everything if nothing is named."""
    current = settings()
    if output.exists():
        raise StorywatchError(f"{output}: is there already; name another file with -o")
    with opened_database(current) as database:
        chosen = sorted(_choose(database, ids, url, story), key=lambda one: one.fetched_at)
    vault = make_vault(current)
    problems = list(find_problems(vault, chosen))
    if problems or not chosen:
        _complain_of(problems)
        raise StorywatchError("nothing is exported" + ("" if problems else ": no evidence is kept of that"))
    parts = [write_warcinfo(output.name, SOFTWARE, now=clock()()), *(vault.read(one) for one in chosen)]
    output.write_bytes(b"".join(parts))
    console().print(Text(f"{output}: {len(chosen)} answers, SHA-256 {hash_bytes(output.read_bytes())}"), soft_wrap=True)


@app.command("verify")
def verify_command(ids: Ids = None, url: Url = None, story: OfStory = None) -> None:
    """Hold kept answers against their hashes: are they what came over the wire? Everything if nothing is named."""
    current = settings()
    with opened_database(current) as database:
        chosen = _choose(database, ids, url, story)
    problems = list(find_problems(make_vault(current), chosen))
    _complain_of(problems)
    if problems:
        raise StorywatchError(
            f"{len(problems)} of {len(chosen)} kept answers are not as they were; take them from a copy"
        )
    console().print(f"{len(chosen)} kept answers are as they came.")


def _choose(database: Database, ids: list[str] | None, url: str | None, story: str | None) -> tuple[Exhibit, ...]:
    with database.read() as session:
        if ids:
            return tuple(exhibits.get_exhibit(session, one) for one in ids)
        return _kept_of(session, url, story)


def _kept_of(session: Session, url: str | None, story: str | None, limit: int | None = None) -> tuple[Exhibit, ...]:
    """What is kept of an address, as a person writes it or as it went over the wire."""
    found = exhibits.list_exhibits(session, url=url, story=story, limit=limit)
    if found or url is None or url.isascii():
        return found
    with suppress(ValueError):
        found = exhibits.list_exhibits(session, url=str(wire_url(url)), story=story, limit=limit)
    return found


def _complain_of(problems: list[Problem]) -> None:
    for problem in problems:
        said = f"{short_id(problem.exhibit.exhibit_id)} {problem.exhibit.url}: {problem.words}"
        console().print(Text(said, style="red"), soft_wrap=True)


def _size(count: int) -> str:
    for unit, size in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
