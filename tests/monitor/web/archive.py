"""An archive as a few weeks of watching leave it: January 2022 in Kazakhstan in our own words, and an invented earthquake.

Claims are written out by hand, each found in its text; histories come from the real fold, revisions from its steps.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.ledger.fold import fold_story
from storage import articles, claims, deliveries, feeds, judgements, stories
from storage.database import Database
from storage.keys import stable_hash
from storage.records import (
    Alert,
    AlertState,
    Claim,
    ClaimKind,
    ClaimStatus,
    Delivery,
    DeliveryState,
    Entity,
    EntityKind,
    Evidence,
    FeedSpec,
    FeedState,
    Figure,
    History,
    Hit,
    JudgementKind,
    Match,
    NewArticle,
    OriginSpec,
    Place,
    Qualifier,
    RecordKey,
    Revision,
    RevisionKind,
    SeedArticle,
    Silence,
    Span,
    StampedClaim,
    Step,
    Story,
    Subscription,
    Topic,
    Trust,
)

NOW = datetime(2022, 1, 20, 9, 0, tzinfo=UTC)
EVIL = "<script>alert('x')</script>"
SUBSCRIPTIONS = (
    Subscription(name="desk", channels=("desk", "editors"), hold=("lowered", "retracted")),
    Subscription(name="research", stories=("kazakhstan-unrest-2022",), metrics=("killed",), channels=("archive",)),
)

KAZAKHSTAN = Story(
    slug="kazakhstan-unrest-2022",
    title="January 2022 unrest in Kazakhstan",
    languages=("en", "ru"),
    timezone="Asia/Almaty",
    seed=SeedArticle(source="TASS", title="The seed article", url="https://example.org/seed"),
    period_start=datetime(2022, 1, 2, tzinfo=UTC),
    entities=(
        Entity(name="Kazakhstan", kind=EntityKind.PLACE, aliases=("Казахстан",), central=True),
        Entity(name="Kassym-Jomart Tokayev", kind=EntityKind.PERSON, aliases=("Tokayev",), weight=3),
    ),
    topics=(Topic(name="unrest", terms=("unrest", "riots", "protests")),),
    places=(Place(name="Kazakhstan", whole=True), Place(name="Almaty", aliases=("Алматы",), parent="kazakhstan")),
    origins=(
        OriginSpec(name="Health Ministry"),
        OriginSpec(name="Interior Ministry"),
        OriginSpec(name="Prosecutor General's Office", aliases=("Serik Shalabayev",)),
    ),
)
QUAKE = Story(
    slug="ridge-earthquake",
    title="Earthquake in Ridge Province",
    languages=("en",),
    entities=(Entity(name="Ridge Province", kind=EntityKind.PLACE, central=True),),
    topics=(Topic(name="earthquake", terms=("earthquake", "tremor")),),
)


@dataclass(frozen=True)
class Told:
    """One claim of a page: the quote must stand in the text; `more` are further fields of Claim."""

    quote: str
    metric: str
    value: float | None
    origin: str | None = None
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Written:
    """A page as an outlet published it, and the claims in it."""

    at: str
    source: str
    title: str
    text: str
    told: tuple[Told, ...] = ()
    story: Story = KAZAKHSTAN
    lang: str = "en"
    trust: Trust = Trust.MAJOR


def told(quote: str, metric: str, value: float | None = None, origin: str | None = None, **more: Any) -> Told:
    """A claim, with what is special about it."""
    return Told(quote, metric, value, origin, tuple(more.items()))


PAGES = (
    Written(
        "2022-01-06T05:10", "Steppe Wire", "Emergency declared as Almaty counts its dead",
        "A state of emergency is in force in all of Kazakhstan, President Tokayev said overnight. In Almaty police said that 26 armed "
        "rioters had been killed. The Interior Ministry put its own losses at 18 members of the security forces.",
        (
            told("state of emergency is in force", "state_of_emergency", kind=ClaimKind.STATE, state="in_force", origin="President"),
            told("26", "killed", 26, "Interior Ministry", population="role=attacker"),
            told("18", "killed", 18, "Interior Ministry", population="role=security_forces"),
        ),
        trust=Trust.AGENCY,
    ),
    Written(
        "2022-01-07T09:00", "Capital Post", "Dozens dead in a week of riots in Kazakhstan",
        "At least 44 people have died in a week of riots in Kazakhstan, the Interior Ministry said on Friday. Hospitals treated more than "
        "1,000 injured people. Police hold 3,811 suspects, the ministry added.",
        (
            told("At least 44", "killed", 44, "Interior Ministry", qualifier=Qualifier.AT_LEAST),
            told("more than 1,000", "injured", 1000, None, qualifier=Qualifier.MORE_THAN),
            told("3,811", "detained", 3811, "Interior Ministry"),
        ),
    ),
    Written(
        "2022-01-09T06:30", "Steppe Wire", "Ministry puts toll of Kazakhstan riots at 164",
        "The Health Ministry of Kazakhstan said on Sunday that 164 people were killed in the riots, 103 of them in Almaty. "
        "Among the dead are two children. Some 5,800 people were detained, the president's office said.",
        (
            told("164", "killed", 164, "Health Ministry"),
            told("103", "killed", 103, "Health Ministry", place="almaty"),
            told("5,800", "detained", 5800, "President's office", qualifier=Qualifier.ABOUT),
        ),
        trust=Trust.AGENCY,
    ),
    Written(
        "2022-01-09T08:05", "Capital Post", "Toll of unrest rises to 164, ministry says",
        "The number of people killed in the unrest in Kazakhstan has risen to 164, according to the Health Ministry. "
        "In Almaty alone 103 people died, the ministry wrote in its channel. Shops in the city are opening again, and buses run "
        "on four of the nine lines. The airport stays closed until Thursday. Residents told us that they had gone without news "
        "for three days.",
        (told("164", "killed", 164, "Health Ministry"), told("103", "killed", 103, "Health Ministry", place="almaty")),
    ),
    Written(
        "2022-01-09T16:40", "Steppe Wire", "Kazakhstan takes back toll of 164",
        "The figure of 164 dead was published by a technical error, the Health Ministry of Kazakhstan said on Sunday evening. "
        "It gave no other number. The police stand by an earlier count.",
        (told("164", "killed", 164, "Health Ministry", status=ClaimStatus.RETRACTED),),
        trust=Trust.AGENCY,
    ),
    Written(
        "2022-01-10T04:20", "Almaty Courier", "City clears its streets after the riots",
        "Clean-up crews removed the last burnt cars from Republic Square in Almaty on Monday. The Health Ministry says that 164 "
        "people lost their lives in the unrest. Police now hold 7,939 people.",
        (told("164", "killed", 164, "Health Ministry"), told("7,939", "detained", 7939, "Interior Ministry")),
        trust=Trust.LOCAL,
    ),
    Written(
        "2022-01-11T10:00", "Степной вестник", "В Казахстане задержаны почти десять тысяч человек",
        "В Казахстане после беспорядков задержаны 9900 человек, сообщило МВД республики. Чрезвычайное положение действует до 19 января.",
        (told("9900", "detained", 9900, "Interior Ministry"),),
        lang="ru", trust=Trust.LOCAL,
    ),
    Written(
        "2022-01-15T07:00", "Steppe Wire", "Prosecutors: 225 dead in Kazakhstan unrest",
        "The unrest of January cost 225 lives in Kazakhstan, 19 of them members of the security forces, Serik Shalabayev of the "
        "Prosecutor General's Office said on Saturday. Doctors treated 4,353 injured people.",
        (
            told("225", "killed", 225, "Prosecutor General's Office", speaker="Serik Shalabayev"),
            told("19", "killed", 19, "Prosecutor General's Office", population="role=security_forces"),
            told("4,353", "injured", 4353, "Prosecutor General's Office"),
        ),
        trust=Trust.AGENCY,
    ),
    Written(
        "2022-01-16T12:00", "Rights Watchers", "Group names 237 victims of January",
        "A rights group that collects names says that 237 people may have died in the January unrest in Kazakhstan. "
        "It could not confirm all of them.",
        (told("237", "killed", 237, "Rights Watchers", status=ClaimStatus.UNCONFIRMED),),
        trust=Trust.UNKNOWN,
    ),
    Written(
        "2022-01-19T03:00", "Capital Post", "State of emergency lifted in Kazakhstan",
        "The state of emergency was lifted in Kazakhstan at midnight, Tokayev's office said. The last peacekeepers of the alliance left the country.",
        (told("state of emergency was lifted", "state_of_emergency", kind=ClaimKind.STATE, state="lifted", origin="President"),),
    ),
    Written(
        "2022-01-18T02:00", "Ridge Radio", "Strong tremor shakes Ridge Province",
        "An earthquake shook Ridge Province before dawn. Rescuers say that 60 people are missing and 12 were killed.",
        (told("60", "missing", 60, "Rescue Service"), told("12", "killed", 12, "Rescue Service")),
        story=QUAKE, trust=Trust.LOCAL,
    ),
    Written(
        "2022-01-19T14:00", "Ridge Radio", "Fewer missing after the earthquake",
        "The number of people missing after the earthquake in Ridge Province has fallen to 21, the Rescue Service said. 31 people were killed.",
        (told("21", "missing", 21, "Rescue Service"), told("31", "killed", 31, "Rescue Service")),
        story=QUAKE, trust=Trust.LOCAL,
    ),
)  # fmt: skip

HOSTILE = NewArticle(
    url="javascript:alert(document.cookie)",
    title=f"Riots {EVIL} in Kazakhstan",
    text=f'{EVIL}<img src=x onerror=alert(1)> Kazakhstan toll & "quotes" </div>',
    text_hash="t1:hostile",
    fetched_at=NOW - timedelta(hours=30),
    source='<b onmouseover="x">Outlet</b>',
    lang="en",
)


def fill(database: Database) -> None:
    """Put everything into an empty, migrated database."""
    with database.write() as session:
        for story in (KAZAKHSTAN, QUAKE):
            stories.add_story(session, story, now=at("2022-01-05T20:00"))
        stamped = [claim for page in PAGES for claim in _add_page(session, page)]
        articles.add_article(session, HOSTILE)
        claims.add_claims(session, stamped)
        told_of: list[Revision] = []
        for story in (KAZAKHSTAN, QUAKE):
            mine = [one for one in stamped if one.story == story.slug]
            histories = fold_story(mine, (), story)
            claims.update_histories(session, story.slug, histories.values(), (), now=NOW)
            told_of += [one for history in histories.values() for one in as_revisions(history, mine)]
        told_of.append(_edit_quietly(session))
        told_of.sort(key=lambda one: (one.recorded_at, one.revision_id))
        claims.add_revisions(session, told_of)
        _add_feeds(session)
        _add_alerts(session, told_of)
        withdrawn = next(one for one in told_of if one.kind is RevisionKind.RETRACTED)
        judgements.add_judgement(
            session, story=KAZAKHSTAN.slug, kind=JudgementKind.ANNOTATE, target=withdrawn.revision_id, who="Aigerim",
            why="Called the ministry's press desk: no new figure before Saturday.", made_at=at("2022-01-10T06:00"),
        )  # fmt: skip


def at(moment: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def exactly(moment: datetime) -> Span:
    """An instant as a span."""
    return Span(not_before=moment, not_after=moment)


def _add_page(session: Any, page: Written) -> list[StampedClaim]:
    published = at(page.at)
    seen = published + timedelta(minutes=7)
    url = f"https://{page.source.lower().replace(' ', '-')}.example/{stable_hash('', page.title)[:10]}"
    hits = (
        Hit(
            evidence="entity", name=page.story.entities[0].name, found=page.story.entities[0].name, weight=0.42, count=3
        ),
        Hit(evidence="topic", name=page.story.topics[0].name, found=page.story.topics[0].terms[0], weight=0.31),
    )
    article = articles.add_article(
        session,
        NewArticle(
            url=url, title=page.title, text=page.text, text_hash=stable_hash("t1:", page.text), fetched_at=seen, source=page.source,
            trust=page.trust, lang=page.lang, published=exactly(published), matches=(Match(story=page.story.slug, score=0.86, hits=hits),),
        ),
    )  # fmt: skip
    return [_stamp(page, one, article.article_id, url, seen) for one in page.told]


def _stamp(page: Written, one: Told, article_id: int, url: str, seen: datetime) -> StampedClaim:
    start = page.text.index(one.quote)
    sentence = sentence_around(page.text, start)
    claim = Claim(
        metric=one.metric, value=one.value, low=one.value, high=one.value, origin=one.origin, start=start, end=start + len(one.quote),
        quote=one.quote, rule="test", lexicon_version="test",
    )  # fmt: skip
    more = dict(one.more)
    if more.get("qualifier") in (Qualifier.AT_LEAST, Qualifier.MORE_THAN):
        more["high"] = None
    return StampedClaim(
        claim_id=stable_hash("c1:", page.title, one.metric, one.quote, str(more)), claim=replace(claim, **more), story=page.story.slug,
        article_id=article_id, url=url, title=page.title, source=page.source, trust=page.trust, sentence=sentence,
        asserted_at=exactly(at(page.at)), recorded_at=seen,
    )  # fmt: skip


def sentence_around(text: str, position: int) -> str:
    """The sentence around a place in a text that ends its sentences with a full stop and a space."""
    start = text.rfind(". ", 0, position)
    end = text.find(". ", position)
    return text[start + 2 if start >= 0 else 0 : end + 1 if end >= 0 else len(text)]


def as_revisions(history: History, stamped: Iterable[StampedClaim]) -> list[Revision]:
    """The steps of a history as entries of the change log."""
    known = {one.claim_id: one for one in stamped}
    return [_as_revision(history.key, step, known) for step in history.steps]


def _as_revision(key: RecordKey, step: Step, known: dict[str, StampedClaim]) -> Revision:
    proofs = tuple(
        Evidence(
            claim_id=one.claim_id, sentence=one.sentence, quote=one.claim.quote, url=one.url, title=one.title, source=one.source,
            origin=one.claim.origin, speaker=one.claim.speaker, published=one.asserted_at, lang="en",
        )
        for claim_id in step.evidence
        if (one := known.get(claim_id)) is not None
    )  # fmt: skip
    return Revision(
        revision_id=stable_hash("r1:", str(key), str(step.kind), str(step.figure), str(step.recorded_at)).replace(":", "-"),
        story=key.story, key=key, kind=step.kind, before=step.before, after=step.figure, effective_at=step.effective_at,
        public_at=step.public_at, recorded_at=step.recorded_at, reason=step.reason, rule=step.rule, origins=step.origins, evidence=proofs,
    )  # fmt: skip


def _edit_quietly(session: Any) -> Revision:
    """Capital Post takes 164 out of its page and says nothing."""
    article = next(one for one in articles.list_articles(session) if one.title.startswith("Toll of unrest rises"))
    old = articles.list_versions(session, article.article_id)[0]
    seen = at("2022-01-10T08:30")
    gone = [one for one in claims.list_claims(session, article_id=article.article_id) if one.claim.quote == "164"]
    claims.replace_claims(session, [replace(one, ended_at=seen, version_last=1) for one in gone])
    text = old.text.replace(
        "has risen to 164, according to the Health Ministry", "is being verified by the Health Ministry"
    )
    text = text.replace("until Thursday", "until Friday").replace(
        "on four of the nine lines", "on six of the nine lines"
    )
    articles.add_version(
        session, article.article_id, title="Toll of unrest is being verified, ministry says", text=text,
        text_hash=stable_hash("t1:", text), fetched_at=seen, previous_fetched_at=at("2022-01-10T05:30"),
    )  # fmt: skip
    return Revision(
        revision_id="e1-quiet-edit", story=KAZAKHSTAN.slug, key=RecordKey(story=KAZAKHSTAN.slug, metric="killed"), kind=RevisionKind.EDITED,
        before=Figure(value=164, low=164, high=164), recorded_at=seen, public_at=Span(not_before=at("2022-01-10T05:30"), not_after=seen),
        reason="silent_edit", rule="edits.compare", article_id=article.article_id,
        evidence=(Evidence(url=article.url, title="Toll of unrest is being verified, ministry says", source=article.source),),
    )  # fmt: skip


def _add_feeds(session: Any) -> None:
    well = feeds.add_feed(
        session, FeedSpec(url="https://steppe-wire.example/rss", source="Steppe Wire", trust=Trust.AGENCY)
    )
    ill = feeds.add_feed(
        session,
        FeedSpec(url="https://almaty-courier.example/feed.xml", source="Almaty Courier", trust=Trust.LOCAL),
        stories=(KAZAKHSTAN.slug,),
    )
    gone = feeds.add_feed(
        session,
        FeedSpec(url="https://ridge-radio.example/atom", source="Ridge Radio", trust=Trust.LOCAL),
        stories=(QUAKE.slug,),
    )
    feeds.add_feed(
        session, FeedSpec(url="https://capital-post.example/news.json", source="Capital Post", trust=Trust.MAJOR)
    )
    feeds.update_feeds(session, [
        replace(well, last_polled_at=NOW - timedelta(minutes=4), last_success_at=NOW - timedelta(minutes=4), last_status=304, due_at=NOW + timedelta(minutes=8), entries_per_week=412.0),
        replace(ill, last_polled_at=NOW - timedelta(minutes=50), last_status=503, failures=4, failing_since=NOW - timedelta(hours=9), due_at=NOW + timedelta(hours=2), entries_per_week=61.0,
                last_error="the server answered 503 and asks to wait for two hours"),
        replace(gone, state=FeedState.GONE, last_polled_at=NOW - timedelta(days=1), last_status=410, last_error="the feed is gone (410)", due_at=None),
    ])  # fmt: skip


def _add_alerts(session: Any, revisions: list[Revision]) -> None:
    tellable = [one for one in revisions if one.kind is not RevisionKind.FIRST]
    alerts = [
        Alert(
            alert_id=f"a1-{number}", revision_id=one.revision_id, subscription="desk", story=one.story, group_key=one.key.metric,
            state=AlertState.HELD if one.kind in (RevisionKind.RETRACTED, RevisionKind.LOWERED) else AlertState.RELEASED,
            reason="", planned_at=one.recorded_at, due_at=one.recorded_at + timedelta(seconds=30),
        )
        for number, one in enumerate(tellable)
    ]  # fmt: skip
    deliveries.add_alerts(session, alerts)
    released = [one for one in alerts if one.state is AlertState.RELEASED]
    deliveries.add_deliveries(session, [
        Delivery(
            delivery_id=f"d1-{number}", channel="desk" if number % 2 else "editors", subscription="desk", alert_ids=(one.alert_id,),
            state=DeliveryState.DELIVERED, attempts=1, due_at=one.due_at, created_at=one.due_at, delivered_at=one.due_at + timedelta(seconds=2),
        )
        for number, one in enumerate(released[:-1])
    ] + [
        Delivery(
            delivery_id="d1-dead", channel="archive", subscription="research", alert_ids=(released[-1].alert_id,), state=DeliveryState.DEAD, attempts=10,
            due_at=released[-1].due_at, created_at=released[-1].due_at, last_error="https://archive.example/hook answered 500 ten times in 75 hours",
        )
    ])  # fmt: skip
    deliveries.add_silence(session, Silence(
        silence_id="s1-quake", matchers=(("story", QUAKE.slug), ("metric", "missing")), starts_at=NOW - timedelta(hours=1),
        ends_at=NOW + timedelta(hours=7), who="Aigerim", comment="Night shift: hourly counts are noise",
    ))  # fmt: skip
