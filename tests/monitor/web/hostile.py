"""What strangers could write everywhere where a page shows their words: markup, scripts, and addresses that are scripts."""

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import Session

from monitor.ledger.fold import fold_story
from monitor.web.presenter import record_path
from storage import articles, claims, deliveries, feeds, judgements
from storage.database import Database
from storage.keys import key_text, stable_hash
from storage.records import (
    Alert,
    AlertState,
    Claim,
    Delivery,
    DeliveryState,
    FeedSpec,
    FeedState,
    Hit,
    JudgementKind,
    Match,
    NewArticle,
    RecordKey,
    Revision,
    RevisionKind,
    Silence,
    StampedClaim,
)
from tests.monitor.web import archive

SCRIPT_URL = "javascript:alert('stranger')"
SCRIPT = "<script>alert('stranger')</script>"
MARKUP = f"\"'><img src=x onerror=alert('stranger')><b onmouseover=alert('stranger')>{SCRIPT}</b></title>"
STORY = archive.KAZAKHSTAN.slug
KEY = RecordKey(story=STORY, metric="killed", place=MARKUP)


@dataclass(frozen=True)
class Spoiled:
    """Where the stranger's words stand now."""

    article_id: int
    revision_id: str
    record: str
    story: str = f"/stories/{STORY}"

    def paths(self) -> tuple[str, ...]:
        """Every page that shows some of them."""
        return (
            "/",
            self.story,
            f"{self.story}/records",
            self.record,
            f"{self.record}&as_known_at=2022-01-20T08:59",
            f"{self.story}/judgements",
            f"/revisions/{self.revision_id}",
            f"/articles/{self.article_id}",
            f"/articles/{self.article_id}?version=2&against=1",
            "/search",
            "/search?q=stranger",
            "/feeds",
            "/alerts",
            "/about",
        )


def spoil(database: Database) -> Spoiled:
    """Put a stranger's words into a filled archive: a feed, an article and its edit, claims, changes, deliveries, notes."""
    now = archive.NOW - timedelta(hours=1)
    with database.write() as session:
        _spoil_feeds(session)
        article = articles.add_article(
            session,
            NewArticle(
                url=SCRIPT_URL, title=f"Riots {MARKUP}", text=f"44 {MARKUP} stranger", text_hash="t1:one", fetched_at=now, source=MARKUP,
                lang="en", matches=(Match(story=STORY, score=0.9, hits=(Hit(evidence="entity", name=MARKUP, found=MARKUP, weight=1),)),),
            ),
        )  # fmt: skip
        articles.add_version(
            session, article.article_id, title=f"Riots {MARKUP}", text=f"226 {MARKUP} strangers", text_hash="t1:two",
            fetched_at=now + timedelta(minutes=1), previous_fetched_at=now,
        )  # fmt: skip
        stamped = [_claim(article.article_id, number, value) for number, value in enumerate((44.0, 226.0))]
        claims.add_claims(session, stamped)
        history = fold_story(stamped, (), archive.KAZAKHSTAN)[KEY]
        claims.update_histories(session, STORY, [history], (), now=now)
        change = replace(
            archive.as_revisions(history, stamped)[-1], revision_id="hostile", kind=RevisionKind.RAISED, article_id=article.article_id
        )  # fmt: skip
        claims.add_revisions(session, [change])
        _tell(session, change)
        for kind, target, payload in (
            (JudgementKind.ANNOTATE, change.revision_id, "{}"),
            (JudgementKind.ALIAS, MARKUP, '{"origin": "<script>alert(1)</script>"}'),
            (JudgementKind.PIN, key_text(replace(KEY, metric="injured")), '{"value": 3}'),
        ):
            judgements.add_judgement(
                session, story=STORY, kind=kind, target=target, payload=payload, who=MARKUP, why=MARKUP, made_at=now
            )
    return Spoiled(article_id=article.article_id, revision_id=change.revision_id, record=record_path(KEY))


def _spoil_feeds(session: Session) -> None:
    named = feeds.add_feed(session, FeedSpec(url="https://stranger.example/rss"))
    gone = feeds.add_feed(session, FeedSpec(url=SCRIPT_URL, source=MARKUP), stories=(STORY,))
    feeds.update_feeds(
        session,
        [
            replace(named, title=f"News {MARKUP}", failures=3, last_error=f"answered {MARKUP}"),
            replace(gone, title=MARKUP, state=FeedState.GONE, last_error=MARKUP),
        ],
    )


def _claim(article_id: int, number: int, value: float) -> StampedClaim:
    quote = f"{value:g} {MARKUP}"
    recorded = archive.NOW - timedelta(minutes=50 - number)
    return StampedClaim(
        claim_id=stable_hash("c1:", "hostile", str(value)),
        claim=Claim(
            metric="killed", value=value, low=value, high=value, place=MARKUP, origin=MARKUP, speaker=f"{MARKUP} speaks", quote=quote, rule=MARKUP
        ),
        story=STORY, article_id=article_id, url=SCRIPT_URL, title=MARKUP, source=MARKUP, sentence=f"{quote}, a stranger said.",
        asserted_at=archive.exactly(recorded), recorded_at=recorded,
    )  # fmt: skip


def _tell(session: Session, change: Revision) -> None:
    now = archive.NOW
    alert = Alert(
        alert_id="a1-hostile", revision_id=change.revision_id, subscription=MARKUP, story=STORY, group_key="killed", state=AlertState.HELD,
        reason="", planned_at=now, due_at=now,
    )  # fmt: skip
    deliveries.add_alerts(session, [alert])
    deliveries.add_deliveries(session, [
        Delivery(
            delivery_id="d1-hostile", channel=MARKUP, receiver=MARKUP, subscription=MARKUP, alert_ids=(alert.alert_id,), state=DeliveryState.DEAD,
            attempts=10, created_at=now, due_at=now, last_error=f"answered 500: {MARKUP}", last_response=MARKUP,
        )
    ])  # fmt: skip
    deliveries.add_silence(session, Silence(
        silence_id="s1-hostile", matchers=(("story", MARKUP),), starts_at=now, ends_at=now + timedelta(hours=1), who=MARKUP, comment=MARKUP,
    ))  # fmt: skip
