"""Builders of what alerts are about: revisions, stories, subscriptions, messages. Defaults tell of one withdrawn toll."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.changes import Notice
from alerts.chart import history_of_revisions
from alerts.links import LinkMaker
from alerts.messages import render
from alerts.plan import plan_alerts
from storage.records import (
    Evidence,
    Figure,
    Message,
    RecordKey,
    Revision,
    RevisionKind,
    Span,
    Story,
    Subscription,
)

NOON = datetime(2022, 1, 10, 12, 0, tzinfo=UTC)
STORY = Story(slug="kz", title="Kazakhstan unrest")
LINKS = LinkMaker(base_url="https://watch.example.org", secret="a secret of the tests")
ALL_KINDS = tuple(kind.value for kind in RevisionKind)


def after(seconds: float) -> datetime:
    """The time so long after NOON."""
    return NOON + timedelta(seconds=seconds)


def at(moment: datetime) -> Span:
    return Span(not_before=moment, not_after=moment)


def number(value: float | None) -> Figure | None:
    return None if value is None else Figure(value=value)


def revise(
    name: str,
    kind: RevisionKind = RevisionKind.RAISED,
    before: float | None = 44,
    after_: float | None = 164,
    *,
    metric: str = "killed",
    story: str = "kz",
    when: datetime = NOON,
    population: str = "",
    place: str = "",
    origins: Sequence[str] = ("Health Ministry",),
    **fields: Any,
) -> Revision:
    """A revision with the id `name`."""
    key = RecordKey(story=story, metric=metric, population=population, place=place)
    given: dict[str, Any] = {
        "before": number(before),
        "after": number(after_),
        "public_at": at(when),
        "origins": tuple(origins),
        "rule": "5",
        "reason": "higher",
    }
    return Revision(revision_id=name, story=story, key=key, kind=kind, recorded_at=when, **(given | fields))


SENTENCE = (
    "The figure of 164 dead was published by mistake, the Information Ministry said; the earlier toll of 44 stands."
)
WITHDRAWN = revise(
    "r-withdrawn",
    RevisionKind.RETRACTED,
    164,
    44,
    reason="withdrawn",
    origins=("Information Ministry",),
    effective_at=Span(not_before=NOON - timedelta(hours=36), not_after=NOON - timedelta(hours=12)),
    evidence=(
        Evidence(
            claim_id="c1-1",
            sentence=SENTENCE,
            quote="164 dead",
            url="https://news.example.org/2022/01/10/toll?a=1&b=2",
            title="Toll withdrawn",
            source="Example Agency",
            origin="Information Ministry",
            speaker="A spokesman",
            published=at(NOON - timedelta(hours=1)),
            lang="en",
        ),
    ),
)
PAST = (
    revise("r-first", RevisionKind.FIRST, None, 26, when=NOON - timedelta(hours=75)),
    revise("r-44", RevisionKind.RAISED, 26, 44, when=NOON - timedelta(hours=64)),
    revise("r-164", RevisionKind.RAISED, 44, 164, when=NOON - timedelta(hours=28)),
)


def subscribe(name: str = "desk", **fields: Any) -> Subscription:
    given: dict[str, Any] = {"channels": ("hook",), "group_wait": 0, "group_interval": 0}
    return Subscription(name=name, **(given | fields))


def notice(revision: Revision = WITHDRAWN, past: Sequence[Revision] = PAST, **fields: Any) -> Notice:
    """The notice of a revision to a subscription that asks for everything."""
    everything = subscribe(kinds=ALL_KINDS)
    told = {revision.corrects: ["desk"]} if revision.corrects else {}
    alert = plan_alerts([revision], [everything], now=revision.recorded_at, told=told)[0]
    given: dict[str, Any] = {
        "alert": alert,
        "story": STORY,
        "history": history_of_revisions([*past, revision]) if past else None,
    }
    return Notice(revision=revision, **(given | fields))


def write_message(*notices: Notice, **fields: Any) -> Message:
    """A rendered message, of the withdrawn toll unless told otherwise."""
    given: dict[str, Any] = {
        "subscription": subscribe(),
        "message_id": "d1-00000000000000000000000000000001",
        "created_at": NOON,
        "links": LINKS,
        "receiver": "editor@example.org",
    }
    return render(notices or (notice(),), **(given | fields))
