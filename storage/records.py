"""The nouns of Storywatch as frozen records: what flows between the rooms.

Every record is frozen, slotted and keyword-only. Times are aware and in UTC. Money, counts and
magnitudes are floats; a figure that nobody stated is None. Tables mirror some of these records
inside storage/ only. Words are those of docs/glossary.md.
"""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import StrEnum

# --- time -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """An instant known only to within [not_before, not_after]; equal ends mean that it is known exactly."""

    not_before: datetime
    not_after: datetime


# --- stories --------------------------------------------------------------------------------


class StoryState(StrEnum):
    """Where a story stands: only active ones are matched and polled for; dormant ones are re-read rarely."""

    DRAFT = "draft"
    ACTIVE = "active"
    DORMANT = "dormant"
    CLOSED = "closed"


class EntityKind(StrEnum):
    """What an entity of a seed names."""

    PERSON = "person"
    ORGANISATION = "organisation"
    PLACE = "place"
    EVENT = "event"


class Trust(StrEnum):
    """How far a source is trusted; decides whether a lone implausible figure may move a record."""

    AGENCY = "agency"
    MAJOR = "major"
    LOCAL = "local"
    SOCIAL = "social"
    UNKNOWN = "unknown"


class MetricKind(StrEnum):
    """cumulative: only rises but by correction. stock: moves either way. level: a single measured value (magnitude,
    price).
    """

    CUMULATIVE = "cumulative"
    STOCK = "stock"
    LEVEL = "level"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A name that speaks for a story; `central` ones are a must for a match when any is marked."""

    name: str
    kind: EntityKind
    aliases: tuple[str, ...] = ()
    weight: float = 1.0
    central: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A theme of a story with the words that show it."""

    name: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node of a story's gazetteer. `key` is the slug of the name; `whole` places stand for the story itself."""

    name: str
    aliases: tuple[str, ...] = ()
    parent: str | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginSpec:
    """Who speaks for whom: aliases (persons, offices) that are one origin."""

    name: str
    aliases: tuple[str, ...] = ()
    umbrella: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A measure that records are kept of. `nouns` maps a language to the nouns that name it (a story's own metrics)."""

    name: str
    kind: MetricKind
    unit: str = "people"
    nouns: tuple[tuple[str, tuple[str, ...]], ...] = ()


class FeedKind(StrEnum):
    """feed: a document that lists entries. page: a plain page, watched on its own."""

    FEED = "feed"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSpec:
    """A feed as a seed or a person names it. `full`: fetch the page of every entry, matching or not."""

    url: str
    source: str = ""
    trust: Trust = Trust.UNKNOWN
    full: bool = False
    lang: str | None = None
    kind: FeedKind = FeedKind.FEED


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineClaim:
    """What the seed article says of one metric, in the sentence `quote`; opens the record without an alert."""

    metric: str
    value: float
    high: float | None = None
    qualifier: "Qualifier"
    origin: str | None = None
    population: str | None = None
    place: str | None = None
    effective_at: Span | None = None
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineState:
    """What the seed article says is in force or over."""

    subject: str
    state: str
    origin: str | None = None
    effective_at: Span | None = None
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedArticle:
    """The article that a story was taken from."""

    source: str = ""
    title: str = ""
    url: str = ""
    published: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is watched. Equal to its seed file once checked; `period_end` None means that it goes on."""

    slug: str
    title: str
    languages: tuple[str, ...] = ()
    timezone: str = "UTC"
    state: StoryState = StoryState.ACTIVE
    seed: SeedArticle = SeedArticle()
    period_start: datetime | None = None
    period_end: datetime | None = None
    entities: tuple[Entity, ...] = ()
    topics: tuple[Topic, ...] = ()
    places: tuple[Place, ...] = ()
    origins: tuple[OriginSpec, ...] = ()
    claims: tuple[BaselineClaim, ...] = ()
    states: tuple[BaselineState, ...] = ()
    metrics: tuple[Metric, ...] = ()
    feeds: tuple[FeedSpec, ...] = ()


# --- feeds and articles ---------------------------------------------------------------------


class FeedState(StrEnum):
    """active: polled. gone: answered 410 and is polled no more. removed: taken out by a person."""

    ACTIVE = "active"
    GONE = "gone"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTally:
    """How many feeds answer (`well`), fail or are gone for good (`ill`), and were never asked (`waiting`)."""

    well: int = 0
    ill: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A syndication source with what polling needs to remember. Validators are kept verbatim."""

    feed_id: int
    url: str
    source: str = ""
    trust: Trust = Trust.UNKNOWN
    full: bool = False
    lang: str | None = None
    state: FeedState = FeedState.ACTIVE
    title: str = ""
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    ttl_seconds: float | None = None
    due_at: datetime | None = None
    last_polled_at: datetime | None = None
    last_success_at: datetime | None = None
    last_full_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    failures: int = 0
    failing_since: datetime | None = None
    told_dead_at: datetime | None = None
    entries_per_week: float | None = None
    kind: FeedKind = FeedKind.FEED


class PushState(StrEnum):
    """wanted: the hub is to be asked. asked: it was, and has not verified yet. active: it pushes. denied: it refused.
    leaving: it is to be told that we want no more.
    """

    WANTED = "wanted"
    ASKED = "asked"
    ACTIVE = "active"
    DENIED = "denied"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription:
    """What a hub was asked to push of one feed (WebSub), and how that fares.

    `token` makes the callback's address, `secret` signs what is pushed; both are ours alone. `callback_url` is the
    public address that the hub was given. `act_at`: when the hub is asked next. `missed_at`: when a poll last found an
    entry that no push had brought.
    """

    feed_id: int
    hub_url: str
    topic_url: str
    token: str
    secret: str
    callback_url: str = ""
    state: PushState = PushState.WANTED
    act_at: datetime | None = None
    asked_at: datetime | None = None
    lease_until: datetime | None = None
    failures: int = 0
    last_error: str = ""
    pushes: int = 0
    last_push_at: datetime | None = None
    missed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostManners:
    """What a host asked of us: seconds between two requests (robots.txt), and no request before `quiet_until`."""

    host: str
    crawl_delay: float = 0.0
    quiet_until: datetime | None = None
    noted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One answer of a site, kept as it came in a WARC file: where it stands there, and the hashes that prove it.

    `file` is a name within the evidence folder; the response record and the request record after it fill `size` bytes
    from `start`. `payload_hash` (SHA-256) is of the body as it came, `record_hash` of those bytes of the file.
    """

    exhibit_id: str
    url: str
    status: int
    fetched_at: datetime
    payload_hash: str
    record_hash: str
    file: str
    start: int
    size: int
    feed_id: int | None = None
    article_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of a feed, as parsed. `entry_id` is the feed's own id (GUID), verbatim; `summary` is plain text."""

    entry_id: str
    link: str
    title: str
    summary: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None
    published_raw: str = ""
    author: str = ""
    content_html: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A feed document, as parsed."""

    title: str = ""
    link: str = ""
    self_url: str = ""
    hub_url: str = ""
    lang: str | None = None
    ttl_seconds: float | None = None
    entries: tuple[Entry, ...] = ()
    format: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlePart:
    """One dated post of a live page."""

    title: str = ""
    text: str = ""
    published: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedPart:
    """A stretch of a live page's text, half-open, that was published on its own: one post of it."""

    start: int
    end: int
    published: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadArticle:
    """Article text as read from one page.

    `obstacle` names what stood before the text (paywall, consent, robot, blank, reserved) or in its stead (missing,
    astray), if anything. `parts` are the posts of a live page, newest first; `next_url` is the next page of an article
    on several, or empty.
    """

    title: str
    text: str
    lang: str | None = None
    source: str = ""
    author: str = ""
    published: Span | None = None
    modified: Span | None = None
    published_raw: str = ""
    canonical_url: str = ""
    obstacle: str | None = None
    is_live: bool = False
    parts: tuple[ArticlePart, ...] = ()
    next_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One page at one address. `published` is as wide as it is known.

    `body_hash` is that of the page's bytes when they were last read: equal bytes need not be read again.
    """

    article_id: int
    url: str
    source: str = ""
    trust: Trust = Trust.UNKNOWN
    title: str = ""
    lang: str | None = None
    published: Span | None = None
    first_seen_at: datetime
    last_changed_at: datetime
    last_read_at: datetime | None = None
    reread_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    removed_at: datetime | None = None
    pending_hash: str | None = None
    pending_since: datetime | None = None
    body_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleVersion:
    """An article's text as it stood at one fetch; append-only. `number` counts from 1.

    `parts` are the dated posts of a live page, newest first; none where the whole text was published at one time.
    `trace` is the id of the poll or re-read that brought it (`storage.keys.trace_id`); empty for what was imported.
    """

    version_id: int
    article_id: int
    number: int
    title: str
    text: str
    text_hash: str
    fetched_at: datetime
    previous_fetched_at: datetime | None = None
    parts: tuple[DatedPart, ...] = ()
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead:
    """What reading a page again told of an article whose text did not change."""

    article_id: int
    etag: str | None
    last_modified: str | None
    last_read_at: datetime
    reread_at: datetime | None
    body_hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffPart:
    """A stretch of a word diff: what stood there and what stands there now; equal where nothing changed."""

    old: str
    new: str


class MatchState(StrEnum):
    """Whether a person has overruled a match."""

    AUTOMATIC = "automatic"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One reason for a match: which evidence (entity, topic, place, period), the name of it, the words found, its
    share of the score.
    """

    evidence: str
    name: str
    found: str
    weight: float
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Why an article belongs to a story."""

    story: str
    score: float
    hits: tuple[Hit, ...]
    is_match: bool = True
    state: MatchState = MatchState.AUTOMATIC


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArticle:
    """An article as it was read for the first time, ready to be stored. `aliases` are other names of it (addresses,
    GUIDs). `recorded_at` is when it is taken in, where it was fetched before (None: as it was fetched).
    """

    url: str
    title: str
    text: str
    text_hash: str
    fetched_at: datetime
    source: str = ""
    trust: Trust = Trust.UNKNOWN
    lang: str | None = None
    published: Span | None = None
    reread_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    aliases: tuple[str, ...] = ()
    matches: tuple["Match", ...] = ()
    fingerprints: tuple[int, ...] = ()
    parts: tuple[DatedPart, ...] = ()
    body_hash: str | None = None
    trace: str = ""
    recorded_at: datetime | None = None

    @property
    def learned_at(self) -> datetime:
        """When we learned of it."""
        return self.recorded_at or self.fetched_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEntry:
    """What became of a feed's entry. `entry_key` names it within its feed; `fingerprint` tells whether it changed
    since.

    `outcome` is a word of the monitor's (waiting, stored, no_match, failed, …); `retry_at` says when its page is
    fetched (again).
    `payload` keeps a waiting entry as JSON until its page is read, so that a crash or an unchanged feed loses nothing.
    `trace` is the id of the poll that found it.
    """

    feed_id: int
    entry_key: str
    outcome: str
    seen_at: datetime
    fingerprint: str = ""
    article_id: int | None = None
    attempts: int = 0
    retry_at: datetime | None = None
    payload: str = ""
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionRun:
    """One reading of a story's articles by one lexicon."""

    run_id: int
    story: str
    lexicon_version: str
    started_at: datetime
    finished_at: datetime | None = None
    articles: int = 0
    claims: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """One text that a query found. `spans` are the places of found words within `snippet`, half-open; `number` is the
    version.
    """

    article_id: int
    url: str
    title: str
    source: str = ""
    lang: str | None = None
    published: Span | None = None
    stories: tuple[str, ...] = ()
    snippet: str = ""
    spans: tuple[tuple[int, int], ...] = ()
    title_spans: tuple[tuple[int, int], ...] = ()
    number: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """How what a search found spreads: (name, count) pairs, the most frequent first, months newest first.

    `is_capped`: more was found than was counted.
    """

    total: int
    is_capped: bool = False
    sources: tuple[tuple[str, int], ...] = ()
    stories: tuple[tuple[str, int], ...] = ()
    languages: tuple[tuple[str, int], ...] = ()
    months: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """A query kept under a name. `is_told`: articles first seen since `saved_at` that it finds are told."""

    name: str
    query: str
    saved_at: datetime
    who: str = ""
    is_told: bool = True


# --- claims ---------------------------------------------------------------------------------


class Qualifier(StrEnum):
    """How a number was hedged."""

    EXACT = "exact"
    AT_LEAST = "at_least"
    MORE_THAN = "more_than"
    AT_MOST = "at_most"
    FEWER_THAN = "fewer_than"
    ABOUT = "about"
    NEARLY = "nearly"
    RANGE = "range"
    VAGUE = "vague"


class ClaimKind(StrEnum):
    """level: how many by now. increment: how many more. state: something is in force or over."""

    LEVEL = "level"
    INCREMENT = "increment"
    STATE = "state"


class ClaimStatus(StrEnum):
    """What the text itself says of the figure."""

    CURRENT = "current"
    PREVIOUS = "previous"
    RETRACTED = "retracted"
    DENIED = "denied"
    UNCONFIRMED = "unconfirmed"
    OTHER_EVENT = "other_event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One quantity or state asserted in one text, as extracted: no identity, no database, no network behind it.

    `value` is the number as stated; `low` and `high` are our reading of it as bounds (None: open).
    `population` None is the whole, else a canonical axes key such as "age=child;role=police".
    `place` None is the story's whole; "unresolved" is never the whole. `text[start:end] == quote`,
    where text is the named field; `sentence_start`/`sentence_end` bound the sentence around it.
    For a state, `metric` is the subject's key ("state_of_emergency"), `state` says what was done ("lifted"), value is
    None.
    `as_of` is when the figure held, if the text says so. `replaces` is the old value in "from A to B".
    """

    metric: str
    unit: str = "people"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    qualifier: Qualifier = Qualifier.EXACT
    kind: ClaimKind = ClaimKind.LEVEL
    state: str | None = None
    period: str | None = None
    status: ClaimStatus = ClaimStatus.CURRENT
    population: str | None = None
    population_text: str | None = None
    place: str | None = None
    place_text: str | None = None
    as_of: Span | None = None
    speaker: str | None = None
    origin: str | None = None
    via: str | None = None
    implicit: bool = False
    ordinal: bool = False
    confidence: float = 1.0
    replaces: float | None = None
    field: str = "text"
    start: int = 0
    end: int = 0
    quote: str = ""
    sentence_start: int = 0
    sentence_end: int = 0
    rule: str = ""
    lexicon_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedClaim:
    """A claim with its identity and its circumstances: what the ledger folds.

    `asserted_at` is the publication time, as wide as it is known (of a live page's post its own), or, for a sentence
    that an edit brought, (previous fetch, this fetch]. `ended_at` is when an edit took the sentence out, if one did; of
    an edit in an archive, when the archive was read, as with `recorded_at`.
    `wire_group` is equal for copies of one wire text. `sentence` is the sentence around the quote, `lang` the language
    of its article (ISO 639-1), if that is known.
    """

    claim_id: str
    claim: Claim
    story: str
    article_id: int
    url: str = ""
    title: str = ""
    source: str = ""
    trust: Trust = Trust.UNKNOWN
    sentence: str = ""
    asserted_at: Span | None = None
    ended_at: datetime | None = None
    recorded_at: datetime
    by_edit: bool = False
    wire_group: str | None = None
    version_first: int = 1
    version_last: int | None = None
    is_baseline: bool = False
    lang: str | None = None

    @property
    def address(self) -> str:
        """Where it stands, to be shown: nothing for what a person stated without an address (its id is its `url`)."""
        return "" if self.url == self.claim_id else self.url

    @property
    def key(self) -> "RecordKey":
        """The record that it speaks of."""
        return RecordKey(
            story=self.story,
            metric=self.claim.metric,
            unit=self.claim.unit,
            population=self.claim.population or "",
            place=self.claim.place or "",
            period=self.claim.period or "",
        )


# --- the ledger -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RecordKey:
    """What a record is about, within one story. Empty strings stand for the whole, so that keys sort."""

    story: str
    metric: str
    unit: str = "people"
    population: str = ""
    place: str = ""
    period: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One side of a change: the number as stated with its bounds, or a state."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    qualifier: Qualifier = Qualifier.EXACT
    state: str | None = None


# The rule of events that tell that a page is there again: what it says otherwise is an edit beside it.
RETURN_RULE = "cycle.returned"


class RevisionKind(StrEnum):
    """How a history moved. `edited` and `removed` are events of an article, `found` that a saved search found one,
    `health` an event of the watch itself: none of them is of a record.
    """

    FIRST = "first"
    RAISED = "raised"
    LOWERED = "lowered"
    REFINED = "refined"
    RETRACTED = "retracted"
    RESTORED = "restored"
    CONTESTED = "contested"
    RESOLVED = "resolved"
    CONFIRMED = "confirmed"
    BACKFILLED = "backfilled"
    STATE_CHANGED = "state_changed"
    CORRECTION = "correction"
    EDITED = "edited"
    REMOVED = "removed"
    HEALTH = "health"
    FOUND = "found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One version of a record's history. `figure` None: withdrawn with nothing to fall back to.

    `rule` is the id of the ledger rule that made it, `reason` a key of the catalogue of reasons
    (alerts/templates turn it into words), `evidence` the claim ids behind it, `considered` the claim
    ids that were weighed and did not move the record, each with the rule that refused it.
    """

    kind: RevisionKind
    before: Figure | None
    figure: Figure | None
    effective_at: Span | None
    public_at: Span | None
    recorded_at: datetime
    rule: str
    reason: str = ""
    origins: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A claim that was considered and did not move the record, with the rule that says why (`lagged`, `agrees`,
    `part`, …).
    """

    claim_id: str
    rule: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What one origin says for one record, from when to when. `outlets` are the sources that carried it."""

    origin: str
    figure: Figure | None
    since: Span | None
    until: Span | None = None
    outlets: tuple[str, ...] = ()
    claim_id: str = ""
    lagged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The versions of one record: a pure fold over claims and judgements.

    `low`, `best`, `high` are what is reported now; `deprecated` are figures that were withdrawn or
    lowered and must not come back by mere repetition.
    """

    key: RecordKey
    steps: tuple[Step, ...] = ()
    current: Figure | None = None
    low: float | None = None
    best: float | None = None
    high: float | None = None
    is_contested: bool = False
    is_provisional: bool = False
    deprecated: tuple[Figure, ...] = ()
    positions: tuple[Position, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_of_state(self) -> bool:
        """Whether states stood in it, and no numbers."""
        return any(step.figure is not None and step.figure.state is not None for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLine:
    """That a record is kept, and how much there is to it: `steps` versions; `is_state`: a state stands, no number."""

    key: RecordKey
    is_state: bool
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a revision rests on, ready to be shown: the sentence, the span of the figure within it, and where it
    stands.
    """

    claim_id: str = ""
    sentence: str = ""
    quote: str = ""
    url: str = ""
    title: str = ""
    source: str = ""
    origin: str | None = None
    speaker: str | None = None
    published: Span | None = None
    lang: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One entry of the append-only change log. `revision_id` is deterministic: a replayed commit writes nothing twice.

    For article events (`edited`, `removed`) `key` names only the story and `detail` carries the rest.
    `corrects` names the revision that a `correction` takes back. `is_silent`: kept, never told (backfills, first fill,
    imports). `trace` is the id of the poll or re-read that it came from.
    """

    revision_id: str
    story: str
    key: RecordKey
    kind: RevisionKind
    before: Figure | None = None
    after: Figure | None = None
    effective_at: Span | None = None
    public_at: Span | None = None
    recorded_at: datetime
    reason: str = ""
    rule: str = ""
    origins: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    corrects: str | None = None
    is_silent: bool = False
    article_id: int | None = None
    detail: str = ""
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEdit:
    """An edit of an article that changed what is counted in a record: the figure that it brought there, or took out;
    None where that is a word such as "dozens". `revision` is the event of the edit.
    """

    key: RecordKey
    value: float | None
    revision: Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRevision:
    """A revision with its place in the change log, which counts in the order of writing."""

    sequence: int
    revision: Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginPosition:
    """What one origin says for one record."""

    key: RecordKey
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """How one outlet that carried a figure since taken back put it right. `corrected_at` None: it has not."""

    key: RecordKey
    source: str
    figure: Figure
    carried_at: datetime
    taken_back_at: datetime
    corrected_at: datetime | None = None
    delay_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityProblem:
    """Something in the database that contradicts itself: where, and what."""

    where: str
    message: str


class JudgementKind(StrEnum):
    """What a person overruled."""

    REJECT = "reject"
    RESCOPE = "rescope"
    MERGE = "merge"
    SPLIT = "split"
    ALIAS = "alias"
    PIN = "pin"
    ADD = "add"
    ANNOTATE = "annotate"
    ACCEPT_MATCH = "accept_match"
    REJECT_MATCH = "reject_match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a person overruled: append-only, replayed by the fold. `target` is a claim id, record key or origin name;
    `payload` JSON.
    """

    judgement_id: int
    story: str
    kind: JudgementKind
    target: str
    payload: str = "{}"
    who: str
    why: str = ""
    made_at: datetime
    revoked_at: datetime | None = None


# --- alerts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who wants to be told what. Times in seconds. `channels` are channel names, and so are `approvers`: they are asked
    about alerts of a kind in `hold`.

    `searches` names the saved searches whose finds are told, where `kinds` has `found`.
    `languages` are those of the evidence; `lang` is the language that the messages are written in.
    """

    name: str
    stories: tuple[str, ...] = ("*",)
    kinds: tuple[str, ...] = (
        "raised", "lowered", "retracted", "contested", "edited", "state_changed", "health", "found",
    )  # fmt: skip
    searches: tuple[str, ...] = ("*",)
    metrics: tuple[str, ...] = ("*",)
    populations: tuple[str, ...] = ("*",)
    languages: tuple[str, ...] = ("*",)
    channels: tuple[str, ...] = ()
    min_change: float = 1
    min_change_percent: float = 0
    min_origins: int = 1
    group_by: tuple[str, ...] = ("story", "metric")
    group_wait: float = 30
    group_interval: float = 300
    repeat_interval: float = 0
    digest: str = ""
    timezone: str = "UTC"
    quiet_hours: str = ""
    hold: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    lang: str = "en"


class AlertState(StrEnum):
    """held: waits for a person. pending: waits for its group; with `decided_at`, a person approved it. released: handed
    to deliveries. superseded, silenced, dropped: never sent, and why; dropped with `decided_at`, by a person.
    """

    PENDING = "pending"
    HELD = "held"
    RELEASED = "released"
    SUPERSEDED = "superseded"
    SILENCED = "silenced"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A revision due to one subscription. `alert_id` is deterministic from both.

    `asked_at` is when a message about a held one was put to the subscription's approvers (None: not yet, or there are
    none). `decided_at` is when a person approved or dropped it, `decided_by` who that was: a decision is made once.
    """

    alert_id: str
    revision_id: str
    subscription: str
    story: str
    group_key: str
    state: AlertState = AlertState.PENDING
    reason: str = ""
    planned_at: datetime
    due_at: datetime
    superseded_by: str | None = None
    asked_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str = ""


class DeliveryState(StrEnum):
    """The life of one message on one channel."""

    DUE = "due"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one channel with its attempts. `delivery_id` is deterministic and goes out as the idempotency id.

    `receiver` is one address of a channel that has several (email); empty where the channel is one address.
    `alert_ids` are told, in order; `supersedes` are earlier alerts of the same records that never went out on their
    own and
    are mentioned with them. Deliveries of one `lane` are about the same records for one receiver: one of them is sent
    at a
    time, and a newer one takes the place of an older one that is still waiting. `repeat` counts reminders (0: the
    first). A question asks approvers whether its alerts, which are held, may go.
    """

    delivery_id: str
    channel: str
    receiver: str = ""
    subscription: str = ""
    lane: str = ""
    alert_ids: tuple[str, ...]
    supersedes: tuple[str, ...] = ()
    repeat: int = 0
    is_question: bool = False
    state: DeliveryState = DeliveryState.DUE
    attempts: int = 0
    due_at: datetime
    created_at: datetime
    delivered_at: datetime | None = None
    last_error: str = ""
    last_response: str = ""
    claimed_by: str = ""
    claimed_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentGroup:
    """The sent log: when a group of a subscription was last flushed, with which alerts, how often reminded since."""

    subscription: str
    group_key: str
    sent_at: datetime
    alert_ids: tuple[str, ...] = ()
    repeats: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHealth:
    """How a channel fares. `disabled_at`: its endpoint answered 410 and gets nothing more until its address changes."""

    channel: str
    address_hash: str = ""
    failures: int = 0
    failing_since: datetime | None = None
    last_success_at: datetime | None = None
    last_error: str = ""
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Matching alerts are not sent between `starts_at` and `ends_at`. Matchers are (name, value) with * as wildcard."""

    silence_id: str
    matchers: tuple[tuple[str, str], ...]
    starts_at: datetime
    ends_at: datetime
    who: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What goes out on a channel, rendered once: text for everyone, html and chart for mail, payload (JSON) for
    webhooks. `trace` is the id of what brought its first change.
    """

    message_id: str
    subject: str
    text: str
    html: str = ""
    payload: str = "{}"
    chart_png: bytes = b""
    chart_alt: str = ""
    thread_key: str = ""
    headers: tuple[tuple[str, str], ...] = dataclass_field(default=())
    trace: str = ""
