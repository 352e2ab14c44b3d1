"""What the JSON interface answers: a contract of its own, so that a record may change without breaking its readers.

Times are ISO 8601 in UTC. A figure that nobody stated is null. Empty population and place stand for the whole story.
"""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from storage.covering import cover_login, cover_people, cover_secrets
from storage.records import (
    AlertState,
    ClaimKind,
    ClaimStatus,
    DeliveryState,
    FeedState,
    MatchState,
    Qualifier,
    RevisionKind,
    StoryState,
    Trust,
)

T = TypeVar("T")
# What may be secret in an address is covered, for whoever asks; so is who is told by mail.
Address = Annotated[str, AfterValidator(cover_login)]
FeedText = Annotated[str, AfterValidator(cover_secrets)]
Trouble = Annotated[str, AfterValidator(cover_secrets), AfterValidator(cover_people)]


class Answer(BaseModel):
    """Base of all answers: read from records by attribute."""

    model_config = ConfigDict(from_attributes=True)


class PageOf(BaseModel, Generic[T]):
    """One page of a list. `next` is the path of the page after it, or null at the end."""

    items: list[T]
    next: str | None = None


class Problem(BaseModel):
    """Why a request was not answered."""

    error: str


class SpanOut(Answer):
    """A moment known only to within two bounds; equal bounds are an instant."""

    not_before: datetime
    not_after: datetime


class FigureOut(Answer):
    """A number as stated with its bounds, or a state."""

    value: float | None
    low: float | None
    high: float | None
    qualifier: Qualifier
    state: str | None


class KeyOut(Answer):
    """What a record is about."""

    story: str
    metric: str
    unit: str
    population: str
    place: FeedText
    period: str


class StoryOut(Answer):
    """A story that is watched."""

    slug: str
    title: str
    state: StoryState
    languages: tuple[str, ...]
    timezone: str
    period_start: datetime | None
    period_end: datetime | None


class EvidenceOut(Answer):
    """A sentence behind a revision, and where it stands."""

    claim_id: str
    sentence: str
    quote: str
    url: Address
    title: str
    source: str
    origin: str | None
    speaker: str | None
    published: SpanOut | None
    lang: str | None


class RevisionOut(Answer):
    """One entry of the change log. `kind` edited and removed are events of an article; `detail` says which."""

    revision_id: str
    story: str
    key: KeyOut
    kind: RevisionKind
    before: FigureOut | None
    after: FigureOut | None
    effective_at: SpanOut | None = Field(description="what the text refers to")
    public_at: SpanOut | None = Field(description="when it was published")
    recorded_at: datetime = Field(description="when we learned of it")
    reason: str
    rule: str
    origins: tuple[str, ...]
    evidence: tuple[EvidenceOut, ...]
    corrects: str | None
    is_silent: bool
    article_id: int | None
    detail: Trouble


class RecordOut(Answer):
    """What is reported for one record now."""

    key: KeyOut
    current: FigureOut | None
    low: float | None
    best: float | None
    high: float | None
    is_contested: bool
    is_provisional: bool


class StepOut(Answer):
    """One version of a record."""

    kind: RevisionKind
    before: FigureOut | None
    figure: FigureOut | None
    effective_at: SpanOut | None
    public_at: SpanOut | None
    recorded_at: datetime
    rule: str
    reason: str
    origins: tuple[str, ...]
    evidence: tuple[str, ...] = Field(description="ids of claims")


class PositionOut(Answer):
    """What one origin says, from when to when."""

    origin: str
    figure: FigureOut | None
    since: SpanOut | None
    until: SpanOut | None
    outlets: tuple[str, ...]
    claim_id: str
    lagged: bool


class RefusalOut(Answer):
    """A claim that was weighed and did not move the record."""

    claim_id: str
    rule: str
    reason: str


class HistoryOut(RecordOut):
    """The whole history of a record."""

    steps: tuple[StepOut, ...]
    positions: tuple[PositionOut, ...]
    refusals: tuple[RefusalOut, ...]
    deprecated: tuple[FigureOut, ...]


class ClaimOut(Answer):
    """One quantity or state asserted in one text; `quote` stands at start:end of the named field."""

    claim_id: str
    story: str
    article_id: int
    metric: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    qualifier: Qualifier
    kind: ClaimKind
    state: str | None
    status: ClaimStatus
    population: str | None
    place: str | None
    origin: str | None
    speaker: str | None
    confidence: float
    field: str
    start: int
    end: int
    quote: str
    sentence: str
    rule: str
    lexicon_version: str
    asserted_at: SpanOut | None
    ended_at: datetime | None
    recorded_at: datetime
    url: Address
    source: str


class ArticleOut(Answer):
    """One page at one address."""

    article_id: int
    url: Address
    source: str
    trust: Trust
    title: str
    lang: str | None
    published: SpanOut | None
    first_seen_at: datetime
    last_changed_at: datetime
    last_read_at: datetime | None
    removed_at: datetime | None


class HitOut(Answer):
    """One reason for a match."""

    evidence: str
    name: str
    found: str
    weight: float
    count: int


class MatchOut(Answer):
    """Why an article belongs to a story, or was looked at and does not."""

    story: str
    score: float
    hits: tuple[HitOut, ...]
    is_match: bool
    state: MatchState


class ArticleDetailOut(ArticleOut):
    """An article with its matches."""

    matches: list[MatchOut]


class VersionOut(Answer):
    """An article's text as it stood at one fetch; the text is empty once retention dropped it."""

    version_id: int
    article_id: int
    number: int
    title: str
    text: str
    text_hash: str
    fetched_at: datetime
    previous_fetched_at: datetime | None


class FoundOut(Answer):
    """One text that a search found; `spans` are half-open places of found words in `snippet`; `number`: the version."""

    article_id: int
    url: Address
    title: str
    source: str
    lang: str | None
    published: SpanOut | None
    stories: tuple[str, ...]
    snippet: str
    spans: tuple[tuple[int, int], ...]
    title_spans: tuple[tuple[int, int], ...]
    number: int


class SavedSearchOut(Answer):
    """A query kept under a name; `is_told`: articles first seen since `saved_at` that it finds are told."""

    name: str
    query: str
    saved_at: datetime
    who: str
    is_told: bool


class FeedOut(Answer):
    """A feed and how it fares."""

    feed_id: int
    url: FeedText
    source: str
    title: str
    trust: Trust
    lang: str | None
    full: bool
    state: FeedState
    due_at: datetime | None
    last_polled_at: datetime | None
    last_success_at: datetime | None
    last_status: int | None
    last_error: FeedText | None
    failures: int
    failing_since: datetime | None
    entries_per_week: float | None


class AlertOut(Answer):
    """A revision due to one subscription."""

    alert_id: str
    revision_id: str
    subscription: str
    story: str
    state: AlertState
    reason: str
    planned_at: datetime
    due_at: datetime
    superseded_by: str | None


class DeliveryOut(Answer):
    """One message on one channel with its attempts; of an error, whose mail address it names is not shown."""

    delivery_id: str
    channel: str
    subscription: str
    alert_ids: tuple[str, ...]
    state: DeliveryState
    attempts: int
    created_at: datetime
    due_at: datetime
    delivered_at: datetime | None
    last_error: Trouble
