import dataclasses
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import DateTime, Table
from sqlalchemy.engine import make_url

from storage import codec, records, tables
from storage.records import Span
from storage.tables import UtcTime

PAIRS: list[tuple[type, Table, set[str]]] = [
    (records.Feed, tables.FEEDS, set()),
    (records.SeenEntry, tables.SEEN_ENTRIES, set()),
    (records.PushSubscription, tables.PUSH_SUBSCRIPTIONS, set()),
    (records.Exhibit, tables.EXHIBITS, set()),
    (records.HostManners, tables.HOST_MANNERS, set()),
    (records.SavedSearch, tables.SAVED_SEARCHES, set()),
    (records.Article, tables.ARTICLES, set()),
    (records.ArticleVersion, tables.VERSIONS, {"packed", "dropped_at"}),
    (records.Match, tables.MATCHES, {"article_id", "matched_at"}),
    (records.Judgement, tables.JUDGEMENTS, set()),
    (records.Alert, tables.ALERTS, set()),
    (records.Delivery, tables.DELIVERIES, set()),
    (records.Silence, tables.SILENCES, set()),
    (records.SentGroup, tables.SENT_GROUPS, set()),
    (records.ChannelHealth, tables.CHANNEL_HEALTH, set()),
    (records.ExtractionRun, tables.EXTRACTION_RUNS, set()),
]
WHOLE = [records.Story, records.StampedClaim, records.History, records.Revision]

st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(
    Span,
    st.builds(Span, not_before=st.datetimes(timezones=st.just(UTC)), not_after=st.datetimes(timezones=st.just(UTC))),
)


@pytest.mark.parametrize(("record", "table", "own"), PAIRS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_record_and_its_table_have_the_same_fields(record: type, table: Table, own: set[str]) -> None:
    assert set(table.columns.keys()) == set(codec.column_names(record)) | own


@pytest.mark.parametrize(("record", "table", "own"), PAIRS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_field_that_may_be_none_is_a_column_that_may_be_null(record: type, table: Table, own: set[str]) -> None:
    for field in dataclasses.fields(record):
        if field.name in table.c and field.name not in table.primary_key.columns and field.name != "text":
            assert table.c[field.name].nullable == ("None" in str(field.type)), field.name


@pytest.mark.parametrize("record", [*WHOLE, *(pair[0] for pair in PAIRS)], ids=lambda record: record.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_record_comes_back_from_json_as_it_was(record: type, data: st.DataObject) -> None:
    made = data.draw(st.from_type(record))
    assert codec.from_json(record, codec.to_json(made)) == made


@pytest.mark.parametrize("record", [pair[0] for pair in PAIRS], ids=lambda record: record.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_record_comes_back_from_a_row_as_it_was(record: type, data: st.DataObject) -> None:
    made = data.draw(st.from_type(record))
    assert codec.from_row(record, codec.to_row(made)) == made


def test_json_of_an_older_version_takes_defaults_and_unknown_keys_are_ignored() -> None:
    read = codec.from_json(records.Entity, '{"name":"Tokayev","kind":"person","gone":1}')
    assert read == records.Entity(name="Tokayev", kind=records.EntityKind.PERSON)


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.just(UTC)))
def test_sqlite_holds_a_time_as_text_that_sorts_as_times_do(moment: datetime, other: datetime) -> None:
    dialect = make_url("sqlite://").get_dialect()()
    write = UtcTime().bind_processor(dialect)
    try:
        as_utc = moment.astimezone(UTC)
    except OverflowError:  # at the ends of the calendar
        return
    # What SQLAlchemy's own type made of it, in databases that were filled before.
    own = DateTime().dialect_impl(dialect).bind_processor(dialect)
    assert own is not None
    assert write(moment) == own(as_utc.replace(tzinfo=None))
    assert UtcTime().result_processor(dialect, None)(write(moment)) == as_utc
    assert (write(moment) < write(other)) is (as_utc < other)
    assert write(None) is UtcTime().result_processor(dialect, None)(None) is None


def test_a_time_without_a_zone_is_stored_nowhere() -> None:
    naive = datetime.fromisoformat("2022-01-09T00:00")
    for url in ("sqlite://", "postgresql+psycopg://"):
        with pytest.raises(ValueError, match="no time zone"):
            UtcTime().bind_processor(make_url(url).get_dialect()())(naive)


def test_a_time_without_a_zone_is_refused() -> None:
    naive: Any = datetime.fromisoformat("2022-01-09T00:00")
    with pytest.raises(ValueError, match="no time zone"):
        codec.to_json(Span(not_before=naive, not_after=naive))


def test_every_table_is_held_against_a_record_or_is_known_to_have_none() -> None:
    apart = {
        "stories",
        "feed_stories",
        "article_aliases",
        "fingerprints",
        "search_documents",
        "search_parts",
        "claims",
        "superseded_claims",
        "histories",
        "revisions",
        "delivery_alerts",
        "meta",
    }
    assert {pair[1].name for pair in PAIRS} | apart == set(tables.METADATA.tables)


def test_what_is_kept_by_its_text_is_bounded_by_the_length_of_the_texts() -> None:
    days = [datetime(2022, 1, number, tzinfo=UTC) for number in range(1, 6)]
    texts = [codec.to_json(Span(not_before=day, not_after=day)) for day in days]
    kept = codec.Kept(Span, most=3 * len(texts[0]))
    first = [kept.read(text) for text in texts[:3]]
    assert kept.read(texts[0]) is first[0]
    kept.read(texts[3])  # the second is the one that was read longest ago
    assert kept.read(texts[0]) is first[0]
    assert kept.read(texts[1]) == first[1]
    assert kept.read(texts[1]) is not first[1]


def test_what_is_kept_holds_no_text() -> None:
    day = datetime(2022, 1, 1, tzinfo=UTC)
    text = codec.to_json(Span(not_before=day, not_after=day)) + " " * 2_000_000
    kept = codec.Kept(Span, most=5_000_000)
    tracemalloc.start()
    kept.read(f"{text} ")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000


def test_a_text_longer_than_all_that_may_be_kept_is_kept_alone() -> None:
    day = datetime(2022, 1, 1, tzinfo=UTC)
    text = codec.to_json(Span(not_before=day, not_after=day))
    kept = codec.Kept(Span, most=1)
    assert kept.read(text) is kept.read(text)
