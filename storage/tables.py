"""The tables. Nothing outside storage/ imports them: records cross the wall, rows do not.

Names follow the records: a field is a column of the same name, a `Span` is two columns (`…_from`, `…_to`), and what is
nested is JSON text. A parametrised test holds each record and its table together, and another one holds this file and
the migrations together on both databases.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import DDL, BigInteger, DateTime, Dialect, Index, Integer, MetaData, Table, event, false, text
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel

from storage.codec import as_utc

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC on both databases; a naive one is refused when it is written.

    SQLite keeps it as text without the zone, always with six digits after the second, so that texts sort as times do.
    Converted in one step: a step for this type around one for the database's own took most of a query's time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """The function that brings a time to the database."""
        return _time_to_text if dialect.name == "sqlite" else _time_in_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """The function that brings one from the database."""
        return _time_from_text if dialect.name == "sqlite" else _time_in_utc


def _time_to_text(moment: datetime | None) -> str | None:
    return None if moment is None else as_utc(moment).replace(tzinfo=None).isoformat(" ", "microseconds")


def _time_from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _time_in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else as_utc(moment)


class BigId(TypeDecorator[int]):
    """A 64-bit number; on SQLite an INTEGER, so that a primary key of this type is the rowid."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """INTEGER on SQLite, BIGINT elsewhere."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


class Row(SQLModel):
    """Base of all tables, with metadata of our own."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)


# --- stories and feeds ------------------------------------------------------------------------


class StoryRow(Row, table=True):
    """A story: the whole definition as JSON, and what lists and the scheduler ask for as columns."""

    __tablename__ = "stories"
    slug: str = Field(primary_key=True)
    title: str
    state: str = Field(index=True)
    payload: str
    added_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)


class FeedRow(Row, table=True):
    """A syndication source and what polling remembers of it."""

    __tablename__ = "feeds"
    __table_args__ = (Index("ix_feeds_state_due_at", "state", "due_at"),)
    feed_id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    url: str = Field(unique=True)
    source: str = ""
    trust: str = "unknown"
    full: bool = False
    lang: str | None = None
    state: str = "active"
    title: str = ""
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    ttl_seconds: float | None = None
    due_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_polled_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_success_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_full_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_status: int | None = None
    last_error: str | None = None
    failures: int = 0
    failing_since: datetime | None = Field(default=None, sa_type=UtcTime)
    told_dead_at: datetime | None = Field(default=None, sa_type=UtcTime)
    entries_per_week: float | None = None
    kind: str = Field(default="feed", sa_column_kwargs={"server_default": "feed"})


class PushSubscriptionRow(Row, table=True):
    """What a hub was asked to push of one feed."""

    __tablename__ = "push_subscriptions"
    feed_id: int = Field(primary_key=True, sa_type=BigId, foreign_key="feeds.feed_id", ondelete="CASCADE")
    hub_url: str
    topic_url: str
    token: str = Field(unique=True)
    secret: str
    callback_url: str = ""
    state: str = "wanted"
    act_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    asked_at: datetime | None = Field(default=None, sa_type=UtcTime)
    lease_until: datetime | None = Field(default=None, sa_type=UtcTime)
    failures: int = 0
    last_error: str = ""
    pushes: int = 0
    last_push_at: datetime | None = Field(default=None, sa_type=UtcTime)
    missed_at: datetime | None = Field(default=None, sa_type=UtcTime)


class FeedStoryRow(Row, table=True):
    """Which stories a feed serves; a feed without any serves all."""

    __tablename__ = "feed_stories"
    feed_id: int = Field(primary_key=True, sa_type=BigId, foreign_key="feeds.feed_id", ondelete="CASCADE")
    story: str = Field(primary_key=True, foreign_key="stories.slug", ondelete="CASCADE", index=True)


class SeenEntryRow(Row, table=True):
    """What became of a feed's entry, so that a page that did not match is not fetched at every poll."""

    __tablename__ = "seen_entries"
    feed_id: int = Field(primary_key=True, sa_type=BigId, foreign_key="feeds.feed_id", ondelete="CASCADE")
    entry_key: str = Field(primary_key=True)
    outcome: str
    fingerprint: str = ""
    article_id: int | None = Field(default=None, sa_type=BigId)
    attempts: int = 0
    seen_at: datetime = Field(sa_type=UtcTime, index=True)
    retry_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    payload: str = ""
    trace: str = Field(default="", sa_column_kwargs={"server_default": ""})


