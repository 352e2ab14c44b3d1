"""`storywatch init`: from one article to a watched story, with its feeds, a preview of its matches and its history."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.context import clock, opened_database, settings
from monitor.cli.output import console, print_table, progress_bars, say, show_figure, show_span, shown_on
from monitor.cli.seed import draft, read_source
from monitor.cli.stories import describe_key
from monitor.first_look import FirstLook, find_outlet_feeds, find_search_feeds, look_first
from monitor.making import make_fetcher, make_tools
from monitor.settings import Settings
from monitor.stories.seed import parse_seed
from monitor.stories.seed_writer import format_seed
from monitor.taking_up import make_watch, take_up
from storage import claims, feeds, stories
from storage.database import Database
from storage.errors import SeedError
from storage.records import FeedSpec, Story, StoryState

_SHOWN = 20
# The feeds are polled here; a service that runs beside us leaves them alone for so long.
_OURS = timedelta(minutes=10)


def init_command(
    article: Annotated[str, typer.Argument(help="Address of an article, or a file: a saved page or plain text.")],
    source: Annotated[str, typer.Option(help="The outlet's name, if the article does not say.")] = "",
    feed: Annotated[list[str] | None, typer.Option(help="A feed to watch as well (may be repeated).")] = None,
    search: Annotated[bool, typer.Option(help="Watch feeds that search services make of the story's names.")] = True,
) -> None:
    """Begin a story: draft its seed from an article, find its feeds, show what they match, and fill its history."""
    current = settings()
    read = read_source(article)
    if not read.text.strip():
        raise SeedError(f"{article}: holds no text to draft from; save the page as text and name that file")
    is_address = article.startswith(("http://", "https://"))
    drafted = replace(
        draft(read, url=article if is_address else read.canonical_url, source=source), state=StoryState.ACTIVE
    )
    path = current.seeds / f"{drafted.slug}.toml"
    if path.exists():
        raise SeedError(f"{path}: is there already, so this story is watched; edit that file, or take it away first")
    specs = [FeedSpec(url=url, source=drafted.seed.source if drafted.seed else "") for url in feed or ()]
    if drafted.seed is not None and drafted.seed.url:
        specs += asyncio.run(_outlet(current, drafted.seed.url, drafted.seed.source))
    if search:
        specs += find_search_feeds(drafted)
    drafted = replace(drafted, feeds=tuple({spec.url: spec for spec in reversed(specs)}.values())[::-1])
    text = format_seed(drafted)
    story = parse_seed(text, file=f"the draft from {article}")
    with opened_database(current, create=True) as database:
        _refuse_known(database, story, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        console().print(Text(f"{path}: {story.title}"), soft_wrap=True)
        now = clock()()
        take_up(database, story, now=now, due_at=now + _OURS)
        look = asyncio.run(_look(current, database, story))
        _show(database, story, look)
    _say_next(path, story)


def _refuse_known(database: Database, story: Story, path: Path) -> None:
    with database.read() as session:
        if stories.find_story(session, story.slug) is not None:
            raise SeedError(
                f"{path}: a story called {story.slug!r} is stored already, without this file; draft another name with: "
                "storywatch seed new ARTICLE --out FILE"
            )


async def _outlet(current: Settings, url: str, source: str) -> tuple[FeedSpec, ...]:
    async with make_fetcher(current) as fetcher:
        return await find_outlet_feeds(fetcher, url, source)


async def _look(current: Settings, database: Database, story: Story) -> FirstLook:
    with database.read() as session:
        chosen = feeds.list_feeds(session, story=story.slug)
    async with make_fetcher(current) as fetcher:
        tools = make_tools(
            current,
            database=database,
            fetcher=fetcher,
            watch=make_watch(database, current, quiet=(story.slug,)),
            clock=clock(),
            rng=random.Random(),  # noqa: S311 spreads pauses, guards nothing
        )
        with progress_bars() as progress:
            try:
                return await look_first(tools, story.slug, chosen, on_progress=shown_on(progress, "reading pages"))
            finally:
                tools.close()


def _show(database: Database, story: Story, look: FirstLook) -> None:
    if not story.feeds:
        console().print(
            Text("No feed of this outlet was found: name one with --feed, or add it to the seed.", style="red")
        )
    for trouble in look.troubles:
        console().print(Text(trouble, style="red"))
    names = len(story.entities) + len(story.topics) + len(story.places)
    console().print(
        f"{names} names, {len(story.claims)} figures to begin with, {len(story.feeds)} feeds; "
        f"{look.entries} entries, {len(look.matched)} articles of this story"
    )
    print_table(
        ("score", "published", "source", "article, and why it belongs"),
        [
            [
                f"{one.match.score:.1f}",
                show_span(one.article.published),
                one.article.source,
                f"{one.article.title}\n{', '.join(hit.found for hit in one.match.hits if hit.found)}",
            ]
            for one in look.matched[:_SHOWN]
        ],
        empty="Nothing in the feeds belongs to it now; what comes later is told.",
    )
    with database.read() as session:
        histories = claims.list_histories(session, story.slug)
    print_table(
        ("record", "now"),
        [[describe_key(history.key), show_figure(history.current)] for history in histories],
        title="Its records as they stand, told to nobody",
    )


def _say_next(path: Path, story: Story) -> None:
    say(f"Next: read {path} and take out what is too general; then", style="bold")
    for command, what in (
        ("storywatch run", "watches it (a running service has taken it up within half a minute)"),
        (f"storywatch stories show {story.slug}", "shows what is known"),
        ("storywatch why ARTICLE", "explains a match that looks wrong"),
    ):
        say(f"  {command}  {what}")
