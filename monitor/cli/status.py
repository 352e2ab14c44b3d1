"""`storywatch status`: how it stands, once as a table or JSON, or as a screen that goes on (`--watch`)."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from monitor.cli.context import clock, opened_database
from monitor.cli.output import console, print_json, print_table, show_figure, show_time
from monitor.cli.parts import part_data, part_name, part_row, parts_words
from monitor.cli.stories import describe_key
from storage import articles, claims, deliveries, feeds, stories
from storage.backlog import count_due
from storage.covering import cover_secrets
from storage.database import Database
from storage.errors import DatabaseError
from storage.liveness import ROLES, Heard, find_leader
from storage.parts import list_parts
from storage.records import Revision

WATCH_SECONDS = 2.0
# More than the highest terminal shows.
_MOST_CHANGES = 100
_LEAST_CHANGES = 3
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def status_command(
    as_json: Annotated[bool, typer.Option("--json")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every two seconds, until Ctrl-C.")] = False,
) -> None:
    """What is stored and how it fares: stories, feeds, articles, revisions, deliveries, what is due, who is at work."""
    with opened_database() as database:
        if watch:
            _watch(database)
        else:
            _show(read_status(database), as_json=as_json)


def _watch(database: Database) -> None:
    """A screen that is drawn anew until Ctrl-C, which is how it is meant to end."""
    screen = console()
    first = report = read_status(database, changes=_MOST_CHANGES)
    trouble = ""
    try:
        with Live(console=screen, screen=True, auto_refresh=False) as live:
            while True:
                lines = draw(report, first, width=screen.width, height=screen.height, trouble=trouble)
                live.update(Group(*lines), refresh=True)
                time.sleep(WATCH_SECONDS)
                try:
                    report, trouble = read_status(database, changes=_MOST_CHANGES), ""
                except DatabaseError as error:
                    trouble = str(error)
    except KeyboardInterrupt:
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How it stands at `now`."""

    now: datetime
    database: str
    stories: dict[str, str]
    feeds: int
    failing: tuple[str, ...]
    next_poll: datetime | None
    articles: int
    revisions: int
    deliveries: dict[str, int]
    due: dict[str, tuple[int, datetime | None]]
    changes: tuple[Revision, ...]
    parts: tuple[Heard, ...] = ()


def read_status(database: Database, *, changes: int = 5) -> Status:
    """How it stands, with so many of the last changes. Raises DatabaseError."""
    now = clock()()
    with database.read() as session:
        every = feeds.list_feeds(session)
        counted = deliveries.count_deliveries(session)
        return Status(
            now=now,
            database=database.label,
            stories={story.slug: story.state.value for story in stories.list_stories(session)},
            feeds=len(every),
            failing=tuple(cover_secrets(feed.url) for feed in every if feed.failures),
            next_poll=feeds.next_feed_due_at(session),
            articles=articles.count_articles(session),
            revisions=claims.count_revisions(session),
            deliveries={state.value: count for state, count in counted.items()},
            due={one.queue: (one.count, one.oldest_at) for one in count_due(session, now)},
            changes=claims.list_revisions(session, newest_first=True, limit=changes),
            parts=list_parts(session),
        )


def _show(status: Status, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_data(status))
        return
    console().print(f"now {show_time(status.now)} UTC, database {status.database}")
    told = ", ".join(f"{count} {state}" for state, count in status.deliveries.items()) or "none yet"
    due = ", ".join(f"{count} {queue}{_since(status, at)}" for queue, (count, at) in status.due.items())
    print_table(
        ("what", "how it stands"),
        [
            ["stories", ", ".join(f"{slug} ({state})" for slug, state in status.stories.items()) or "none"],
            ["feeds", f"{status.feeds}, {len(status.failing)} failing; next poll {show_time(status.next_poll)}"],
            ["articles", str(status.articles)],
            ["revisions", str(status.revisions)],
            ["deliveries", told],
            ["due now", due],
            ["at work", parts_words(status.parts)],
        ],
    )
    if status.parts:
        rows = [[*part_row(one, status.parts), f"{show_age(one.silence)} ago"] for one in status.parts]
        print_table(("part", "machine and process", "does", "heard of"), rows)


def _as_data(status: Status) -> dict[str, Any]:
    return {
        "database": status.database,
        "stories": status.stories,
        "feeds": status.feeds,
        "feeds_failing": list(status.failing),
        "next_poll": status.next_poll,
        "articles": status.articles,
        "revisions": status.revisions,
        "deliveries": status.deliveries,
        "due": {queue: {"count": count, "oldest": at} for queue, (count, at) in status.due.items()},
        "parts": [part_data(one, status.parts) for one in status.parts],
        "last_revisions": [
            {"at": one.recorded_at, "story": one.story, "metric": one.key.metric, "kind": one.kind.value}
            for one in status.changes
        ],
    }


