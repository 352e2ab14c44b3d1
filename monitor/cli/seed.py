"""`storywatch seed`: draft the seed of a story from an article, check seeds, list them."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from monitor.claims.extract import Extractor
from monitor.cli.context import settings
from monitor.cli.output import console, print_json, print_table, say_error, show_time
from monitor.making import make_fetcher
from monitor.reading.articles import read_article
from monitor.reading.language import detect_language
from monitor.sources.http import PAGE_ACCEPT
from monitor.stories.draft import draft_seed
from monitor.stories.seed import load_seed, load_seeds, parse_seed
from monitor.stories.seed_writer import format_seed
from storage.errors import FetchError, SeedError, StorywatchError
from storage.records import ReadArticle, Story

app = typer.Typer(no_args_is_help=True, help="Seeds: the files that say which stories are watched.")


@app.command("new")
def new_command(
    article: Annotated[str, typer.Argument(help="Address of an article, or a file: a saved page or plain text.")],
    out: Annotated[Path | None, typer.Option(help="File to write; the seeds folder and the slug by default.")] = None,
    show: Annotated[bool, typer.Option("--print", help="Print the draft instead of writing a file.")] = False,
    source: Annotated[str, typer.Option(help="The outlet's name, if the article does not say.")] = "",
) -> None:
    """Draft the seed of a story from any article: names, topics, places, period and figures, ready to be edited."""
    is_address = article.startswith(("http://", "https://"))
    read = read_source(article)
    if not read.text.strip():
        raise SeedError(f"{article}: holds no text to draft from; save the page as text and name that file")
    story = draft(read, url=article if is_address else read.canonical_url, source=source)
    text = format_seed(story)
    parse_seed(text, file=f"the draft from {article}")  # of a text without a single name there is no story to draft
    if show:
        typer.echo(text, nl=False)
        return
    path = out or settings().seeds / f"{story.slug}.toml"
    if path.exists():
        raise SeedError(f"{path}: is there already; name another file with --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    console().print(
        Text(
            f'Drafted {path}\nRead it, take out what is too general, and change state = "draft" to '
            'state = "active": a draft is not watched.'
        ),
        soft_wrap=True,
    )


@app.command("check")
def check_command(
    files: Annotated[list[Path] | None, typer.Argument(help="Seed files; all of the seeds folder by default.")] = None,
) -> None:
    """Check seeds: every mistake with its file, line and key, and what to do."""
    checked = files or sorted(settings().seeds.glob("*.toml"))
    wrong = 0
    for path in checked:
        try:
            story = load_seed(path)
        except SeedError as error:
            wrong += 1
            say_error(str(error))
        else:
            console().print(Text(f"{path}: {story.slug}, {_summary(story)}"), soft_wrap=True)
    if not checked:
        say_error(f"{settings().seeds}: there is no seed in this folder; 'storywatch seed new ARTICLE' drafts one")
    if wrong or not checked:
        raise typer.Exit(1)
    if not files:
        load_seeds(settings().seeds)  # two files with one slug are each right and wrong together


@app.command("list")
def list_command(as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False) -> None:
    """The seeds of the seeds folder."""
    found = load_seeds(settings().seeds)
    if as_json:
        print_json(found)
        return
    print_table(
        ("slug", "title", "state", "since", "languages", "feeds"),
        [
            [
                story.slug,
                story.title,
                story.state.value,
                show_time(story.period_start),
                ", ".join(story.languages),
                str(len(story.feeds)),
            ]
            for story in found
        ],
        empty="No seeds yet. 'storywatch seed new ARTICLE' drafts one.",
    )


def draft(read: ReadArticle, *, url: str, source: str = "") -> Story:
    """Return the story that an article was drafted into: the extractor reads its figures, the draft its names."""
    lang = read.lang or detect_language(f"{read.title}\n{read.text}")
    claims = Extractor().extract(title=read.title, text=read.text, published=read.published, lang=lang)
    return draft_seed(
        title=read.title,
        text=read.text,
        published=read.published,
        url=url,
        source=source or read.source,
        claims=claims,
        lang=lang,
    )


def read_source(article: str) -> ReadArticle:
    """The article at an address or in a file. Raises StorywatchError, which says what to do."""
    return _fetch(article) if article.startswith(("http://", "https://")) else _open(Path(article))


def _fetch(url: str) -> ReadArticle:
    """Fetch and read the page at an address, by the rules of the settings."""

    async def get() -> ReadArticle:
        async with make_fetcher(settings()) as fetcher:
            fetched = await fetcher.get(url, accept=PAGE_ACCEPT)
        if not fetched.is_success:
            raise FetchError(fetched.explain())
        return read_article(fetched.body, url=fetched.final_url, content_type=fetched.content_type)

    return asyncio.run(get())


def _open(path: Path) -> ReadArticle:
    """Read a saved page, or a plain text whose first line is the title."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise StorywatchError(f"{path}: cannot be read ({error.strerror}); name a file or an address") from error
    if path.suffix.lower() in (".html", ".htm", ".xhtml") or body.lstrip()[:1] == b"<":
        return read_article(body, url="")
    title, _, text = body.decode("utf-8", "replace").strip().partition("\n")
    return ReadArticle(title=title.strip(), text=text.strip())


def _summary(story: Story) -> str:
    parts = {
        "names": len(story.entities),
        "topics": len(story.topics),
        "places": len(story.places),
        "baseline figures": len(story.claims),
        "feeds": len(story.feeds),
    }
    return ", ".join(f"{number} {word}" for word, number in parts.items())
