"""`storywatch claims`: what was said, how the record of it moved, and who still carries a dead figure."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from alerts.words import load_words
from monitor.cli.context import opened_database
from monitor.cli.output import (
    console,
    print_hanging,
    print_json,
    print_table,
    show_figure,
    show_number,
    show_span,
    show_time,
    to_plain,
)
from monitor.cli.stories import describe_inconsistency, describe_key
from monitor.ledger.baseline import baseline_claims, is_unquoted
from monitor.ledger.fold import as_published_at, fold_story
from monitor.ledger.judgements import Rulings, iter_stated, public_judgements
from monitor.ledger.laggards import find_laggards
from monitor.ledger.parts import find_inconsistencies
from storage import articles, claims, judgements, stories
from storage.database import Database
from storage.errors import NotFoundError
from storage.keys import key_text, place_key
from storage.naming import suggest
from storage.records import Figure, History, Judgement, RecordKey, Revision, RevisionKind, StampedClaim, Step, Story
from storage.shortened import short_id, whole_id
from storage.superseded import list_readings

app = typer.Typer(no_args_is_help=True, help="What was said, and how the records of it moved.")
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
StoryName = Annotated[str | None, typer.Option("--story", help="The story; not needed where there is only one.")]
MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


@app.command("list")
def list_command(
    story: StoryName = None,
    metric: Annotated[str | None, typer.Option(help="Only this metric (killed, injured, …).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10000)] = 50,
    as_json: Json = False,
) -> None:
    """All claims as they were read, in the order in which they were learned."""
    with opened_database() as database, database.read() as session:
        found = claims.list_claims(session, story, metric=metric, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("learned", "source", "claim", "status", "who", "sentence"),
        [
            [
                show_time(one.recorded_at),
                one.source,
                f"{describe_claim(one)}\n{short_id(one.claim_id)}",
                one.claim.status.value,
                one.claim.origin or one.claim.speaker or "–",
                one.sentence,
            ]
            for one in found
        ],
        empty="No claim is stored yet.",
    )


@app.command("show")
def show_command(claim_id: str) -> None:
    """One claim whole, and how it was read before, if a newer reading took its place (`superseded`)."""
    with opened_database() as database, database.read() as session:
        whole = whole_id(session, "claim", claim_id)
        past = list_readings(session, whole)
        present = claims.find_claim(session, whole)
        if present is None and not past:
            raise claims.no_claim(whole)
    if not past:
        print_json(present)
    else:
        print_json({**(to_plain(present) if present else {}), "superseded": past})


@app.command("history")
def history_command(
    metric: Annotated[str, typer.Argument(help="A metric (killed), or a record's whole key.")] = "killed",
    story: StoryName = None,
    population: Annotated[str, typer.Option(help="Of whom (role=police); the whole by default.")] = "",
    place: Annotated[str, typer.Option(help="Where; the whole by default.")] = "",
    known_at: Annotated[
        datetime | None, typer.Option("--as-known-at", formats=MOMENTS, help="What we had learned by then, UTC.")
    ] = None,
    published_at: Annotated[
        datetime | None,
        typer.Option(
            "--as-published-at",
            formats=MOMENTS,
            help="What was public by then, UTC, as it is read and judged now (with --as-known-at: then).",
        ),
    ] = None,
    full: Annotated[bool, typer.Option(help="Show what was considered and refused, too.")] = False,
    as_json: Json = False,
) -> None:
    """How one record moved: each version with its sentences, origins and the rule that moved it."""
    with opened_database() as database:
        chosen = one_story(database, story)
        learned = known_at.replace(tzinfo=UTC) if known_at else None
        public = published_at.replace(tzinfo=UTC) if published_at else None
        with database.read() as session:
            known: Sequence[StampedClaim] = claims.list_claims(session, chosen.slug, known_at=learned)
            rulings: Sequence[Judgement] = judgements.list_judgements(session, chosen.slug, known_at=learned)
            log = claims.list_revisions(session, chosen.slug)
            kept = {history.key for history in claims.list_histories(session, chosen.slug)}
    moments = [at for at in (learned, public) if at is not None]
    if public is not None:
        known, rulings = as_published_at(known, public), public_judgements(rulings, public)
    # A seed's figures are learned when its article is published.
    histories = fold_story(known, rulings, chosen, known_at=min(moments, default=None))
    scope = read_scope(chosen, metric, population, place)
    found = [history for key, history in histories.items() if is_meant(key, scope)]
    if not found and not any(is_meant(key, scope) for key in kept):
        raise no_record(chosen, metric, {*kept, *histories})
    if as_json:
        print_json(found)
    elif not found:
        names = sorted({describe_key(key) for key in histories})
        console().print(f"{chosen.slug} has no record {metric!r} there. Records: {', '.join(names) or 'none yet'}")
    else:
        by_id = {one.claim_id: one for one in (*baseline_claims(chosen), *iter_stated(Rulings(rulings)), *known)}
        for history in found:
            _print_history(chosen, history, by_id, log, full=full)
        for odd in find_inconsistencies(histories, chosen):
            if any(history.key == odd.key for history in found):
                console().print(describe_inconsistency(odd), style="yellow")


@app.command("laggards")
def laggards_command(story: StoryName = None, as_json: Json = False) -> None:
    """Who still carries a figure that was withdrawn or superseded."""
    with opened_database() as database:
        chosen = one_story(database, story)
        with database.read() as session:
            stamped = claims.list_claims(session, chosen.slug)
            rulings = judgements.list_judgements(session, chosen.slug)
            removed = articles.find_removed(session, {one.article_id for one in stamped})
    found = find_laggards(fold_story(stamped, rulings, chosen), stamped, removed=removed)
    if as_json:
        print_json(found)
        return
    print_table(
        ("record", "figure", "source", "since", "address"),
        [
            [describe_key(one.key), show_figure(one.figure), one.source, show_span(one.asserted_at), one.url]
            for one in found
        ],
        empty="Nobody carries a dead figure.",
    )


def one_story(database: Database, name: str | None) -> Story:
    """The story that is meant: by name, or the only one with any claim."""
    with database.read() as session:
        if name is not None:
            return stories.get_story(session, name)
        every = stories.list_stories(session)
        filled = [story for story in every if claims.list_claims(session, story.slug, limit=1)]
    choices = filled or every
    if len(choices) == 1:
        return choices[0]
    names = ", ".join(story.slug for story in choices)
    raise typer.BadParameter(f"say which story with --story: {names or 'none is stored yet'}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The record that somebody asks for, as its key has it; `key` if they wrote that whole."""

    key: str
    metric: str
    population: str
    place: str


