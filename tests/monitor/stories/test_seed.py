"""Seeds: what a file says is what the story holds; what is wrong is told with file, line and key."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.stories.seed import load_seed, load_seeds, parse_seed
from monitor.stories.seed_writer import format_seed
from storage.errors import SeedError
from storage.keys import place_key
from storage.records import (
    BaselineClaim,
    BaselineState,
    Entity,
    EntityKind,
    FeedKind,
    FeedSpec,
    Metric,
    MetricKind,
    OriginSpec,
    Place,
    Qualifier,
    SeedArticle,
    Span,
    Story,
    StoryState,
    Topic,
    Trust,
)

FULL = """\
slug = "dam-break-2030"
title = "The dam above Lower Vale"
languages = ["en", "ru"]
timezone = "Asia/Almaty"

[seed]
source = "Vale Post"
title = "Dam gives way"
url = "https://vale.example/dam"
published = 2030-05-02

[period]
start = 2030-05-01
end = "2030-06"

[[entities]]
name = "Ann Tokarev"
kind = "person"
aliases = ["Tokarev", "Токарев"]
weight = 3
central = true

[[topics]]
name = "flood"
terms = ["flood", "dam"]

[[places]]
name = "Vale"
whole = true

[[places]]
name = "Lower Vale"
aliases = ["Нижний Вейл"]
parent = "Vale"

[[origins]]
name = "Fire Brigade"
aliases = ["Chief Olsen"]

[[claims]]
metric = "killed"
value = 12
qualifier = "at_least"
origin = "Fire Brigade"
population = "age=child"
place = "Lower Vale"
effective_at = 2030-05-02T18:00:00+05:00

[[claims]]
metric = "injured"
value = 40
high = 50
qualifier = "range"
place = "Vale"

[[states]]
subject = "State of Emergency"
state = "Declared"
effective_at = 2030-05-01

[[metrics]]
name = "bridges_lost"
kind = "cumulative"
unit = "bridges"
nouns = { en = ["bridge", "bridges"], de = ["Brücke"] }

[[feeds]]
url = "https://vale.example/rss"
source = "Vale Post"
trust = "local"
full = true
lang = "en"