def _since(status: Status, oldest: datetime | None) -> str:
    return f" (for {show_age(status.now - oldest)})" if oldest else ""


def show_age(age: timedelta) -> str:
    """How long that is, in the largest unit that fits: 45 s, 12 min, 3 h, 5 d."""
    seconds = max(0, round(age.total_seconds()))
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return "0 s"


def draw(status: Status, first: Status, *, width: int, height: int, trouble: str = "") -> list[Text]:
    """PURE: the screen's lines, none wider than `width`, no more than `height` as far as three changes leave room.

    `first` is how it stood when the watching began; `trouble` says why this is not how it stands now.
    """
    lines = [_header(status, width), Text(trouble, style="red"), *_counts(status, first)]
    states = Counter(status.stories.values())
    lines += [
        Text(""),
        _row("stories", ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"),
        _row("feeds", _feeds_words(status)),
    ]
    lines += [Text(f"            {url}", style="red") for url in status.failing[:2]]
    lines += _part_lines(status.parts)
    room = max(_LEAST_CHANGES, height - len(lines) - 2)
    lines += [Text(""), Text("last changes" if status.changes else "no changes yet", style="bold")]
    lines += _changes(status.changes[:room])
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _header(status: Status, width: int) -> Text:
    at, end = status.now.strftime("%Y-%m-%d %H:%M:%S UTC"), "Ctrl-C ends this"
    room = width - len(at) - len(end) - 4
    where = (
        status.database if len(status.database) <= room else f"…{status.database[len(status.database) - room + 1 :]}"
    )
    return Text(f"{at}  {where:<{max(room, 0)}}  {end}", style="bold")


def _counts(status: Status, first: Status) -> list[Text]:
    """What is due on the left, what has been done on the right, with what came since the watching began."""
    done = [
        ("articles", status.articles, first.articles),
        ("changes", status.revisions, first.revisions),
        ("delivered", status.deliveries.get("delivered", 0), first.deliveries.get("delivered", 0)),
        ("dead letters", status.deliveries.get("dead", 0), first.deliveries.get("dead", 0)),
    ]
    since = status.now - first.now
    new = f"in {show_age(since)}" if since >= timedelta(seconds=1) else ""
    lines = [Text(f"{'due now':<12}{'':>7}  {'oldest':<10}  {'stored':<14}{'':>9}  {new}", style="bold")]
    for (queue, (count, oldest)), (what, number, before) in zip(status.due.items(), done, strict=True):
        waits = show_age(status.now - oldest) if oldest else "–"
        more = f"{number - before:+,}" if number != before else ""
        lines.append(Text(f"{queue:<12}{count:>7,}  {waits:<10}  {what:<14}{number:>9,}  {more}"))
    return lines


def _feeds_words(status: Status) -> str:
    if not status.feeds:
        return "none"
    failing = f", {len(status.failing)} failing" if status.failing else ""
    if status.next_poll is None:
        return f"{status.feeds}{failing}"
    ahead = status.next_poll - status.now
    return f"{status.feeds}{failing}, next poll {'now' if ahead <= timedelta(0) else f'in {show_age(ahead)}'}"


def _part_lines(heard: Sequence[Heard]) -> list[Text]:
    """A line for each kind of part: how many live, then each with when it was heard of, the longest silent first."""
    lines = []
    for role in ROLES:
        mine = sorted((one for one in heard if one.part.role == role), key=lambda one: one.silence, reverse=True)
        if mine:
            live = sum(one.is_live for one in mine)
            each = ", ".join(f"{part_name(one, heard)} {show_age(one.silence)} ago" for one in mine)
            lines.append(_row(role, f"{live} live: {each}"))
            lines[-1].style = "" if live else "red"
    if find_leader(heard) is None:
        lines.append(Text(f"{'at work':<12}{parts_words(heard)}", style="red"))
    return lines


def _row(what: str, words: str) -> Text:
    return Text.assemble((f"{what:<12}", "bold"), words)


def _changes(changes: Sequence[Revision]) -> list[Text]:
    """One line a change: when, from what to what, how, and last of which story, since that may be cut off."""
    lines = []
    for one in changes:
        sides = [show_figure(side) for side in (one.before, one.after) if side is not None]
        what = f"{describe_key(one.key)} {' → '.join(sides)}".strip()
        kind = one.kind.value.replace("_", " ")
        lines.append(Text.assemble(f"{one.recorded_at:%m-%d %H:%M}  {what:<34}  ", (f"{kind}  ", "bold"), one.story))
    return lines