def read_scope(story: Story, metric: str, population: str, place: str) -> Scope:
    """PURE: what is asked for, however its names are written; a place by any name that the seed gives it."""
    asked = place_key(place)
    for one in story.places:
        if asked and asked in map(place_key, (one.name, *one.aliases)):
            asked = "" if one.whole else place_key(one.name)
            break
    return Scope(
        key=metric,
        metric=_fold_metric(metric),
        population=population.casefold(),
        place=asked,
    )


def is_meant(key: RecordKey, scope: Scope) -> bool:
    """PURE: whether a record is the one asked for, of whatever period."""
    of = (_fold_metric(key.metric), key.population.casefold(), place_key(key.place))
    return key_text(key) == scope.key or of == (scope.metric, scope.population, scope.place)


def _fold_metric(name: str) -> str:
    """A measure as it is compared: as lists show it, with spaces, or as keys hold it."""
    return "_".join(name.casefold().replace("_", " ").replace("-", " ").split())


def no_record(story: Story, metric: str, keys: Iterable[RecordKey]) -> NotFoundError:
    """The error for a record that nobody keeps, with what was probably meant, and how each record is asked for."""
    known = sorted(keys)
    metrics = {key.metric for key in known}
    close = suggest(metric, metrics) if _fold_metric(metric) not in map(_fold_metric, metrics) else ""
    near = f"{close} " if close.startswith("did you mean") else ""
    names = ", ".join(_typed_key(key) for key in known) or "none yet"
    return NotFoundError(f"story {story.slug!r} has no record {metric!r} of that scope; {near}records: {names}")


