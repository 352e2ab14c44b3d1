"""Names and words without an end, wherever strangers' words are shown, at the width of a phone and of a desk.

With STORYWATCH_LONG_IMAGES a folder gets the pictures.
"""

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from monitor.ledger.fold import fold_story
from storage import articles, claims, deliveries, feeds, judgements, stories
from storage.database import Database
from storage.records import (
    Alert,
    AlertState,
    Claim,
    Delivery,
    DeliveryState,
    FeedSpec,
    Hit,
    JudgementKind,
    Match,
    NewArticle,
    RecordKey,
    RevisionKind,
    Silence,
    StampedClaim,
)
from tests.monitor.web import archive
from tests.support.browsing import STORY, base, browser, database, open_context

__all__ = ["base", "browser", "database"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
LONG = "Donaudampfschifffahrtsgesellschaftskapitänswitwenrente" * 4


def stretch(database: Database) -> tuple[str, ...]:
    """Put words without an end wherever strangers' words are shown; returns the pages."""
    now, slug = archive.NOW, archive.KAZAKHSTAN.slug
    key = RecordKey(story=slug, metric="killed", place=LONG.casefold())
    with database.write() as session:
        stories.add_story(session, replace(archive.QUAKE, slug="long", title=LONG), now=now)
        feeds.add_feed(session, FeedSpec(url=f"https://long.example/{LONG}", source=LONG), stories=(slug,))
        article = articles.add_article(
            session,
            NewArticle(url=f"https://long.example/{LONG}", title=LONG, text=f"{LONG} 225 {LONG}", text_hash="t1:long", fetched_at=now,
                       source=LONG, lang="en", matches=(Match(story=slug, score=0.9, hits=(Hit(evidence="entity", name=LONG, found=LONG, weight=1),)),)),
        )  # fmt: skip
        articles.add_version(
            session,
            article.article_id,
            title=f"{LONG}!",
            text=f"{LONG} 226",
            text_hash="t1:longer",
            fetched_at=now,
            previous_fetched_at=now,
        )
        claim = StampedClaim(
            claim_id="c1:long",
            claim=Claim(metric="killed", value=225, low=225, high=225, place=key.place, origin=LONG, speaker=f"{LONG} speaks", quote="225", rule="test"),
            story=slug, article_id=article.article_id, url=f"https://long.example/{LONG}", title=LONG, source=LONG, sentence=f"{LONG} 225 {LONG}",
            asserted_at=archive.exactly(now), recorded_at=now,
        )  # fmt: skip
        claims.add_claims(session, [claim])
        history = fold_story([claim], (), archive.KAZAKHSTAN)[key]
        claims.update_histories(session, slug, [history], (), now=now)
        told = replace(archive.as_revisions(history, [claim])[0], revision_id="long", kind=RevisionKind.RAISED)
        claims.add_revisions(session, [told])
        deliveries.add_alerts(session, [
            Alert(alert_id="a1-long", revision_id="long", subscription=LONG, story=slug, group_key="killed", state=AlertState.HELD, reason="",
                  planned_at=now, due_at=now)
        ])  # fmt: skip
        deliveries.add_deliveries(session, [
            Delivery(delivery_id="d1-long", channel=LONG, receiver=LONG, subscription=LONG, alert_ids=("a1-long",), state=DeliveryState.DEAD,
                     attempts=10, created_at=now, due_at=now, last_error=LONG)
        ])  # fmt: skip
        deliveries.add_silence(session, Silence(
            silence_id="s1-long", matchers=(("story", LONG),), starts_at=now, ends_at=now + timedelta(hours=1), who=LONG, comment=LONG,
        ))  # fmt: skip
        judgements.add_judgement(
            session, story=slug, kind=JudgementKind.ANNOTATE, target="long", who=LONG, why=LONG, made_at=now
        )
        judgements.add_judgement(
            session,
            story=slug,
            kind=JudgementKind.ALIAS,
            target=LONG,
            payload=json.dumps({"origin": LONG}),
            who=LONG,
            why=LONG,
            made_at=now,
        )
    number = article.article_id
    return (
        "/", STORY, "/stories/long", f"{STORY}/records", f"{STORY}/record?metric=killed&place={quote(key.place)}", f"{STORY}/judgements",
        "/revisions/long", f"/articles/{number}", f"/articles/{number}?version=2&against=1", f"/search?q={quote(LONG)}", "/search?q=source:long",
        "/feeds", "/alerts", "/about", f"/nothing/{LONG}", f"/login?next=/{LONG}",
    )  # fmt: skip


@pytest.mark.parametrize("look", ["phone", "light"])
def test_words_without_an_end_stay_on_the_page(
    browser: Browser, base: str, database: Database, look: str, tmp_path: Path
) -> None:
    complaints = []
    folder = Path(os.environ.get("STORYWATCH_LONG_IMAGES", tmp_path))
    with open_context(browser, base, look) as context:
        page = context.new_page()
        for number, path in enumerate(stretch(database)):
            page.goto(path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                broad = "[...document.querySelectorAll('main *, header *, footer *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.table-wrap, .chart-wide')).slice(0, 3).map(e => e.outerHTML.slice(0, 120))"
                complaints.append(f"{path[:40]}: {wide} pixels too wide: {page.evaluate(broad)}")
            page.screenshot(path=folder / f"long-{number}-{look}.png", full_page=True)
    assert complaints == []
