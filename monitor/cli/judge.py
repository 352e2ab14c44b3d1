"""`storywatch judge`: overrule what was read. Judgements are kept with who, when and why; every fold replays them."""

import getpass
from collections.abc import Mapping
from typing import Annotated

import typer

from monitor.cli.claims import one_story
from monitor.cli.context import clock, opened_database, settings
from monitor.cli.output import console, print_json, print_table, show_figure, show_time
from monitor.cli.stories import describe_key
from monitor.intake import refold
from monitor.judging import note_judgement
from monitor.ledger.judgements import MATCH_STATES
from monitor.reprocessing import rematch_article, unjudge_match
from monitor.settings import to_subscriptions
from monitor.watch import Watch
from storage import articles, judgements, stories
from storage.database import lock_story
from storage.records import JudgementKind, MatchState, Revision
from storage.shortened import whole_id

app = typer.Typer(no_args_is_help=True, help="Overrule what was read; everything is kept and can be taken back.")
StoryName = Annotated[str | None, typer.Option("--story", help="The story; not needed where there is only one.")]
Why = Annotated[str, typer.Option("--why", help="The reason, kept with the judgement.")]


@app.command("reject")
def reject_command(claim_id: str, story: StoryName = None, why: Why = "") -> None:
    """A claim was misread or is not to be trusted: take it out of the record."""
    _judge(JudgementKind.REJECT, claim_id, {}, story, why)


@app.command("rescope")
def rescope_command(
    claim_id: str,
    population: Annotated[str | None, typer.Option(help="Of whom, e.g. role=police; 'whole' for all.")] = None,
    place: Annotated[str | None, typer.Option(help="Where; 'whole' for the whole story.")] = None,
    metric: Annotated[str | None, typer.Option(help="What is measured.")] = None,
    story: StoryName = None,
    why: Why = "",
) -> None:
    """A claim speaks of something else than we thought."""
    given = {"population": population, "place": place, "metric": metric}
    payload = {name: "" if value == "whole" else value for name, value in given.items() if value is not None}
    if not payload:
        raise typer.BadParameter("say what it speaks of: --population, --place or --metric")
    _judge(JudgementKind.RESCOPE, claim_id, payload, story, why)


@app.command("merge")
def merge_command(record: str, into: str, story: StoryName = None, why: Why = "") -> None:
    """Two records are one: count the claims of RECORD for INTO (both as story/metric/unit/population/place)."""
    _judge(JudgementKind.MERGE, record, {"into": into}, story, why)


@app.command("split")
def split_command(record: str, into: str, claim_ids: list[str], story: StoryName = None, why: Why = "") -> None:
    """A record mixes two things: count these of its claims for INTO (a record's whole key)."""
    _judge(
        JudgementKind.SPLIT,
        record,
        {"into": into, "claims": _whole_claims(claim_ids)},
        story,
        why,
    )


@app.command("alias")
def alias_command(name: str, origin: str, story: StoryName = None, why: Why = "") -> None:
    """NAME speaks for ORIGIN: their statements are one origin's."""
    _judge(JudgementKind.ALIAS, name, {"origin": origin}, story, why)


@app.command("pin")
def pin_command(record: str, value: float, story: StoryName = None, why: Why = "") -> None:
    """Hold a record at a value, whatever is reported, until the judgement is taken back."""
    _judge(JudgementKind.PIN, record, {"value": value}, story, why)


@app.command("add")
def add_command(
    record: str,
    value: float,
    origin: Annotated[str, typer.Option(help="Who says so.")],
    url: Annotated[str, typer.Option(help="Where it stands.")] = "",
    quote: Annotated[str, typer.Option(help="The sentence.")] = "",
    story: StoryName = None,
    why: Why = "",
) -> None:
    """Add a claim by hand that no feed brought."""
    payload = {"value": value, "origin": origin, "url": url, "quote": quote}
    _judge(JudgementKind.ADD, record, payload, story, why)


@app.command("annotate")
def annotate_command(target: str, note: str, story: StoryName = None) -> None:
    """Leave a note on a claim, a record or a revision; it changes nothing."""
    _judge(JudgementKind.ANNOTATE, target, {}, story, note)


@app.command("match")
def match_command(
    article: str,
    story: Annotated[str, typer.Option("--story")],
    reject: Annotated[bool, typer.Option(help="It does not belong there (default: it does).")] = False,
    why: Why = "",
) -> None:
    """Say that an article belongs to a story, or does not."""
    state = MatchState.REJECTED if reject else MatchState.ACCEPTED
    kind = JudgementKind.REJECT_MATCH if reject else JudgementKind.ACCEPT_MATCH
    now = clock()()
    with opened_database() as database, database.write() as session:
        found = articles.get_article(session, int(article) if article.isdigit() else article)
        articles.set_match_state(session, found.article_id, story, state)
        judgements.add_judgement(
            session,
            story=story,
            kind=kind,
            target=str(found.article_id),
            payload="{}",
            who=_who(),
            why=why,
            made_at=now,
        )
        watch = Watch([stories.get_story(session, story)], to_subscriptions(settings()))
        moved = rematch_article(session, watch, found.article_id, now=now)
    console().print(f"{found.title or found.url}: {state.value}.")
    _report(moved)


@app.command("list")
def list_command(story: StoryName = None, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """All judgements of a story."""
    with opened_database() as database:
        chosen = one_story(database, story)
        with database.read() as session:
            found = judgements.list_judgements(session, chosen.slug)
    if as_json:
        print_json(found)
        return
    print_table(
        ("no", "when", "who", "what", "of", "why"),
        [[str(j.judgement_id), show_time(j.made_at), j.who, j.kind.value, j.target, j.why] for j in found],
        empty="Nothing was overruled.",
    )


@app.command("revoke")
def revoke_command(judgement: int) -> None:
    """Take a judgement back."""
    now = clock()()
    current = settings()
    with opened_database(current) as database, database.write() as session:
        taken = judgements.revoke_judgement(session, judgement, revoked_at=now)
        found = stories.get_story(session, taken.story)
        lock_story(session, taken.story)
        watch = Watch([found], to_subscriptions(current))
        if taken.kind in MATCH_STATES:
            moved = unjudge_match(session, watch, taken, now=now)
        else:
            moved = refold(session, watch, found, now=now)
    _report(moved)


def _judge(kind: JudgementKind, target: str, payload: Mapping[str, object], story: str | None, why: str) -> None:
    now = clock()()
    current = settings()
    with opened_database(current) as database:
        chosen = one_story(database, story)
        with database.write() as session:
            if kind in (JudgementKind.REJECT, JudgementKind.RESCOPE):
                target = whole_id(session, "claim", target)
            note_judgement(session, chosen, kind, target, payload, who=_who(), why=why, now=now)
            moved = refold(session, Watch([chosen], to_subscriptions(current)), chosen, now=now)
    _report(moved)


def _report(moved: tuple[Revision, ...]) -> None:
    console().print("Noted." if moved else "Noted; no record moved.")
    print_table(
        ("what", "kind", "from", "to"),
        [
            [
                describe_key(one.key),
                one.kind.value,
                show_figure(one.before) if one.before else "–",
                show_figure(one.after),
            ]
            for one in moved
        ],
    )


def _whole_claims(claim_ids: list[str]) -> list[str]:
    with opened_database() as database, database.read() as session:
        return [whole_id(session, "claim", one) for one in claim_ids]


def _who() -> str:
    return getpass.getuser()