class HostMannersRow(Row, table=True):
    """What a host asked of us, kept so that a restart forgets none of it."""

    __tablename__ = "host_manners"
    host: str = Field(primary_key=True)
    crawl_delay: float = 0.0
    quiet_until: datetime | None = Field(default=None, sa_type=UtcTime)
    noted_at: datetime = Field(sa_type=UtcTime)


# --- articles ---------------------------------------------------------------------------------


class ArticleRow(Row, table=True):
    """One page at one address."""

    __tablename__ = "articles"
    article_id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    url: str = Field(unique=True)
    source: str = Field(default="", index=True)
    trust: str = "unknown"
    title: str = ""
    lang: str | None = None
    published_from: datetime | None = Field(default=None, sa_type=UtcTime)
    published_to: datetime | None = Field(default=None, sa_type=UtcTime)
    first_seen_at: datetime = Field(sa_type=UtcTime)
    last_changed_at: datetime = Field(sa_type=UtcTime)
    last_read_at: datetime | None = Field(default=None, sa_type=UtcTime)
    reread_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    etag: str | None = None
    last_modified: str | None = None
    removed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    pending_hash: str | None = None
    pending_since: datetime | None = Field(default=None, sa_type=UtcTime)
    body_hash: str | None = None


class ArticleAliasRow(Row, table=True):
    """Another name of an article: an address that led to it, a feed's GUID."""

    __tablename__ = "article_aliases"
    alias: str = Field(primary_key=True)
    article_id: int = Field(sa_type=BigId, foreign_key="articles.article_id", ondelete="CASCADE", index=True)


class ArticleVersionRow(Row, table=True):
    """An article's text at one fetch. `text` is None once packed; both are None once retention dropped it."""

    __tablename__ = "article_versions"
    __table_args__ = (Index("uq_article_versions_article_id_number", "article_id", "number", unique=True),)
    version_id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    article_id: int = Field(sa_type=BigId, foreign_key="articles.article_id", ondelete="CASCADE")
    number: int
    title: str
    text: str | None = None
    packed: bytes | None = None
    text_hash: str
    fetched_at: datetime = Field(sa_type=UtcTime, index=True)
    previous_fetched_at: datetime | None = Field(default=None, sa_type=UtcTime)
    dropped_at: datetime | None = Field(default=None, sa_type=UtcTime)
    parts: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})
    trace: str = Field(default="", sa_column_kwargs={"server_default": ""})


class FingerprintRow(Row, table=True):
    """One 4-word fingerprint of an article's text: copies of one wire text share many of them."""

    __tablename__ = "fingerprints"
    fingerprint: int = Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})
    article_id: int = Field(
        primary_key=True,
        sa_type=BigId,
        foreign_key="articles.article_id",
        ondelete="CASCADE",
        index=True,
        sa_column_kwargs={"autoincrement": False},
    )


class ExhibitRow(Row, table=True):
    """Where an answer of a site is kept as it came, and the hashes that prove it. Outlives its feed and article."""

    __tablename__ = "exhibits"
    __table_args__ = (Index("ix_exhibits_url_fetched_at", "url", "fetched_at"),)
    exhibit_id: str = Field(primary_key=True)
    url: str
    status: int
    fetched_at: datetime = Field(sa_type=UtcTime, index=True)
    payload_hash: str
    record_hash: str
    file: str
    start: int = Field(sa_type=BigInteger)
    size: int = Field(sa_type=BigInteger)
    feed_id: int | None = Field(default=None, sa_type=BigId, index=True)
    article_id: int | None = Field(default=None, sa_type=BigId, index=True)


class MatchRow(Row, table=True):
    """Why an article belongs to a story, or was looked at and does not."""

    __tablename__ = "matches"
    article_id: int = Field(primary_key=True, sa_type=BigId, foreign_key="articles.article_id", ondelete="CASCADE")
    story: str = Field(primary_key=True, foreign_key="stories.slug", ondelete="CASCADE", index=True)
    score: float
    hits: str
    is_match: bool = True
    state: str = "automatic"
    matched_at: datetime = Field(sa_type=UtcTime)


