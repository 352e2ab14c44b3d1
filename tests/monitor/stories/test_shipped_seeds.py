"""The seeds that ship with Storywatch: valid, of our own words, and fit for their stories."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.stories.matching import Matcher
from monitor.stories.seed import load_seeds, parse_seed
from monitor.stories.seed_writer import format_seed
from storage.keys import place_key
from storage.records import Qualifier, Span, Story

SEEDS = Path(__file__).parents[3] / "seeds"
STORIES = {story.slug: story for story in load_seeds(SEEDS)}
KAZAKHSTAN = STORIES["kazakhstan-unrest-2022"]
MATCHER = Matcher(tuple(STORIES.values()))


def on(year: int, month: int, number: int) -> Span:
    at = datetime(year, month, number, tzinfo=UTC)
    return Span(not_before=at, not_after=at)


def test_both_are_valid_and_can_be_written() -> None:
    assert set(STORIES) == {"kazakhstan-unrest-2022", "earthquakes"}
    for story in STORIES.values():
        assert parse_seed(format_seed(story), file="again.toml") == story
        assert len(story.feeds) >= 8


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_seed_holds_names_and_facts_and_no_prose(path: Path) -> None:
    """A sentence of a source would be a long run of words with a verb and a full stop: values are short names."""
    text = "\n".join(line.split("#")[0] for line in path.read_text("utf-8").split("\n") if not line.startswith("#"))
    for value in re.findall(r'"([^"]*)"', text):
        assert len(value.split()) <= 7, value
        assert not re.search(r"\w{3}[.!?](\s|$)", value), value


def test_the_baseline_is_what_the_article_says() -> None:
    told = {(claim.metric, claim.value, claim.qualifier, claim.origin) for claim in KAZAKHSTAN.claims}
    assert told == {
        ("killed", 225.0, Qualifier.EXACT, "authorities"),
        ("injured", 4500.0, Qualifier.MORE_THAN, "authorities"),
    }
    assert {(state.subject, state.state) for state in KAZAKHSTAN.states} == {
        ("state_of_emergency", "lifted"),
        ("deployment", "withdrawn"),
    }
    assert [place.name for place in KAZAKHSTAN.places if place.whole] == ["Kazakhstan"]
    assert all(origin.umbrella == (origin.name in ("authorities", "media")) for origin in KAZAKHSTAN.origins)


def test_every_place_of_kazakhstan_lies_within_it() -> None:
    parents = {place_key(place.name): place.parent for place in KAZAKHSTAN.places}
    for name in parents:
        step: str | None = name
        for _ in range(4):
            if step == "kazakhstan":
                break
            step = place_key(parents[step or ""] or "")
        assert step == "kazakhstan", name


def slugs(title: str, text: str, published: Span, lang: str = "en") -> list[str]:
    return [match.story for match in MATCHER.match(title=title, text=text, published=published, lang=lang)]


@pytest.mark.parametrize(
    ("title", "text", "published", "lang"),
    [
        ("Kazakh unrest: prosecutors count 225 bodies", "Serik Shalabayev named the figure in Nur-Sultan.", on(2022, 1, 15), "en"),
        ("В Алма-Ате продолжаются беспорядки", "Токаева просили о помощи; миротворцы ОДКБ прибыли.", on(2022, 1, 6), "ru"),
        ("CSTO peacekeepers to leave within ten days", "Tokayev told parliament of the withdrawal.", on(2022, 1, 11), "en"),
        ("Kazakhstan revises toll of January riots to 230", "The prosecutor general counted the dead of the unrest.", on(2022, 3, 14), "en"),
    ],
)  # fmt: skip
def test_reports_from_january_match(title: str, text: str, published: Span, lang: str) -> None:
    assert slugs(title, text, published, lang) == ["kazakhstan-unrest-2022"]


@pytest.mark.parametrize(
    ("title", "text", "published"),
    [
        ("Kazakhstan hold Denmark to a draw", "The football team came back twice in Astana.", on(2024, 6, 9)),
        ("Tokayev visits Beijing", "The president of Kazakhstan spoke of pipelines and wheat.", on(2024, 7, 2)),
        ("Kazakh mine fire kills dozens", "The mine in Karaganda burned through the night.", on(2023, 10, 28)),
        ("Nurses protest in Lyon", "Demonstrators filled the square; a curfew was not declared.", on(2022, 1, 8)),
        ("A political earthquake in Paris", "The cabinet resigned after the vote.", on(2022, 1, 8)),
    ],
)  # fmt: skip
def test_other_news_matches_nothing(title: str, text: str, published: Span) -> None:
    assert slugs(title, text, published) == []


@pytest.mark.parametrize(
    ("title", "text", "lang"),
    [
        ("Magnitude 6.2 quake hits Vanuatu", "The earthquake struck at a depth of 30 km, the USGS said.", "en"),
        ("Green earthquake (Magnitude 5.2M, Depth:10km) in Chile", "", "en"),
        ("Afghan quake toll rises to 55", "Rescuers dug on.", "en"),
        ("Землетрясение магнитудой 6,1 произошло у берегов Камчатки", "Пострадавших нет.", "ru"),
        ("Terremoto de magnitud 5,8 sacude Ecuador", "No hay víctimas.", "es"),
        ("Erdbeben der Stärke 5,9 in Griechenland", "Verletzte gab es nicht.", "de"),
    ],
)  # fmt: skip
def test_any_earthquake_of_any_week_matches(title: str, text: str, lang: str) -> None:
    assert slugs(title, text, on(2026, 11, 20), lang) == ["earthquakes"]


def test_figures_of_different_quakes_stay_apart() -> None:
    story: Story = STORIES["earthquakes"]
    assert not any(place.whole for place in story.places)
    assert len(json.dumps([place.name for place in story.places])) > 100
    assert not story.claims
