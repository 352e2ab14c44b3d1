"""`storywatch extract`, `explain`, `lexicon check`: claims of documents, and how figures were read."""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from monitor.claims.exchange import claim_to_exchange
from monitor.claims.explain import SentenceReading, explain_text
from monitor.claims.extract import Extractor
from monitor.claims.lexicon import supported_languages
from monitor.claims.lexicon_check import check_lexicon
from monitor.cli.json_lines import LineError, read_objects
from monitor.cli.output import show_span
from monitor.ledger.live_pages import by_post
from monitor.reading.articles import read_article
from monitor.reading.livepages import place_posts
from monitor.stories.seed import load_seed
from storage.errors import ArticleParseError
from storage.records import ReadArticle, Span

lexicon_app = typer.Typer(no_args_is_help=True, help="Language packs.")


def published_span(published: str | None) -> Span | None:
    """A publication time as wide as it is known: a year, a month, a day or an instant; None for none or nonsense."""
    text = (published or "").strip()
    try:
        if len(text) == 4:
            start = datetime(int(text), 1, 1, tzinfo=UTC)
            return Span(not_before=start, not_after=start.replace(year=start.year + 1) - timedelta(microseconds=1))
        if len(text) == 7:
            year, month = int(text[:4]), int(text[5:7])
            start = datetime(year, month, 1, tzinfo=UTC)
            following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            return Span(not_before=start, not_after=following - timedelta(microseconds=1))
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if len(text) == 10:
        return Span(not_before=moment, not_after=moment + timedelta(days=1, microseconds=-1))
    return Span(not_before=moment, not_after=moment)


def extract_lines(lines: Iterable[str | bytes], extractor: Extractor, *, with_implicit: bool = False) -> Iterator[str]:
    """A JSON line of claims for each JSON line of a document; the language is detected where nobody named it.

    Raises LineError for a line that is no document.
    """
    for place, document in read_objects(lines, texts=("title", "text", "published", "lang")):
        if "text" not in document and "title" not in document:
            raise LineError(f"{place}: text missing, and title as well; give one of them (docs/formats.md)")
        claims = extractor.extract(
            title=document.get("title") or "",
            text=document.get("text") or "",
            published=published_span(document.get("published")),
            lang=document.get("lang"),
        )
        rows = [claim_to_exchange(claim) for claim in claims if with_implicit or not claim.implicit]
        yield json.dumps({"id": document.get("id"), "claims": rows}, ensure_ascii=False)


def extract_command(
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Documents in, claims out, a JSON line each.")] = True,
    story: Annotated[Path | None, typer.Option(help="A seed: its places, origins, metrics and time zone hold.")] = None,
    implicit: Annotated[bool, typer.Option(help="Also single persons told without a number.")] = False,
) -> None:
    """Read documents from standard input and write the claims that their texts make."""
    if not jsonl:
        raise typer.BadParameter("JSON lines are the only format: drop --no-jsonl")
    extractor = Extractor(load_seed(story) if story is not None else None)
    for line in extract_lines(sys.stdin.buffer, extractor, with_implicit=implicit):
        typer.echo(line)


def explain_command(
    text: Annotated[str | None, typer.Argument(help="A sentence or more.")] = None,
    page: Annotated[Path | None, typer.Option(help="A saved HTML page to read instead of TEXT.")] = None,
    lang: Annotated[str | None, typer.Option(help="ISO code of its language; en for a text.")] = None,
) -> None:
    """Show how each number of a text was read: by which rule, with which status, or why it is no figure.

    Before the sentences of a page stands when they were published: each post of a live page has a time of its own.
    """
    if (text is None) == (page is None):
        raise typer.BadParameter("give either a text or --page FILE")
    if page is None:
        for reading in explain_text(text or "", lang or "en"):
            typer.echo(render_reading(reading))
        return
    read = _read_page(page, lang)
    typer.echo(f"{show_span(read.published)}  {read.title}")
    for at, stretch in by_post(read.text, place_posts(read)):
        typer.echo(f"published {show_span(at or read.published)}")
        for reading in explain_text(stretch, (lang or read.lang or "en").split("-")[0]):
            typer.echo(render_reading(reading))


def _read_page(path: Path, lang: str | None) -> ReadArticle:
    try:
        return read_article(path.read_bytes(), url="", lang=lang)
    except OSError as error:
        raise ArticleParseError(
            f"cannot read {path} ({error.strerror or error}); check the name and the rights"
        ) from error


def render_reading(reading: SentenceReading) -> str:
    """One sentence's reading as plain text."""
    lines = [
        reading.text,
        "  words: " + " ".join(f"{word}[{','.join(names) or '·'}]" for word, names in reading.classes),
    ]
    for figure in reading.figures:
        if figure.metric is None:
            lines.append(f"  {figure.quote!r}: no figure ({figure.reason})")
            continue
        status = figure.status if figure.cue is None else f"{figure.status} because of {figure.cue!r}"
        lines.append(
            f"  {figure.quote!r}: {figure.metric} {figure.qualifier} {figure.value:g}, {status};"
            f" rule {figure.rule} by {figure.trigger!r}"
        )
    lines.extend(f"  voice: {speaker} ({kind})" for kind, speaker in reading.voices)
    return "\n".join(lines)


@lexicon_app.command("check")
def lexicon_check_command(
    langs: Annotated[list[str] | None, typer.Argument(help="ISO codes; all packs if none.")] = None,
) -> None:
    """Check language packs; errors name file and key."""
    for lang in langs or supported_languages():
        check_lexicon(lang)
        typer.echo(f"{lang}: sound")


if __name__ == "__main__":
    typer.run(extract_command)
