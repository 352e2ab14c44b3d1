"""`storywatch stories`: what is being watched."""

from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.context import clock, opened_database
from monitor.cli.output import console, print_json, print_table, show_figure, show_number, show_time
from monitor.ledger.parts import Inconsistency, find_inconsistencies
from storage import articles, claims, feeds, stories
from storage.records import History, RecordKey, StoryState
from storage.shortened import short_id

app = typer.Typer(no_args_is_help=True, help="What is being watched.")
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """All stories with what is stored of them."""
    with opened_database() as database, database.read() as session:
        rows = [
            {
                "slug": story.slug,
                "title": story.title,
                "state": story.state.value,
                "articles": articles.count_articles(session, story=story.slug),
                "records": len(claims.list_histories(session, story.slug)),
                "revisions": claims.count_revisions(session, story.slug),
            }
            for story in stories.list_stories(session)
        ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("story", "title", "state", "articles", "records", "revisions"),
        [[str(row[name]) for name in ("slug", "title", "state", "articles", "records", "revisions")] for row in rows],
        empty="No stories yet. 'storywatch seed new ARTICLE' drafts one; 'storywatch run' takes up those in seeds/.",
    )


@app.command("show")
def show_command(slug: str, as_json: Json = False) -> None:
    """One story: its records with low, best and high, and its latest revisions."""
    with opened_database() as database, database.read() as session:
        story = stories.get_story(session, slug)
        histories = claims.list_histories(session, slug)
        revisions = claims.list_revisions(session, slug, newest_first=True, limit=10)
        sources = feeds.list_feeds(session, story=slug)
    if as_json:
        print_json({"story": story, "records": histories, "revisions": revisions})
        return
    console().print(Text(f"{story.title}  [{story.slug}]", style="bold"))
    console().print(f"{story.state.value}; {len(sources)} feeds; since {show_time(story.period_start)}")
    print_table(
        ("record", "now", "low", "best", "high", ""),
        [_record_row(history) for history in histories],
        empty="Nothing has been reported yet.",
    )
    for odd in find_inconsistencies({history.key: history for history in histories}, story):
        console().print(describe_inconsistency(odd), style="yellow")
    print_table(
        ("revision", "learned", "what", "kind", "from", "to"),
        [
            [
                short_id(one.revision_id),
                show_time(one.recorded_at),
                describe_key(one.key),
                one.kind.value,
                show_figure(one.before) if one.before else "–",
                show_figure(one.after),
            ]
            for one in revisions
        ],
        title="Latest revisions",
    )


def _record_row(history: History) -> list[str]:
    marks = [
        word for word, is_so in (("contested", history.is_contested), ("provisional", history.is_provisional)) if is_so
    ]
    is_state = history.current is not None and history.current.state is not None
    return [
        describe_key(history.key),
        show_figure(history.current),
        *(show_number(None if is_state else bound) for bound in (history.low, history.best, history.high)),
        " ".join(marks),
    ]


def describe_key(key: RecordKey) -> str:
    """A record in short: metric, then what narrows it."""
    narrowed = [part for part in (key.population, key.place, key.period) if part]
    name = key.metric.replace("_", " ") or "article"
    return f"{name} ({'; '.join(narrowed)})" if narrowed else name


def describe_inconsistency(odd: Inconsistency) -> str:
    """Parts that come to more than their whole, in a line."""
    parts = ", ".join(f"{key.place} {show_figure(figure)}" for key, figure in odd.parts)
    return f"{describe_key(odd.key)} does not add up: {parts} make {show_number(odd.total)} of {show_figure(odd.whole)}"


@app.command("close")
def close_command(slug: str) -> None:
    """Stop watching a story; all that is stored of it stays."""
    _set_state(slug, StoryState.CLOSED)


@app.command("open")
def open_command(slug: str) -> None:
    """Watch a closed or dormant story again."""
    _set_state(slug, StoryState.ACTIVE)


def _set_state(slug: str, state: StoryState) -> None:
    with opened_database() as database, database.write() as session:
        stories.set_story_state(session, slug, state, now=clock()())
    console().print(f"{slug} is {state.value} now. A running service takes it up within a minute.")
