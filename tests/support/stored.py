"""Small stored things for tests of storage: a story, articles, claims, revisions, with what a test cares about said."""

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from storage import articles, stories
from storage.records import (
    Alert,
    Article,
    Claim,
    Delivery,
    Evidence,
    Figure,
    Hit,
    Match,
    NewArticle,
    RecordKey,
    Revision,
    RevisionKind,
    Span,
    StampedClaim,
    Story,
)

NOON = datetime(2022, 1, 9, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
STORY = Story(slug="unrest", title="Unrest")
KILLED = RecordKey(story="unrest", metric="killed")


def at(moment: datetime) -> Span:
    """A span that is one instant."""
    return Span(not_before=moment, not_after=moment)


def store_story(session: Session, slug: str = "unrest") -> Story:
    """A story of this name, stored."""
    story = Story(slug=slug, title=slug.title())
    stories.add_story(session, story, now=NOON)
    return story


def new_article(number: int = 1, **changes: object) -> NewArticle:
    """An article that was never stored; `changes` are fields of NewArticle."""
    values: dict[str, object] = {
        "url": f"https://news.example/{number}",
        "title": f"Title {number}",
        "text": f"Text {number}: 164 people were killed, the ministry said.",
        "text_hash": f"t1-{number}",
        "fetched_at": NOON + number * HOUR,
        "published": at(NOON + number * HOUR),
        "source": "Tengrinews",
        "lang": "en",
        "matches": (
            Match(story="unrest", score=2.5, hits=(Hit(evidence="place", name="Almaty", found="Almaty", weight=1.0),)),
        ),
    }
    return NewArticle(**(values | changes))  # type: ignore[arg-type]  # the test says which fields, checked when it runs


def store_article(session: Session, number: int = 1, **changes: object) -> Article:
    """An article, stored with its first version."""
    return articles.add_article(session, new_article(number, **changes))


def claim(
    name: str = "c1", value: float = 164, *, article_id: int = 0, recorded_at: datetime = NOON, **changes: object
) -> StampedClaim:
    """A stamped claim that 164 (or `value`) were killed; `changes` are fields of StampedClaim."""
    values: dict[str, object] = {
        "claim_id": name,
        "claim": Claim(metric="killed", value=value, low=value, high=value, origin="health ministry"),
        "story": "unrest",
        "article_id": article_id,
        "source": "Tengrinews",
        "asserted_at": at(recorded_at),
        "recorded_at": recorded_at,
    }
    return StampedClaim(**(values | changes))  # type: ignore[arg-type]  # as above


def revision(name: str = "r1", value: float = 164, **changes: object) -> Revision:
    """A revision that raised the record to `value`; `changes` are fields of Revision."""
    values: dict[str, object] = {
        "revision_id": name,
        "story": "unrest",
        "key": KILLED,
        "kind": RevisionKind.RAISED,
        "before": Figure(value=44),
        "after": Figure(value=value),
        "recorded_at": NOON,
        "public_at": at(NOON),
        "evidence": (Evidence(claim_id="c1", quote="164 people", url="https://news.example/1"),),
    }
    return Revision(**(values | changes))  # type: ignore[arg-type]  # as above


def alert(name: str = "a1", revision_id: str = "r1", **changes: object) -> Alert:
    """An alert about a revision; `changes` are fields of Alert."""
    values: dict[str, object] = {
        "alert_id": name,
        "revision_id": revision_id,
        "subscription": "desk",
        "story": "unrest",
        "group_key": "unrest/killed",
        "planned_at": NOON,
        "due_at": NOON,
    }
    return Alert(**(values | changes))  # type: ignore[arg-type]  # as above


def delivery(name: str = "d1", **changes: object) -> Delivery:
    """A delivery that is due; `changes` are fields of Delivery."""
    values: dict[str, object] = {
        "delivery_id": name,
        "channel": "desk",
        "alert_ids": ("a1",),
        "due_at": NOON,
        "created_at": NOON,
    }
    return Delivery(**(values | changes))  # type: ignore[arg-type]  # as above
