"""`storywatch research`: who reported first, who corrected how soon, who still does not, what an origin has said."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from monitor.cli.claims import MOMENTS, is_meant, no_record, one_story, read_scope
from monitor.cli.context import opened_database
from monitor.cli.output import print_json, print_table, show_figure, show_span, show_time
from monitor.cli.stories import describe_key
from storage import claims, research
from storage.errors import NotFoundError
from storage.keys import key_text
from storage.records import ClaimStatus, Figure, History, StampedClaim, Story

app = typer.Typer(no_args_is_help=True, help="Who said what, who first, who still does, who put it right when.")
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
StoryName = Annotated[str | None, typer.Option("--story", help="The story; not needed where there is only one.")]
Metric = Annotated[
    str | None, typer.Argument(help="A metric (killed), or a record's whole key; all records by default.")
]
OneMetric = Annotated[str, typer.Argument(help="A metric (killed), or a record's whole key.")]
Population = Annotated[str, typer.Option(help="Of whom (role=police); the whole by default.")]
PlaceName = Annotated[str, typer.Option("--place", help="Where; the whole by default.")]
# The scale of a delay in words: an outlet that takes days is not told in minutes.
_SCALES = (("d", 86_400), ("h", 3_600), ("min", 60))


@app.command("first")
def first_command(
    metric: OneMetric = "killed",
    value: Annotated[
        float | None, typer.Argument(help="A figure: all outlets that carried it, in order. All figures by default.")
    ] = None,
    story: StoryName = None,
    population: Population = "",
    place: PlaceName = "",
    as_json: Json = False,
) -> None:
    """Who reported each figure of a record first; with VALUE, who followed and how much later."""
    with opened_database() as database:
        chosen = one_story(database, story)
        with database.read() as session:
            histories = claims.list_histories(session, chosen.slug)
            (history,) = _chosen(histories, chosen, metric, population, place)
            if value is None:
                found = research.list_first_reports(session, history.key)
            else:
                found = research.list_followers(session, history.key, Figure(value=value))
    if as_json:
        print_json(found)
        return
    begin = found[0] if found else None
    print_table(
        ("figure", "published", "source", "later", "who", "address"),
        [
            [
                _show_value(one),
                show_span(one.asserted_at),
                one.source,
                "" if value is None or begin is None else _show_delay(_seconds_between(begin, one)),
                one.claim.origin or one.claim.speaker or "–",
                one.url,
            ]
            for one in found
        ],
        title=f"{chosen.slug}: {describe_key(history.key)}",
        empty="Nobody reported such a figure.",
    )


@app.command("corrections")
def corrections_command(
    metric: Metric = None,
    story: StoryName = None,
    population: Population = "",
    place: PlaceName = "",
    as_json: Json = False,
) -> None:
    """How long each outlet took to correct a figure that was taken back, counted from when it was taken back."""
    with opened_database() as database:
        chosen = one_story(database, story)
        with database.read() as session:
            histories = claims.list_histories(session, chosen.slug)
            wanted = _chosen(histories, chosen, metric, population, place)
            found = [one for history in wanted for one in research.list_corrections(session, history.key)]
    if as_json:
        print_json(found)
        return
    print_table(
        ("record", "figure", "source", "carried", "taken back", "corrected", "took"),
        [
            [
                describe_key(one.key),
                show_figure(one.figure),
                one.source,
                show_time(one.carried_at),
                show_time(one.taken_back_at),
                show_time(one.corrected_at) if one.corrected_at else "not yet",
                _show_delay(one.delay_seconds),
            ]
            for one in found
        ],
        empty="No figure was taken back.",
    )


@app.command("carriers")
def carriers_command(
    metric: Metric = None,
    story: StoryName = None,
    population: Population = "",
    place: PlaceName = "",
    known_at: Annotated[
        datetime | None, typer.Option("--as-known-at", formats=MOMENTS, help="As we knew it then, UTC.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Every article that still carries a withdrawn or lowered figure, once, whoever it quotes, and since when."""
    moment = known_at.replace(tzinfo=UTC) if known_at else None
    with opened_database() as database:
        chosen = one_story(database, story)
        with database.read() as session:
            histories = claims.list_histories(session, chosen.slug)
            wanted = _chosen(histories, chosen, metric, population, place)
            found = [(one.key, research.list_carriers(session, one.key, known_at=moment)) for one in wanted]
    if as_json:
        print_json([{"key": key, "claims": carriers} for key, carriers in found if carriers])
        return
    count = len({one.article_id or one.url for _, carriers in found for one in carriers})
    print_table(
        ("record", "figure", "published", "source", "title", "sentence", "address"),
        [
            [
                describe_key(key),
                _show_value(one),
                show_span(one.asserted_at),
                one.source,
                one.title,
                "" if one.sentence == one.title else one.sentence,
                one.url,
            ]
            for key, carriers in found
            for one in carriers
        ],
        title=f"{chosen.slug}: {count} {'article' if count == 1 else 'articles'}",
        empty="No article carries a figure that was taken back.",
    )


@app.command("positions")
def positions_command(
    origin: Annotated[str, typer.Argument(help="Who is quoted, e.g. 'Health Ministry'.")],
    story: StoryName = None,
    as_json: Json = False,
) -> None:
    """Everything that one origin says or said, by record and time."""
    with opened_database() as database:
        chosen = one_story(database, story)
        with database.read() as session:
            histories = claims.list_histories(session, chosen.slug)
            name = _origin(histories, origin)
            found = research.list_positions(session, chosen.slug, name)
    if as_json:
        print_json(found)
        return
    print_table(
        ("record", "figure", "since", "until", "carried by"),
        [
            [
                describe_key(one.key),
                show_figure(one.position.figure) + (" (lagged)" if one.position.lagged else ""),
                show_span(one.position.since),
                show_span(one.position.until) if one.position.until else "now",
                ", ".join(one.position.outlets),
            ]
            for one in found
        ],
        title=f"{chosen.slug}: {name}",
    )


def _chosen(
    histories: tuple[History, ...], story: Story, metric: str | None, population: str, place: str
) -> list[History]:
    """The records meant: all without a metric, else the one of this key or scope. Raises NotFoundError."""
    if metric is None:
        return list(histories)
    scope = read_scope(story, metric, population, place)
    for history in histories:
        if is_meant(history.key, scope) and (not history.key.period or scope.key == key_text(history.key)):
            return [history]
    raise no_record(story, metric, [history.key for history in histories])


def _origin(histories: tuple[History, ...], asked: str) -> str:
    """An origin as the records name it, whatever the case that the user wrote. Raises NotFoundError."""
    names = sorted({position.origin for history in histories for position in history.positions})
    for name in names:
        if name.casefold() == asked.casefold():
            return name
    raise NotFoundError(f"nobody called {asked!r} is quoted; origins: {', '.join(names) or 'none yet'}")


def _show_value(stamped: StampedClaim) -> str:
    claim = stamped.claim
    doubt = " (unconfirmed)" if claim.status is ClaimStatus.UNCONFIRMED else ""
    return show_figure(Figure(value=claim.value, low=claim.low, high=claim.high, qualifier=claim.qualifier)) + doubt


def _seconds_between(first: StampedClaim, later: StampedClaim) -> float | None:
    if first.asserted_at is None or later.asserted_at is None:
        return None
    return (later.asserted_at.not_before - first.asserted_at.not_before).total_seconds()


def _show_delay(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    name, size = next((scale for scale in _SCALES if seconds >= scale[1]), _SCALES[-1])
    return f"{seconds / size:.1f}".removesuffix(".0") + f" {name}"
