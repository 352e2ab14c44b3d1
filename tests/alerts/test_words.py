"""The catalogues: the same keys and gaps in every language; figures as people say them."""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from alerts.words import LANGUAGES, load_words
from storage.errors import SettingsError
from storage.records import Figure, Metric, MetricKind, Place, Qualifier, RecordKey, RevisionKind, Span, Story

EN, RU = load_words("en"), load_words("ru")
CATALOGUES = {
    lang: tomllib.loads((files("alerts.catalogue") / f"{lang}.toml").read_text(encoding="utf-8")) for lang in LANGUAGES
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_catalogues_have_the_same_keys_and_gaps(lang: str) -> None:
    for section, words in CATALOGUES["en"].items():
        theirs = CATALOGUES[lang][section]
        assert theirs.keys() == words.keys(), section
        if section == "format":
            continue
        for key, text in words.items():
            gaps = set(re.findall(r"\{(\w+)", text))
            assert set(re.findall(r"\{(\w+)", theirs[key])) == gaps, f"{lang}.toml: {section}.{key}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_has_a_name(lang: str) -> None:
    assert set(CATALOGUES[lang]["kinds"]) == {kind.value for kind in RevisionKind}
    assert set(CATALOGUES[lang]["figure"]) >= {qualifier.value for qualifier in Qualifier}


@pytest.mark.parametrize(
    ("figure", "unit", "english", "russian"),
    [
        (None, "people", "none reported", "нет данных"),
        (Figure(value=4353), "people", "4,353", "4\u00a0353"),
        (Figure(value=26, qualifier=Qualifier.AT_LEAST), "people", "at least 26", "не менее 26"),
        (Figure(low=10, high=20, qualifier=Qualifier.RANGE), "people", "10–20", "10–20"),
        (Figure(qualifier=Qualifier.VAGUE), "people", "an unclear number", "неясное число"),
        (Figure(value=7.1), "magnitude", "M7.1", "M7,1"),
        (Figure(value=2.5e9), "usd", "US$2,500,000,000", "2\u00a0500\u00a0000\u00a0000 долл. США"),
        (Figure(value=12), "tanks", "12\u00a0tanks", "12\u00a0tanks"),
        (Figure(state="lifted"), "people", "lifted", "отменено"),
        (Figure(state="half_open"), "people", "half open", "half open"),
    ],
)
def test_figures_read_as_people_say_them(figure: Figure | None, unit: str, english: str, russian: str) -> None:
    assert EN.figure(figure, unit) == english
    assert RU.figure(figure, unit) == russian


def test_a_record_is_named_by_metric_population_and_place() -> None:
    story = Story(
        slug="s",
        title="S",
        places=(Place(name="Nur-Sultan"),),
        metrics=(Metric(name="treaties", kind=MetricKind.STOCK, nouns=(("en", ("treaty", "treaties")),)),),
    )
    key = RecordKey(story="s", metric="killed", population="age=child;role=police", place="nur-sultan", period="2022")
    assert EN.what(key, story) == "killed, children, police, Nur-Sultan, 2022"
    assert EN.what(RecordKey(story="s", metric="treaties", population="other:miner"), story) == "treaties, miner"
    assert EN.what(RecordKey(story="s", metric="air_strikes", place="east-side")) == "air strikes, East Side"


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="en, ru"):
        load_words("xx")


def test_what_was_seen_overnight_is_of_neither_day() -> None:
    evening = datetime(2022, 1, 9, 16, 45, tzinfo=UTC)

    def told(begin: datetime, hours: float) -> str:
        return EN.span(Span(not_before=begin, not_after=begin + timedelta(hours=hours)), "UTC")

    assert told(evening, 12.5) == "9 Jan 2022 – 10 Jan 2022"
    assert told(evening, 7.25) == "9 Jan 2022"
    assert told(evening.replace(hour=18, minute=0), 24) == "10 Jan 2022"
