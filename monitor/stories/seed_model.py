"""What a seed file may hold: one strict pydantic model a table. Nothing is coerced, nothing unknown passes."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictStr, StringConstraints

from storage.records import EntityKind, MetricKind, Qualifier, StoryState, Trust

Text = Annotated[StrictStr, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[StrictStr, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Language = Annotated[StrictStr, StringConstraints(pattern=r"^[a-z]{2,3}$")]
MetricName = Annotated[StrictStr, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Population = Annotated[StrictStr, StringConstraints(pattern=r"^[a-z]+=[^=;]+(;[a-z]+=[^=;]+)*$|^other:.+$")]
Date = Any  # a TOML date, date-time, "YYYY-MM", "YYYY" or a pair; read in the story's time zone by dates.read_span


def _check_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"is not a number: {value!r}; write it without quotes and without separators")
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("is not a finite number")
    return float(value)


def _check_url(value: str) -> str:
    if not value.startswith(("http://", "https://")) or any(c.isspace() for c in value):
        raise ValueError(f"is not an address: {value!r}; it starts with https:// or http:// and holds no space")
    return value


Number = Annotated[Any, AfterValidator(_check_number)]
Url = Annotated[Text, AfterValidator(_check_url)]


class Table(BaseModel):
    """Any table of a seed: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedTable(Table):
    """`[seed]`: the article that the story was taken from."""

    source: StrictStr = ""
    title: StrictStr = ""
    url: Url | None = None
    published: Date = None


class PeriodTable(Table):
    """`[period]`: when the story happens; without an end it goes on."""

    start: Date = None
    end: Date = None


class EntityTable(Table):
    """`[[entities]]`: a name that speaks for the story."""

    name: Text
    kind: EntityKind = EntityKind.ORGANISATION
    aliases: tuple[Text, ...] = ()
    weight: Number = 1.0
    central: StrictBool = False


class TopicTable(Table):
    """`[[topics]]`: a theme with the words that show it."""

    name: Text
    terms: Annotated[tuple[Text, ...], Field(min_length=1)]


class PlaceTable(Table):
    """`[[places]]`: a node of the story's gazetteer."""

    name: Text
    aliases: tuple[Text, ...] = ()
    parent: Text | None = None
    whole: StrictBool = False


class OriginTable(Table):
    """`[[origins]]`: who speaks for whom."""

    name: Text
    aliases: tuple[Text, ...] = ()
    umbrella: StrictBool = False


class ClaimTable(Table):
    """`[[claims]]`: the baseline of one record."""

    metric: MetricName
    value: Number
    high: Number | None = None
    qualifier: Qualifier = Qualifier.EXACT
    origin: Text | None = None
    population: Population | None = None
    place: Text | None = None
    effective_at: Date = None
    quote: StrictStr = ""


class StateTable(Table):
    """`[[states]]`: the baseline of a thing that is in force or over."""

    subject: Text
    state: Text
    origin: Text | None = None
    effective_at: Date = None
    quote: StrictStr = ""


class MetricTable(Table):
    """`[[metrics]]`: a measure of the story's own."""

    name: MetricName
    kind: MetricKind = MetricKind.CUMULATIVE
    unit: Text = "people"
    nouns: dict[Language, tuple[Text, ...]] = {}


class FeedTable(Table):
    """`[[feeds]]`: where news of the story appears."""

    url: Url
    source: StrictStr = ""
    trust: Trust = Trust.UNKNOWN
    full: StrictBool = False
    page: StrictBool = False
    lang: Language | None = None


class SeedFile(Table):
    """The whole file."""

    slug: Slug
    title: Text
    languages: tuple[Language, ...] = ()
    timezone: Text = "UTC"
    state: StoryState = StoryState.ACTIVE
    seed: SeedTable = SeedTable()
    period: PeriodTable = PeriodTable()
    entities: tuple[EntityTable, ...] = ()
    topics: tuple[TopicTable, ...] = ()
    places: tuple[PlaceTable, ...] = ()
    origins: tuple[OriginTable, ...] = ()
    claims: tuple[ClaimTable, ...] = ()
    states: tuple[StateTable, ...] = ()
    metrics: tuple[MetricTable, ...] = ()
    feeds: tuple[FeedTable, ...] = ()
