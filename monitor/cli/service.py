"""The commands that run and look after the service: run, poll, doctor, healthcheck, demo, db."""

import asyncio
import json
import random
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from sqlmodel import Session

from monitor.app import LOOK_SECONDS, Service
from monitor.cli.context import clock, opened_database, settings
from monitor.cli.feeds import find_one
from monitor.cli.output import console, print_json, print_table, progress_bars, say_error, show_time, shown_on
from monitor.cycle import read_entry
from monitor.demo.play import run_demo
from monitor.examination import examine
from monitor.logs import configure_logs
from monitor.making import make_book, make_fetcher, make_tools
from monitor.memory import give_back_memory
from monitor.polling import poll_feed
from monitor.settings import Settings
from monitor.taking_up import make_watch, take_up_seeds
from monitor.tools import Tools
from storage import feeds
from storage.database import Database
from storage.errors import StorywatchError
from storage.records import Feed, FeedState
from storage.search_index import rebuild_index


def run_command(
    seed: Annotated[int | None, typer.Option(help="Fix the randomness of pauses (rehearsals).", hidden=True)] = None,
    look_seconds: Annotated[
        float, typer.Option(help="How often to look at the clock (rehearsals).", hidden=True)
    ] = LOOK_SECONDS,
) -> None:
    """Watch: poll feeds, read articles, tell what changed, serve the page, until told to stop."""
    current = settings()
    configure_logs(level=current.log.level, form=current.log.format)
    give_back_memory()

    async def main() -> None:
        rng = random.Random(seed)  # noqa: S311 spreads pauses, guards nothing
        await Service(current, clock=clock(), rng=rng, look_seconds=look_seconds, load=settings).run()

    asyncio.run(main())


def poll_command(
    feed: Annotated[
        list[str] | None, typer.Argument(help="Numbers or addresses of feeds, due or not; by default all that are due.")
    ] = None,
    at_once: Annotated[bool, typer.Option("--now", help="All feeds, whether due or not.")] = False,
) -> None:
    """Poll feeds once, read what they bring, and end. Alerts are planned; a running service sends them.

    Whichever way: one request at a time a host, the pause between two, what a host asked for, and robots.txt hold.
    """
    current = settings()
    now = clock()
    with opened_database(current, create=True) as database:
        taken = take_up_seeds(database, current.seeds, now=now())
        for complaint in taken.complaints:
            say_error(complaint)
        with database.read() as session:
            chosen = _chosen(session, feed or (), at_once=at_once, now=now())
            empty = "" if chosen else _nothing_due(session)
        with progress_bars() as progress:
            rows = asyncio.run(_poll_all(current, database, chosen, shown_on(progress, "polling feeds")))
    print_table(("feed", "entries", "to read", "articles", "trouble"), rows, empty=empty)


def _chosen(session: Session, named: Sequence[str], *, at_once: bool, now: datetime) -> tuple[Feed, ...]:
    if named:
        return tuple(
            {feed.feed_id: feed for name in named for feed in (feeds.get_feed(session, find_one(name)),)}.values()
        )
    return feeds.list_feeds(session, states=(FeedState.ACTIVE,)) if at_once else feeds.list_due_feeds(session, now)


def _nothing_due(session: Session) -> str:
    due_at = feeds.next_feed_due_at(session)
    if due_at is None:
        return "There is no feed to poll: 'storywatch feeds add URL' adds one."
    return f"No feed is due before {show_time(due_at)} UTC; 'storywatch poll --now' asks all of them at once."


async def _poll_all(
    current: Settings, database: Database, chosen: tuple[Feed, ...], on_progress: Callable[[int, int], None]
) -> list[list[str]]:
    """Poll feeds side by side, then read what they bring; a row a feed, in the order given."""
    async with make_fetcher(current, book=make_book(database, clock())) as fetcher:
        tools = make_tools(
            current,
            database=database,
            fetcher=fetcher,
            watch=make_watch(database, current),
            clock=clock(),
            rng=random.Random(),  # noqa: S311 spreads pauses, guards nothing
        )
        gate = asyncio.Semaphore(current.polling.concurrency)
        done = 0

        async def poll(feed: Feed) -> list[str]:
            nonlocal done
            async with gate:
                polled = await poll_feed(tools, feed)
                count = await _read_waiting(tools, feed)
            done += 1
            on_progress(done, len(chosen))
            named = feed.source or feed.url
            trouble = polled.update.message or polled.update.feed.last_error or ""
            return [named, str(polled.entries), str(polled.waiting), str(count), trouble]

        try:
            rows = await asyncio.gather(*map(poll, chosen))
            await tools.keep_manners()
        finally:
            tools.close()
    return rows