[[feeds]]
url = "https://vale.example/toll"
page = true
"""


def test_every_key_arrives() -> None:
    story = parse_seed(FULL, file="dam.toml")
    assert story.slug == "dam-break-2030"
    assert story.languages == ("en", "ru")
    assert story.entities == (
        Entity(name="Ann Tokarev", kind=EntityKind.PERSON, aliases=("Tokarev", "Токарев"), weight=3, central=True),
    )
    assert story.places[1] == Place(name="Lower Vale", aliases=("Нижний Вейл",), parent="Vale")
    assert story.claims[0].place == "lower-vale"
    assert story.claims[0].population == "age=child"
    assert story.claims[1].place is None, "a place that is the whole story is no part of it"
    assert (story.claims[1].value, story.claims[1].high) == (40, 50)
    assert story.states[0].subject == "state_of_emergency"
    assert story.states[0].state == "declared"
    assert story.metrics[0].nouns == (("de", ("Brücke",)), ("en", ("bridge", "bridges")))
    assert story.feeds == (
        FeedSpec(url="https://vale.example/rss", source="Vale Post", trust=Trust.LOCAL, full=True, lang="en"),
        FeedSpec(url="https://vale.example/toll", kind=FeedKind.PAGE),
    )


def test_dates_are_as_wide_as_stated_in_the_storys_time_zone() -> None:
    story = parse_seed(FULL, file="dam.toml")
    published = story.seed.published
    assert published is not None
    assert published.not_before == datetime(2030, 5, 1, 19, tzinfo=UTC)
    assert published.not_after == datetime(2030, 5, 2, 18, 59, 59, 999999, tzinfo=UTC)
    assert story.period_start == datetime(2030, 4, 30, 19, tzinfo=UTC)
    assert story.period_end == datetime(2030, 6, 30, 18, 59, 59, 999999, tzinfo=UTC), "a month ends with its last day"
    exact = story.claims[0].effective_at
    assert exact == Span(
        not_before=datetime(2030, 5, 2, 13, tzinfo=UTC), not_after=datetime(2030, 5, 2, 13, tzinfo=UTC)
    )


def test_slug_title_and_one_topic_are_enough() -> None:
    story = parse_seed('slug = "a"\ntitle = "b"\n[[topics]]\nname = "c"\nterms = ["d"]\n', file="a.toml")
    assert story == Story(slug="a", title="b", topics=(Topic(name="c", terms=("d",)),))


@pytest.mark.parametrize(
    ("old", "new", "said", "marker"),
    [
        ("central = true", "centrl = true", "entities[1].centrl: there is no such key; did you mean 'central'?", ""),
        ("[period]", "[perriod]", "perriod: there is no such key; did you mean 'period'?", ""),
        ('kind = "person"', 'kind = "persn"', "did you mean 'person'?", ""),
        ("value = 12", 'value = "12"', "claims[1].value: is not a number: '12'", ""),
        ('metric = "killed"', 'metric = "kiled"', "'kiled' is no measure; did you mean 'killed'?", ""),
        ("value = 12", "value = true", "claims[1].value: is not a number", ""),
        ("value = 12", "value = -1", "below zero", ""),
        ("value = 12", "value = nan", "finite", ""),
        ("high = 50", "high = 30", "claims[2].high: is below value", ""),
        ('qualifier = "range"\n', "", "qualifier", "high = 50"),
        ('place = "Lower Vale"', 'place = "Lower Vail"', "did you mean 'Lower Vale'?", ""),
        ('parent = "Vale"', 'parent = "Nowhere"', "none of the [[places]]", ""),
        ('parent = "Vale"', 'parent = "Lower Vale"', "leads back", ""),
        ("Asia/Almaty", "Asia/Alma", "is no time zone", ""),
        ('end = "2030-06"', 'end = "2030-04"', "period.end: lies before start", ""),
        ('end = "2030-06"', 'end = "soon"', "is no date", ""),
        ('slug = "dam-break-2030"', 'slug = "Dam Break"', "slug: 'Dam Break' has the wrong shape", ""),
        ('slug = "dam-break-2030"', "", "slug: is missing; add `slug = …`", "\ntitle"),
        ('terms = ["flood", "dam"]', "terms = []", "is empty", ""),
        ('aliases = ["Tokarev", "Токарев"]', 'aliases = [\n  "Tokarev",\n  7,\n]', "aliases[2]: 7 is not a text in quotes", ""),
        ("weight = 3", "weight = 0", "out of range", ""),
        ("full = true", 'full = "yes"', "feeds[1].full: 'yes' is not true or false", ""),
        ('url = "https://vale.example/rss"', 'url = "vale.example/rss"', "is not an address", ""),
        ('languages = ["en", "ru"]', 'languages = ["english"]', "language codes of two letters", ""),
        ("title = \"The dam above Lower Vale\"", 'title = "The dam', "is not TOML", ""),
        ('name = "Lower Vale"', 'name = "VALE"', "for the second time", ""),
        ('nouns = { en = ["bridge", "bridges"], de = ["Brücke"] }', "nouns = 3", "is not a table", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_line_and_key(old: str, new: str, said: str, marker: str) -> None:
    wrong = FULL.replace(old, new, 1)
    assert wrong != FULL
    line = 1 + wrong[: wrong.index(marker or new)].count("\n")
    with pytest.raises(SeedError) as caught:
        parse_seed(wrong, file="seeds/dam.toml")
    first, *_ = [part for part in str(caught.value).split("\n") if said in part] or [str(caught.value)]
    assert first.startswith(f"seeds/dam.toml:{line}: "), first
    assert said in first


def test_all_errors_are_told_at_once() -> None:
    with pytest.raises(SeedError) as caught:
        parse_seed(FULL.replace("weight", "wait").replace("whole", "hole"), file="x.toml")
    assert len(str(caught.value).split("\n")) == 2


def test_a_story_needs_an_entity_or_a_topic() -> None:
    with pytest.raises(SeedError, match=r"needs at least one \[\[entities\]\]"):
        parse_seed('slug = "a"\ntitle = "b"\n', file="a.toml")


def test_a_folder_is_loaded_in_order_and_slugs_are_unique(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(FULL, "utf-8")
    (tmp_path / "a.toml").write_text(FULL.replace("dam-break", "dam-crack"), "utf-8")
    (tmp_path / "notes.txt").write_text("no seed", "utf-8")
    assert [story.slug for story in load_seeds(tmp_path)] == ["dam-crack-2030", "dam-break-2030"]
    (tmp_path / "a.toml").write_text(FULL, "utf-8")
    with pytest.raises(SeedError, match=r"b\.toml: slug: .* is also the slug of .*a\.toml"):
        load_seeds(tmp_path)


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="no such folder of seeds"):
        load_seeds(tmp_path / "none")
    with pytest.raises(SeedError, match="cannot be read"):
        load_seed(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes('title = "Brücke"'.encode("latin-1"))
    with pytest.raises(SeedError, match="is not UTF-8"):
        load_seed(tmp_path / "latin.toml")
    (tmp_path / "mark.toml").write_bytes(b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode())
    assert load_seed(tmp_path / "mark.toml").slug == "dam-break-2030", "a byte order mark and CRLF do no harm"


words = (
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=20).map(str.strip).filter(bool)
)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
numbers = st.one_of(st.integers(0, 10**9).map(float), st.floats(0, 1e12, allow_nan=False))
first, last = datetime(1995, 1, 1), datetime(2090, 1, 1)  # noqa: DTZ001 - Hypothesis wants bounds without a zone
instants = st.datetimes(first, last, timezones=st.just(UTC))
spans = st.one_of(
    instants.map(lambda at: Span(not_before=at, not_after=at)),
    st.tuples(instants, instants).map(lambda pair: Span(not_before=min(pair), not_after=max(pair))),
)
aliases = st.lists(words, max_size=3).map(tuple)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    places = draw(st.lists(words.filter(place_key), max_size=3, unique_by=place_key))
    parents = [None, *places[:-1]]
    qualifiers = st.sampled_from([q for q in Qualifier if q not in (Qualifier.RANGE, Qualifier.VAGUE)])
    keys = st.sampled_from([None, *(place_key(place) for place in places)])
    feeds = draw(st.lists(st.integers(0, 999), max_size=2, unique=True))
    return Story(
        slug=draw(st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)),
        title=draw(words),
        languages=draw(st.lists(st.sampled_from(["en", "ru", "de"]), max_size=2, unique=True).map(tuple)),
        timezone=draw(st.sampled_from(["UTC", "Asia/Almaty", "America/New_York", "Pacific/Apia", "Africa/Cairo"])),
        state=draw(st.sampled_from(StoryState)),
        seed=SeedArticle(
            source=draw(words), title=draw(words), url="https://a.example/ü?x=1", published=draw(st.none() | spans)
        ),
        period_start=draw(st.none() | instants),
        entities=tuple(
            Entity(name=name, kind=draw(st.sampled_from(EntityKind)), aliases=draw(aliases),
                   weight=draw(st.floats(0.01, 100)), central=draw(st.booleans()))
            for name in draw(st.lists(words, min_size=1, max_size=2, unique_by=str.casefold))
        ),
        topics=tuple(
            Topic(name=name, terms=draw(st.lists(words, min_size=1, max_size=30).map(tuple)))
            for name in draw(st.lists(words, max_size=2, unique_by=str.casefold))
        ),
        places=tuple(
            Place(name=name, aliases=draw(aliases), parent=parent) for name, parent in zip(places, parents, strict=False)
        ),
        origins=tuple(
            OriginSpec(name=name, aliases=draw(aliases), umbrella=draw(st.booleans()))
            for name in draw(st.lists(words, max_size=2, unique_by=str.casefold))
        ),
        claims=tuple(
            BaselineClaim(metric=draw(st.sampled_from(["killed", "injured", "missing"])), value=draw(numbers), qualifier=draw(qualifiers), place=draw(keys),
                          origin=draw(st.none() | words), effective_at=draw(st.none() | spans))
            for _ in range(draw(st.integers(0, 2)))
        ),
        states=tuple(
            BaselineState(subject=draw(names).replace("_", ""), state=draw(names), effective_at=draw(st.none() | spans))
            for _ in range(draw(st.integers(0, 1)))
        ),
        metrics=tuple(
            Metric(name=name, kind=draw(st.sampled_from(MetricKind)), unit=draw(words),
                   nouns=(("en", draw(aliases)), ("ru", draw(aliases))))
            for name in draw(st.lists(names, max_size=2, unique=True))
        ),
        feeds=tuple(
            FeedSpec(url=f"https://f{number}.example/rss", source=draw(words), trust=draw(st.sampled_from(Trust)),
                     full=draw(st.booleans()), lang=draw(st.sampled_from([None, "en"])), kind=draw(st.sampled_from(FeedKind)))
            for number in feeds
        ),
    )  # fmt: skip


@given(story=stories())
@settings(max_examples=150, deadline=None)
def test_a_story_that_is_written_is_read_back_the_same(story: Story) -> None:
    assert parse_seed(format_seed(story), file="written.toml") == story


def test_writing_keeps_dates_and_shape() -> None:
    story = parse_seed(FULL, file="dam.toml")
    written = format_seed(story)
    assert parse_seed(written, file="again.toml") == story
    assert "start = 2030-05-01\n" in written
    assert "end = 2030-06-30\n" in written


@given(text=st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_a_story_or_a_seed_error(text: str) -> None:
    with suppress(SeedError):
        parse_seed(text, file="any.toml")