class SearchDocumentRow(Row, table=True):
    """One searchable text. `document_key` holds its publication time and is negative for a version since replaced.

    `content` is all of its folded words on PostgreSQL; on SQLite its tags.
    """

    __tablename__ = "search_documents"
    document_key: int = Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})
    article_id: int = Field(sa_type=BigId, foreign_key="articles.article_id", ondelete="CASCADE", index=True)
    version_id: int = Field(sa_type=BigId, foreign_key="article_versions.version_id", ondelete="CASCADE", unique=True)
    content: str


class SearchPartRow(Row, table=True):
    """A part of SQLite's full-text index (`search_index_1`, …): the keys from `first_key` on. None on PostgreSQL."""

    __tablename__ = "search_parts"
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    first_key: int = Field(sa_type=BigId, unique=True)
    documents: int = 0


class SavedSearchRow(Row, table=True):
    """A query kept under a name, whose new finds may be told."""

    __tablename__ = "saved_searches"
    name: str = Field(primary_key=True)
    query: str
    saved_at: datetime = Field(sa_type=UtcTime)
    who: str = ""
    is_told: bool = True


# --- claims and the ledger --------------------------------------------------------------------


class ClaimRow(Row, table=True):
    """A stamped claim (one sentence may speak for two stories): what queries ask for as columns, the whole as JSON."""

    __tablename__ = "claims"
    __table_args__ = (
        Index("ix_claims_story_metric_value", "story", "metric", "value"),
        Index("ix_claims_story_recorded_at", "story", "recorded_at"),
        Index("ix_claims_metric_value", "metric", "value"),
    )
    story: str = Field(primary_key=True, foreign_key="stories.slug", ondelete="CASCADE")
    claim_id: str = Field(primary_key=True)
    article_id: int | None = Field(
        default=None, sa_type=BigId, foreign_key="articles.article_id", ondelete="CASCADE", index=True
    )
    metric: str
    unit: str
    population: str | None = None
    place: str | None = None
    kind: str
    status: str
    qualifier: str
    state: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    origin: str | None = Field(default=None, index=True)
    speaker: str | None = None
    source: str = ""
    asserted_at_from: datetime | None = Field(default=None, sa_type=UtcTime)
    asserted_at_to: datetime | None = Field(default=None, sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    recorded_at: datetime = Field(sa_type=UtcTime)
    wire_group: str | None = Field(default=None, index=True)
    is_baseline: bool = False
    payload: str


class SupersededClaimRow(Row, table=True):
    """A claim as it was read until another reading, or a person's word on its article, took its place."""

    __tablename__ = "superseded_claims"
    story: str = Field(primary_key=True, foreign_key="stories.slug", ondelete="CASCADE")
    claim_id: str = Field(primary_key=True)
    superseded_at: datetime = Field(primary_key=True, sa_type=UtcTime)
    run_id: int | None = Field(default=None, sa_type=BigId, foreign_key="extraction_runs.run_id", ondelete="SET NULL")
    article_id: int | None = Field(
        default=None, sa_type=BigId, foreign_key="articles.article_id", ondelete="CASCADE", index=True
    )
    metric: str
    recorded_at: datetime = Field(sa_type=UtcTime)
    payload: str


class HistoryRow(Row, table=True):
    """The present history of one record: bounds as columns for lists, the whole as JSON."""

    __tablename__ = "histories"
    story: str = Field(primary_key=True, foreign_key="stories.slug", ondelete="CASCADE")
    metric: str = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    population: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    low: float | None = None
    best: float | None = None
    high: float | None = None
    state: str | None = None
    is_contested: bool = False
    is_provisional: bool = False
    steps: int = 0
    updated_at: datetime = Field(sa_type=UtcTime)
    payload: str


class RevisionRow(Row, table=True):
    """One entry of the change log, in the order of `sequence`. `story` is empty for an event of the watch itself."""

    __tablename__ = "revisions"
    __table_args__ = (
        Index("ix_revisions_story_sequence", "story", "sequence"),
        Index("ix_revisions_story_metric", "story", "metric", "unit", "population", "place", "period", "sequence"),
        Index("ix_revisions_recorded_at", "recorded_at"),
    )
    sequence: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    revision_id: str = Field(unique=True)
    story: str
    metric: str
    unit: str
    population: str
    place: str
    period: str
    kind: str
    recorded_at: datetime = Field(sa_type=UtcTime)
    public_at_from: datetime | None = Field(default=None, sa_type=UtcTime)
    public_at_to: datetime | None = Field(default=None, sa_type=UtcTime)
    effective_at_from: datetime | None = Field(default=None, sa_type=UtcTime)
    effective_at_to: datetime | None = Field(default=None, sa_type=UtcTime)
    article_id: int | None = Field(default=None, sa_type=BigId, index=True)
    corrects: str | None = Field(default=None, index=True)
    is_silent: bool = False
    payload: str


class JudgementRow(Row, table=True):
    """What a person overruled; append-only but for the mark that takes one back."""

    __tablename__ = "judgements"
    judgement_id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    story: str = Field(foreign_key="stories.slug", ondelete="CASCADE", index=True)
    kind: str
    target: str
    payload: str = "{}"
    who: str
    why: str = ""
    made_at: datetime = Field(sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)


# --- alerts -----------------------------------------------------------------------------------


class AlertRow(Row, table=True):
    """A revision due to one subscription."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_state_due_at", "state", "due_at"),
        Index("ix_alerts_subscription_revision_id", "subscription", "revision_id"),
    )
    alert_id: str = Field(primary_key=True)
    revision_id: str = Field(foreign_key="revisions.revision_id", ondelete="CASCADE", index=True)
    subscription: str
    story: str = Field(index=True)
    group_key: str
    state: str = "pending"
    reason: str = ""
    planned_at: datetime = Field(sa_type=UtcTime)
    due_at: datetime = Field(sa_type=UtcTime)
    superseded_by: str | None = None
    asked_at: datetime | None = Field(default=None, sa_type=UtcTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcTime)
    decided_by: str = Field(default="", sa_column_kwargs={"server_default": ""})


class DeliveryRow(Row, table=True):
    """One message to one channel with its attempts."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_state_due_at", "state", "due_at"),
        # In the order in which a channel's deliveries are taken: else each claim sorts all that wait.
        Index("ix_deliveries_turn", "channel", "state", "due_at", "created_at", "delivery_id"),
    )
    delivery_id: str = Field(primary_key=True)
    channel: str = Field(index=True)
    receiver: str = ""
    subscription: str = ""
    lane: str = Field(default="", index=True)
    alert_ids: str
    supersedes: str = "[]"
    repeat: int = 0
    is_question: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    state: str = "due"
    attempts: int = 0
    due_at: datetime = Field(sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_error: str = ""
    last_response: str = ""
    claimed_by: str = ""
    claimed_until: datetime | None = Field(default=None, sa_type=UtcTime)


class DeliveryAlertRow(Row, table=True):
    """Which alerts a delivery carries."""

    __tablename__ = "delivery_alerts"
    delivery_id: str = Field(primary_key=True, foreign_key="deliveries.delivery_id", ondelete="CASCADE")
    alert_id: str = Field(primary_key=True, index=True)


class SilenceRow(Row, table=True):
    """Matching alerts are not sent within a period."""

    __tablename__ = "silences"
    silence_id: str = Field(primary_key=True)
    matchers: str
    starts_at: datetime = Field(sa_type=UtcTime)
    ends_at: datetime = Field(sa_type=UtcTime, index=True)
    who: str = ""
    comment: str = ""


class SentGroupRow(Row, table=True):
    """The sent log: when a group of a subscription was last flushed. Apart from alerts, which may go."""

    __tablename__ = "sent_groups"
    subscription: str = Field(primary_key=True)
    group_key: str = Field(primary_key=True)
    sent_at: datetime = Field(sa_type=UtcTime, index=True)
    alert_ids: str = "[]"
    repeats: int = 0


class ChannelHealthRow(Row, table=True):
    """How a channel fares: disabled when its receiver said that it is gone."""

    __tablename__ = "channel_health"
    channel: str = Field(primary_key=True)
    address_hash: str = ""
    failures: int = 0
    failing_since: datetime | None = Field(default=None, sa_type=UtcTime)
    last_success_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_error: str = ""
    disabled_at: datetime | None = Field(default=None, sa_type=UtcTime)


# --- housekeeping -----------------------------------------------------------------------------


class MetaRow(Row, table=True):
    """A small fact about this database, by name."""

    __tablename__ = "meta"
    name: str = Field(primary_key=True)
    value: str


class ExtractionRunRow(Row, table=True):
    """Which lexicon read which story's articles, and when: claims of another lexicon are due for a reprocess."""

    __tablename__ = "extraction_runs"
    run_id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    story: str = Field(foreign_key="stories.slug", ondelete="CASCADE", index=True)
    lexicon_version: str
    started_at: datetime = Field(sa_type=UtcTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcTime)
    articles: int = 0
    claims: int = 0


METADATA = Row.metadata
STORIES: Table = METADATA.tables["stories"]
FEEDS: Table = METADATA.tables["feeds"]
FEED_STORIES: Table = METADATA.tables["feed_stories"]
PUSH_SUBSCRIPTIONS: Table = METADATA.tables["push_subscriptions"]
EXHIBITS: Table = METADATA.tables["exhibits"]
SEEN_ENTRIES: Table = METADATA.tables["seen_entries"]
HOST_MANNERS: Table = METADATA.tables["host_manners"]
ARTICLES: Table = METADATA.tables["articles"]
ALIASES: Table = METADATA.tables["article_aliases"]
VERSIONS: Table = METADATA.tables["article_versions"]
FINGERPRINTS: Table = METADATA.tables["fingerprints"]
MATCHES: Table = METADATA.tables["matches"]
DOCUMENTS: Table = METADATA.tables["search_documents"]
PARTS: Table = METADATA.tables["search_parts"]
SAVED_SEARCHES: Table = METADATA.tables["saved_searches"]
CLAIMS: Table = METADATA.tables["claims"]
SUPERSEDED_CLAIMS: Table = METADATA.tables["superseded_claims"]
HISTORIES: Table = METADATA.tables["histories"]
REVISIONS: Table = METADATA.tables["revisions"]
JUDGEMENTS: Table = METADATA.tables["judgements"]
ALERTS: Table = METADATA.tables["alerts"]
DELIVERIES: Table = METADATA.tables["deliveries"]
DELIVERY_ALERTS: Table = METADATA.tables["delivery_alerts"]
SILENCES: Table = METADATA.tables["silences"]
SENT_GROUPS: Table = METADATA.tables["sent_groups"]
CHANNEL_HEALTH: Table = METADATA.tables["channel_health"]
META: Table = METADATA.tables["meta"]
EXTRACTION_RUNS: Table = METADATA.tables["extraction_runs"]

# PostgreSQL's index of words is made of the folded text as it lies in the row, so that no second form of it is stored.
# Beside the words it holds the pairs that stand side by side, each as one of 32,768 numbers, which tells most texts
# with a phrase from those with its words. The function that makes them is part of the schema.
SEARCH_VECTOR = "array_to_tsvector(string_to_array(btrim(content, ' '), ' '))"
SEARCH_PAIRS = "search_pairs(content)"
_MAKE_PAIRS = """
CREATE OR REPLACE FUNCTION search_pairs(content text) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    word text;
    here integer;
    before integer;
    found integer[] := '{}';
BEGIN
    FOREACH word IN ARRAY pg_catalog.string_to_array(pg_catalog.btrim(content, ' '), ' ') LOOP
        here := pg_catalog.hashtext(word);
        found := found || (((before << 1) # here) & 32767);
        before := here;
    END LOOP;
    RETURN found[2:];
END $$
"""
_PAIRS_MADE = DDL(_MAKE_PAIRS)  # type: ignore[no-untyped-call]  # SQLAlchemy does not say what it returns
event.listen(DOCUMENTS, "before_create", _PAIRS_MADE.execute_if(dialect="postgresql"))
# A text that may hold a phrase is unpacked to be looked at, in half the time so. Servers before 14 have no such thing,
# and few others are built without it.
_UNPACK_SOONER = """
DO $$ BEGIN
    EXECUTE 'ALTER TABLE search_documents ALTER COLUMN content SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error THEN NULL;
END $$
"""
_UNPACKED_SOONER = DDL(_UNPACK_SOONER)  # type: ignore[no-untyped-call]  # as above
event.listen(DOCUMENTS, "after_create", _UNPACKED_SOONER.execute_if(dialect="postgresql"))
Index(
    "ix_search_documents_content", text(SEARCH_VECTOR), text(SEARCH_PAIRS), postgresql_using="gin", _table=DOCUMENTS
).ddl_if(dialect="postgresql")
