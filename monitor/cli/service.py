"""The commands that run and look after the service: run, poll, doctor, healthcheck, demo, db."""

import asyncio
import json
import random
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from monitor.app import LOOK_SECONDS, Service
from monitor.cli.context import clock, opened_database, settings, sqlite_path
from monitor.cli.feeds import find_one
from monitor.cli.output import console, print_json, print_table, say_error
from monitor.cycle import read_entry
from monitor.demo.play import run_demo
from monitor.examination import examine
from monitor.logs import configure_logs
from monitor.making import make_book, make_fetcher, make_tools
from monitor.polling import poll_feed
from monitor.settings import Settings
from monitor.taking_up import make_watch, take_up_seeds
from storage import feeds
from storage.database import Database
from storage.errors import StorywatchError
from storage.records import Feed
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
    path = sqlite_path(current.database_url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)

    async def main() -> None:
        rng = random.Random(seed)  # noqa: S311 spreads pauses, guards nothing
        await Service(current, clock=clock(), rng=rng, look_seconds=look_seconds, load=settings).run()

    asyncio.run(main())


def poll_command(
    feed: Annotated[
        str | None, typer.Argument(help="Number or address of a feed; all that are due by default.")
    ] = None,
) -> None:
    """Poll feeds once, read what they bring, and end. Alerts are planned; a running service sends them."""
    current = settings()
    now = clock()
    with opened_database(current, create=True) as database:
        taken = take_up_seeds(database, current.seeds, now=now())
        for complaint in taken.complaints:
            say_error(complaint)
        with database.read() as session:
            chosen = (feeds.get_feed(session, find_one(feed)),) if feed else feeds.list_due_feeds(session, now())
        rows = asyncio.run(_poll_all(current, database, chosen))
    print_table(("feed", "entries", "to read", "articles", "trouble"), rows, empty="No feed is due.")


async def _poll_all(current: Settings, database: Database, chosen: tuple[Feed, ...]) -> list[list[str]]:
    rows = []
    async with make_fetcher(current, book=make_book(database, clock())) as fetcher:
        tools = make_tools(
            current,
            database=database,
            fetcher=fetcher,
            watch=make_watch(database, current),
            clock=clock(),
            rng=random.Random(),  # noqa: S311 spreads pauses, guards nothing
        )
        for feed in chosen:
            polled = await poll_feed(tools, feed)
            count = 0
            with database.read() as session:
                waiting = [
                    one for one in feeds.list_waiting_entries(session, tools.clock()) if one.feed_id == feed.feed_id
                ]
            for seen in waiting:
                count += await read_entry(tools, feed, seen) is not None
            await tools.keep_manners()
            rows.append(
                [feed.source or feed.url, str(polled.entries), str(polled.waiting), str(count), polled.update.message]
            )
        tools.close()
    return rows


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
    """Prove that the database answers with this version's schema; nothing is changed."""
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
