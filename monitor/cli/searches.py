"""`storywatch searches`: queries kept under a name, and who is told of new articles that they find."""

import getpass
from fnmatch import fnmatchcase
from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.context import clock, opened_database, settings
from monitor.cli.output import console, print_json, print_table, show_time
from monitor.cli.query_words import QueryCommand, join_query
from monitor.cli.search import say_unknown, search_command
from monitor.settings import to_subscriptions
from storage import searches
from storage.records import RevisionKind, SavedSearch
from storage.suggestions import find_unknown_names

app = typer.Typer(no_args_is_help=True, help="Searches kept under a name; new articles that they find are told.")
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Name = Annotated[str, typer.Argument(help="A saved search.")]


@app.command("save", cls=QueryCommand)
def save_command(
    name: Annotated[str, typer.Argument(help="Letters, digits, - and _; a name that is there is given the new query.")],
    query: Annotated[list[str], typer.Argument(help="What to look for, as 'storywatch search' takes it.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="Keep it, and tell nobody what it finds.")] = False,
) -> None:
    """Keep a query; from now on, new articles that it finds are told to the subscriptions that ask for it."""
    now = clock()()
    with opened_database(create=True) as database, database.write() as session:
        saved = searches.save_search(
            session, name.strip(), join_query(query), saved_at=now, who=getpass.getuser(), is_told=not quiet
        )
        unknown = find_unknown_names(session, saved.query)
    console().print(Text(f"Saved {saved.name}: {saved.query}"), soft_wrap=True)
    say_unknown(unknown)
    if not saved.is_told:
        console().print("Nobody is told what it finds.")
        return
    told = _told(saved)
    if told:
        console().print(Text(f"New articles that it finds are told to: {', '.join(told)}"), soft_wrap=True)
    else:
        line = "No subscription is told: give one of [[subscriptions]] the kind 'found', and this name in its searches."
        console().print(Text(line, style="yellow"), soft_wrap=True)


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """All saved searches, and which subscriptions are told of their finds."""
    with opened_database() as database, database.read() as session:
        found = searches.list_searches(session)
    if as_json:
        print_json([{"search": one, "told": _told(one)} for one in found])
        return
    print_table(
        ("name", "query", "since", "told"),
        [[one.name, one.query, show_time(one.saved_at), ", ".join(_told(one))] for one in found],
        empty="No search is saved. 'storywatch searches save NAME QUERY' saves one.",
    )


@app.command("run")
def run_command(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many hits.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Search with a saved query, the newest first."""
    with opened_database() as database, database.read() as session:
        saved = searches.get_search(session, name)
    search_command([saved.query], limit=limit, as_json=as_json)


@app.command("remove")
def remove_command(name: Name) -> None:
    """Forget a saved search; what was told of it stays on record."""
    with opened_database() as database, database.write() as session:
        searches.remove_search(session, name)
    console().print(Text(f"Removed {name}."))


def _told(search: SavedSearch) -> list[str]:
    if not search.is_told:
        return []
    kind = RevisionKind.FOUND.value
    return [
        one.name
        for one in to_subscriptions(settings())
        if any(fnmatchcase(kind, pattern) for pattern in one.kinds)
        and any(fnmatchcase(search.name, pattern) for pattern in one.searches)
    ]