def _typed_key(key: RecordKey) -> str:
    """PURE: a record as it is asked for: killed --place almaty; whole where no option tells it."""
    if key.period:
        return repr(key_text(key))
    options = [f"--{name} {shlex.quote(value)}" for name in ("population", "place") if (value := getattr(key, name))]
    return " ".join([key.metric, *options])


def describe_claim(stamped: StampedClaim) -> str:
    """A claim in short: metric and figure."""
    claim = stamped.claim
    if claim.state is not None:
        return f"{claim.metric.replace('_', ' ')}: {claim.state.replace('_', ' ')}"
    narrowed = "; ".join(part for part in (claim.population, claim.place) if part)
    figure = Figure(value=claim.value, low=claim.low, high=claim.high, qualifier=claim.qualifier)
    return f"{claim.metric.replace('_', ' ')} {show_figure(figure)}" + (f" ({narrowed})" if narrowed else "")


def _find_entry(log: Sequence[Revision], key: RecordKey, step: Step) -> Revision | None:
    """The newest entry of the change log that a step of a record made; None for what has not been logged."""
    for one in reversed(log):
        is_same = one.key == key and (one.before, one.after) == (step.before, step.figure)
        if is_same and {shown.claim_id for shown in one.evidence} <= set(step.evidence):
            return one
    return None


def _print_history(
    story: Story, history: History, by_id: dict[str, StampedClaim], log: Sequence[Revision], *, full: bool
) -> None:
    console().print(Text(f"{story.title}: {describe_key(history.key)}", style="bold"))
    marks = [word for word, on in (("contested", history.is_contested), ("provisional", history.is_provisional)) if on]
    bounds = f"low {show_number(history.low)}, best {show_number(history.best)}, high {show_number(history.high)}"
    console().print(f"now {show_figure(history.current)}   {bounds}   {' '.join(marks)}".rstrip())
    console().print()
    for step in history.steps:
        arrow = f"{show_figure(step.before)} → " if step.before else ""
        style = "red" if step.kind in (RevisionKind.RETRACTED, RevisionKind.LOWERED) else "green"
        line = Text(f"{show_span(step.public_at):<17}")
        line.append(f"{step.kind.value:<12}", style=style)
        withdrawn = step.kind is RevisionKind.RETRACTED
        after = f"withdrawn ({show_figure(step.figure)})" if withdrawn and step.figure else show_figure(step.figure)
        line.append(f"{arrow}{after}", style="bold")
        console().print(line)
        origins = f"{', '.join(step.origins)}; " if step.origins else ""
        entry = _find_entry(log, history.key, step)
        named = f", revision {short_id(entry.revision_id)}" if entry else ""
        print_hanging(
            f"{origins}rule {step.rule}, learned {show_time(step.recorded_at)}{named}", style="dim", first="  "
        )
        for claim_id in step.evidence[:3]:
            if claim_id in by_id:
                _print_sentence(by_id[claim_id])
    for position in history.positions:
        until = f" until {show_span(position.until)}" if position.until else ""
        lag = " (lagged)" if position.lagged else ""
        outlets = f" via {', '.join(position.outlets)}" if position.outlets else ""
        line_ = (
            f"{position.origin}: {show_figure(position.figure)} since {show_span(position.since)}{until}{outlets}{lag}"
        )
        print_hanging(f"position  {line_}", style="dim")
    if full:
        words = load_words("en")
        for refusal in history.refusals:
            held = by_id.get(refusal.claim_id)
            said = f"{held.source}: “{held.sentence}”" if held else refusal.claim_id
            why = words.say("reasons", refusal.reason) if refusal.reason else ""
            print_hanging(f"refused   {refusal.rule}: {said}", style="dim")
            if why:
                print_hanging(why, style="dim", first="  ")


def _print_sentence(stamped: StampedClaim) -> None:
    """The sentence that a claim is from and where it stands; of a seed that quotes none, only that it is the seed's."""
    is_unquoted_ = is_unquoted(stamped.claim_id, stamped.sentence, stamped.claim.quote)
    print_hanging("from the seed" if is_unquoted_ else f"“{stamped.sentence}”", first="  ")
    where = ", ".join(part for part in (stamped.source, stamped.address) if part and not part.startswith("seed:"))
    if where:
        console().print(Text(f"  — {where}", style="dim"), soft_wrap=True)
