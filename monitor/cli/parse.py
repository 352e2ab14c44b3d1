"""`feeds parse` and `articles parse`: try single documents, for people and for programs."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.ledger.live_pages import by_post
from monitor.reading.articles import read_article
from monitor.reading.feeds import parse_feed
from monitor.reading.livepages import place_posts
from storage.errors import ArticleParseError, FeedParseError
from storage.records import ParsedFeed, ReadArticle, Span

Files = Annotated[list[Path], typer.Argument(help="Documents to read.", metavar="FILE…")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON line a file, for programs.")]
Address = Annotated[
    str, typer.Option("--url", help="The address that the document came from; resolves relative links.")
]


def feeds_parse_command(files: Files, as_json: AsJson = False, url: Address = "") -> None:
    """Parse feed files and show what was read: RSS, RDF, Atom, JSON Feed, news sitemaps."""
    failed = False
    for file in files:
        feed, error = _parse(file, url)
        failed = failed or error is not None
        if as_json:
            print(json.dumps(feed_line(str(file), feed, error), ensure_ascii=False), flush=True)
        elif feed is None:
            Console(stderr=True).print(Text(f"{file}: {error}"))
        else:
            _show_feed(file, feed)
    _finish(failed and not as_json)


def articles_parse_command(files: Files, as_json: AsJson = False, url: Address = "") -> None:
    """Parse article pages and show what was read: title, text, dates, language, and walls in front of the text."""
    failed = False
    for file in files:
        article, error = _read(file, url)
        failed = failed or error is not None
        if as_json:
            print(json.dumps(article_line(str(file), article, error), ensure_ascii=False), flush=True)
        elif article is None:
            Console(stderr=True).print(Text(f"{file}: {error}"))
        else:
            _show_article(article)
    _finish(failed and not as_json)


def feed_line(file: str, feed: ParsedFeed | None, error: str | None) -> dict[str, Any]:
    """One line of `feeds parse --json`. `published` is when the entry was published or, failing that, updated."""
    entries = feed.entries if feed is not None else ()
    return {
        "file": file,
        "error": error,
        "feed": {"title": feed.title, "link": feed.link} if feed is not None else None,
        "entries": [
            {
                "id": entry.entry_id,
                "title": entry.title,
                "link": entry.link,
                "published": _iso(entry.published_at or entry.updated_at),
            }
            for entry in entries
        ],
    }


def article_line(file: str, article: ReadArticle | None, error: str | None) -> dict[str, Any]:
    """One line of `articles parse --json`. A wall in front of the text is said in `error`."""
    if article is None:
        empty = dict.fromkeys(("title", "text", "published", "url", "lang"))
        return {"file": file, "error": error, **empty, "parts": []}
    return {
        "file": file,
        "error": f"{file}: {_OBSTACLES[article.obstacle]}" if article.obstacle else None,
        "title": article.title,
        "text": article.text,
        "published": _span(article.published),
        "url": article.canonical_url or None,
        "lang": article.lang,
        "parts": [{"title": p.title, "text": p.text, "published": _span(p.published)} for p in article.parts],
    }


_OBSTACLES = {
    "blank": "the page has no text; it may need a browser's scripts",
    "consent": "a consent wall stands before the text",
    "paywall": "only the beginning stands before a paywall",
    "robot": "the site asks whether a person is reading",
    "astray": "the site shows another page than the one that was asked for",
    "missing": "the site says that nothing stands there",
    "reserved": "the site reserves its text against mining",
}


def _parse(file: Path, url: str) -> tuple[ParsedFeed | None, str | None]:
    try:
        return parse_feed(file.read_bytes(), url=url), None
    except FeedParseError as error:
        return None, str(error)
    except OSError as error:
        return None, _cannot_read(file, error)


def _read(file: Path, url: str) -> tuple[ReadArticle | None, str | None]:
    try:
        return read_article(file.read_bytes(), url=url), None
    except ArticleParseError as error:
        return None, str(error)
    except OSError as error:
        return None, _cannot_read(file, error)


def _cannot_read(file: Path, error: OSError) -> str:
    return f"cannot read {file} ({error.strerror}); check the name and the rights"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _span(span: Span | None) -> str | None:
    """An instant in ISO; a day or month as wide as it was stated ("2022-01-10", "2022-01")."""
    if span is None or span.not_before == span.not_after:
        return _iso(span.not_before) if span is not None else None
    days = (span.not_after - span.not_before).days
    return span.not_before.strftime("%Y-%m" if days >= 27 else "%Y-%m-%d")


def _finish(failed: bool) -> None:
    if failed:
        raise typer.Exit(1)


def _show_feed(file: Path, feed: ParsedFeed) -> None:
    table = Table(title=f"{feed.title or file} · {feed.format}, read by the {feed.path} path", title_justify="left")
    for column in ("published", "title", "link"):
        table.add_column(column)
    for entry in feed.entries:
        moment = entry.published_at or entry.updated_at
        table.add_row(f"{moment:%Y-%m-%d %H:%M}" if moment else "", Text(entry.title), Text(entry.link))
    Console().print(table)


def _show_article(article: ReadArticle) -> None:
    console = Console()
    console.print(Text(article.title, style="bold"))
    facts = [article.source, article.author, _span(article.published) or article.published_raw, article.lang or ""]
    console.print(Text(" · ".join(fact for fact in facts if fact), style="dim"))
    if article.obstacle:
        console.print(Text(_OBSTACLES[article.obstacle], style="yellow"))
    for at, text in by_post(article.text, place_posts(article)):
        if at is not None:
            console.print(Text(_span(at) or "", style="dim"))
        console.print(Text(text))
