"""`storywatch feeds`: what is polled, and how it fares."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.context import clock, opened_database, settings
from monitor.cli.output import console, print_json, print_table, show_time
from monitor.cli.parse import feeds_parse_command
from monitor.making import make_fetcher
from monitor.sources.addresses import check_address
from monitor.sources.discovery import FoundFeed, discover_feeds
from monitor.sources.opml import read_opml, write_opml
from storage import feeds, pushes, stories
from storage.covering import cover_secrets
from storage.errors import StorywatchError
from storage.records import Feed, FeedKind, FeedSpec, Trust

app = typer.Typer(no_args_is_help=True, help="What is polled, and how it fares.")
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """All feeds with their last poll, next poll and trouble."""
    with opened_database() as database, database.read() as session:
        found = [shown_feed(feed) for feed in feeds.list_feeds(session)]
    if as_json:
        print_json(found)
        return
    print_table(
        ("no", "source", "address", "state", "last read", "next"),
        [
            [
                str(feed.feed_id),
                feed.source or feed.title,
                feed.url,
                feed.state.value,
                show_time(feed.last_success_at),
                show_time(feed.due_at),
            ]
            for feed in found
        ],
        empty="No feeds yet. 'storywatch feeds add URL' adds one; seeds bring theirs when the service starts.",
    )
    for feed in found:
        if feed.last_error:
            console().print(Text(f"{feed.feed_id}: {feed.last_error}", style="red"), soft_wrap=True)


@app.command("push")
def push_command(as_json: Json = False) -> None:
    """Which hubs were asked to push feeds instead of being polled (WebSub), and how that fares."""
    with opened_database() as database, database.read() as session:
        held = pushes.list_pushes(session)
        addresses = {feed.feed_id: cover_secrets(feed.url) for feed in feeds.list_feeds(session)}
    if as_json:
        print_json([{name: _shown(getattr(one, name)) for name in _SHOWN} for one in held])
        return
    print_table(
        ("feed", "hub", "state", "until", "pushes", "last push"),
        [
            [
                addresses.get(one.feed_id, str(one.feed_id)),
                cover_secrets(one.hub_url),
                one.state.value,
                show_time(one.lease_until),
                str(one.pushes),
                show_time(one.last_push_at),
            ]
            for one in held
        ],
        empty="No hub was asked. Hubs push to a public address of the page: set callback_url under [websub].",
    )
    for one in held:
        if one.last_error:
            console().print(Text(f"{one.feed_id}: {cover_secrets(one.last_error)}", style="red"), soft_wrap=True)


def _shown(value: object) -> object:
    return cover_secrets(value) if isinstance(value, str) else value


# What may be shown of a subscription: not its secret, nor the token that makes the callback's address.
_SHOWN = (
    "feed_id", "hub_url", "topic_url", "state", "act_at", "lease_until", "failures", "last_error", "pushes",
    "last_push_at", "missed_at",
)  # fmt: skip


@app.command("add")
def add_command(
    url: str,
    source: Annotated[str, typer.Option(help="The outlet's name.")] = "",
    trust: Annotated[Trust, typer.Option(help="How far the outlet is trusted.")] = Trust.UNKNOWN,
    story: Annotated[list[str] | None, typer.Option(help="A story that it serves (may be repeated).")] = None,
    full: Annotated[bool, typer.Option(help="Fetch the page of every entry, whatever its title says.")] = False,
    page: Annotated[bool, typer.Option("--page", help="It is a plain page, to be watched on its own.")] = False,
) -> None:
    """Poll a feed, or watch a plain page, from now on."""
    check_address(url, allow_private=settings().network.allow_private)
    with opened_database(create=True) as database, database.write() as session:
        for slug in story or ():
            if stories.find_story(session, slug) is None:
                raise StorywatchError(
                    f"no story {slug!r} is stored yet; a seed is taken up by storywatch run and by storywatch poll, "
                    "and storywatch stories list shows what is there"
                )
        feed = feeds.add_named_feed(
            session,
            FeedSpec(url=url, source=source, trust=trust, full=full, kind=FeedKind.PAGE if page else FeedKind.FEED),
            stories=story or (),
            due_at=clock()(),
        )
    console().print(f"{'Page' if page else 'Feed'} {feed.feed_id} is polled from now on: {cover_secrets(feed.url)}")


@app.command("remove")
def remove_command(feed: Annotated[str, typer.Argument(help="Number or address of the feed.")]) -> None:
    """Stop polling a feed; what it brought stays."""
    with opened_database() as database, database.write() as session:
        removed = feeds.remove_feed(session, find_one(feed))
    console().print(f"Feed {removed.feed_id} is polled no more: {cover_secrets(removed.url)}")


@app.command("discover")
def discover_command(
    url: Annotated[str, typer.Argument(help="A site's or a page's address.")], as_json: Json = False
) -> None:
    """Find the feeds of a site."""

    async def find() -> tuple[FoundFeed, ...]:
        async with make_fetcher(settings()) as fetcher:
            return await discover_feeds(fetcher, url)

    found = asyncio.run(find())
    if as_json:
        print_json(found)
        return
    print_table(("address", "title"), [(one.url, one.title) for one in found], empty=f"{url}: no feed is linked there.")


app.command("parse")(feeds_parse_command)


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An OPML file of another feed reader.")],
) -> None:
    """Add the feeds of an OPML file."""
    specs = read_opml(file.read_bytes(), file=str(file))
    now = clock()()
    with opened_database(create=True) as database, database.write() as session:
        for spec in specs:
            feeds.add_named_feed(session, spec, due_at=now)
    console().print(f"{len(specs)} feeds are polled from now on.")


@app.command("export")
def export_command() -> None:
    """Write all feeds as OPML to standard output (watched pages are none); passwords in addresses are in it."""
    with opened_database() as database, database.read() as session:
        found = [feed for feed in feeds.list_feeds(session) if feed.kind is FeedKind.FEED]
    typer.echo(write_opml(found, title="Storywatch", now=clock()()))


def shown_feed(feed: Feed) -> Feed:
    """A feed as it may be shown: what may be secret in its address is covered."""
    return replace(feed, url=cover_secrets(feed.url), last_error=feed.last_error and cover_secrets(feed.last_error))


def find_one(text: str) -> int | str:
    """A feed as the user names it: its number or its address."""
    return int(text) if text.isdigit() else text