async def _read_waiting(tools: Tools, feed: Feed) -> int:
    """Read the pages of a feed that are due; returns how many articles came of it."""
    with tools.database.read() as session:
        waiting = feeds.list_waiting_entries(session, tools.clock(), feed_id=feed.feed_id)
    return sum([await read_entry(tools, feed, seen) is not None for seen in waiting])


def doctor_command(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Check settings, database, seeds, feeds, mail server and webhooks; say what is wrong and what to do."""
    findings = asyncio.run(examine(settings(), now=clock()()))
    if as_json:
        print_json(findings)
    for finding in () if as_json else findings:
        console().print(
            Text(f"{_MARKS[finding.is_well]} {finding.what}: {finding.words}", style=_STYLES[finding.is_well])
        )
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


_MARKS = {True: "ok ", False: "BAD"}
_STYLES = {True: "green", False: "red"}


def healthcheck_command() -> None:
    """Exit 0 if the running service's page answers that it is ready (for containers)."""
    web = settings().web
    host = "127.0.0.1" if web.host in ("0.0.0.0", "") else "[::1]" if web.host == "::" else web.host  # noqa: S104 compared, not bound
    url = f"http://{host}:{web.port}/readyz"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            body = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise StorywatchError(f"{url}: the service is not ready: {error}") from error
    console().print(body["status"])


def demo_command(
    folder: Annotated[Path | None, typer.Option(help="Keep settings, database and log here.")] = None,
    kill_seed: Annotated[
        int | None, typer.Option(help="Kill the service (-9) at moments drawn from this seed.")
    ] = None,
    kills: Annotated[int, typer.Option(min=1, help="How often to kill it.")] = 20,
    workers: Annotated[
        int, typer.Option(min=0, max=16, help="Play through a scheduler and so many workers; needs --database-url.")
    ] = 0,
    database_url: Annotated[
        str, typer.Option(help="An empty database to play on, instead of a file in the folder.")
    ] = "",
) -> None:
    """Play January 2022 on this machine, offline: a news site, the real service, and the alerts as they land."""
    if workers and not database_url.startswith("postgresql"):
        raise typer.BadParameter("workers share a PostgreSQL: name one with --database-url postgresql+psycopg://…")
    code = run_demo(
        console(), folder=folder, kill_seed=kill_seed, kills=kills, database_url=database_url, workers=workers
    )
    raise typer.Exit(code)


db_app = typer.Typer(no_args_is_help=True, help="The database's schema.")


@db_app.command("upgrade")
def db_upgrade_command() -> None:
    """Bring the database to this version's schema (the service does so by itself when it starts)."""
    current = settings()
    with opened_database(current, create=True) as database:
        console().print(f"{database.label}: schema {database.schema_version()}")
        if database.is_sqlite:
            return
    try:
        from monitor.queueing import prepare_queue
    except ModuleNotFoundError:
        return  # without the `scale` extra there are no workers, and no queue
    if prepare_queue(current.database_url):
        console().print("the queue of the workers is made")


@db_app.command("check")
def db_check_command() -> None:
    """Prove that the database answers with the whole of this version's schema; nothing is made or changed."""
    current = settings()
    database = Database(current.database_url)
    try:
        database.check()
    finally:
        database.close()
    console().print(f"{database.label}: schema {database.schema_version()}, as it should be")


@db_app.command("reindex")
def db_reindex_command() -> None:
    """Make the full-text index anew from the stored texts, in one transaction; searches go on meanwhile."""
    with opened_database() as database:
        with console().status("indexing"), database.write() as session:
            count = rebuild_index(session)
        console().print(f"{database.label}: {count} articles indexed anew")
