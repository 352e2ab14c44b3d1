"""Seeds drafted from articles of our own."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.claims.extract import Extractor
from monitor.stories.countries import find_country
from monitor.stories.draft import draft_seed
from monitor.stories.matching import Matcher
from monitor.stories.seed import parse_seed
from monitor.stories.seed_writer import format_seed
from storage.records import Claim, ClaimKind, ClaimStatus, EntityKind, Qualifier, Span, Story, StoryState

TITLE = "Dam collapse in Peru leaves 41 dead, minister says"
TEXT = """LIMA, May 4 (Andes Wire) - At least 41 people died when a dam gave way above the town of Huaral on May 2, \
Interior Minister Rosa Quispe said on Tuesday.
Flooding reached Chancay within an hour. "We are looking for 17 missing people," Quispe told reporters in Huaral.
The National Water Authority (NWA) had warned of cracks. The NWA said the collapse followed a week of rain.
Peruvian firefighters went on with the rescue in Chancay. However, roads to Huaral stayed closed.
"""
PUBLISHED = Span(
    not_before=datetime(2030, 5, 4, tzinfo=UTC), not_after=datetime(2030, 5, 4, 23, 59, 59, 999999, tzinfo=UTC)
)


def draft(title: str = TITLE, text: str = TEXT, published: Span | None = PUBLISHED, lang: str | None = "en") -> Story:
    claims = Extractor().extract(title=title, text=text, published=published, lang=lang)
    return draft_seed(
        title=title,
        text=text,
        published=published,
        url="https://a.example/1",
        source="Andes Wire",
        claims=claims,
        lang=lang,
    )


def test_a_draft_names_who_what_where_and_when() -> None:
    story = draft()
    assert story.slug == "peru-collapse-2030"
    assert story.state == StoryState.DRAFT
    assert story.languages == ("en",)
    assert story.seed.url == "https://a.example/1"
    assert story.period_start == datetime(2030, 5, 2, tzinfo=UTC), "the earliest day that the article names"
    entities = {entity.name: entity for entity in story.entities}
    assert entities["Peru"].central
    assert "Peruvian" in entities["Peru"].aliases
    assert entities["Rosa Quispe"].kind == EntityKind.PERSON
    assert entities["Rosa Quispe"].aliases == ("Quispe",)
    assert entities["National Water Authority"].kind == EntityKind.ORGANISATION
    assert entities["National Water Authority"].aliases == ("NWA",)
    assert {"May", "Tuesday", "However", "Andes Wire", "LIMA", "Interior"}.isdisjoint(entities)
    assert [(place.name, place.whole) for place in story.places] == [
        ("Peru", True),
        ("Huaral", False),
        ("Chancay", False),
    ]
    terms = [set(topic.terms) for topic in story.topics]
    assert story.topics[0].name == "collapse"
    assert any({"collapse", "rubble"} <= words for words in terms)
    assert any({"flooding", "deluge"} <= words for words in terms)
    assert "rescue" in terms[0]


def test_titles_are_no_part_of_names_but_of_offices() -> None:
    text = "Police Commissioner Ann Kalo came. The Health Ministry and the Health Ministry of Ruritania met Health Minister Bo Li."
    names = {entity.name for entity in draft("Health Ministry meets", text).entities}
    assert {"Ann Kalo", "Health Ministry", "Bo Li"} <= names


def test_figures_come_from_the_extractor() -> None:
    baseline = {claim.metric: claim for claim in draft().claims}
    assert baseline["killed"].value == 41
    assert baseline["missing"].value == 17
    assert baseline["missing"].quote == '"We are looking for 17 missing people," Quispe told reporters in Huaral.'


def test_a_draft_is_a_valid_seed_that_matches_its_own_article() -> None:
    story = draft()
    assert parse_seed(format_seed(story), file="draft.toml") == story
    (match,) = Matcher((story,)).match(title=TITLE, text=TEXT, published=PUBLISHED, lang="en")
    assert match.is_match


def test_only_what_is_asserted_now_of_the_whole_becomes_baseline() -> None:
    def claim(metric: str, value: float | None, **others: object) -> Claim:
        return Claim(metric=metric, value=value, **others)  # type: ignore[arg-type]  # a builder for every field

    claims = (
        claim("killed", 30, status=ClaimStatus.PREVIOUS),
        claim("killed", 41, qualifier=Qualifier.AT_LEAST, origin="ministry"),
        claim("killed", 40),
        claim("killed", 3, population="age=child"),
        claim("killed", 9, population="other:miller"),
        claim("killed", 5, place="unresolved"),
        claim("injured", 7, kind=ClaimKind.INCREMENT),
        claim("injured", 60, high=80, qualifier=Qualifier.RANGE),
        claim("missing", 36, qualifier=Qualifier.VAGUE),
        claim("state_of_emergency", None, kind=ClaimKind.STATE, state="declared"),
        claim("state_of_emergency", None, kind=ClaimKind.STATE, state="lifted"),
    )
    story = draft_seed(title="a", text="Bo.", published=None, url="", source="", claims=claims, lang="en")
    told = [(base.metric, base.value, base.high, base.qualifier, base.population) for base in story.claims]
    assert told == [
        ("killed", 41, None, Qualifier.AT_LEAST, None),
        ("killed", 3, None, Qualifier.EXACT, "age=child"),
        ("injured", 60, 80, Qualifier.RANGE, None),
    ]
    assert [(state.subject, state.state) for state in story.states] == [("state_of_emergency", "lifted")]


def test_a_russian_article_is_drafted_too() -> None:
    story = draft(
        "Землетрясение в Турции: власти назвали число погибших",
        "В Турции после землетрясения погиб 41 человек, заявил министр Али Йылдыз. Землетрясение произошло 2 мая.",
        lang="ru",
    )
    assert story.slug == "turkey-2030"
    assert story.entities[0].name == "Turkey"
    assert story.period_start == datetime(2030, 5, 2, tzinfo=UTC)
    assert "землетрясение" in story.topics[0].terms


@pytest.mark.parametrize(
    ("word", "country"),
    [("Kazakh", "Kazakhstan"), ("КАЗАХСТАН", "Kazakhstan"), ("Казахстана", "Kazakhstan"), ("Lima", None), ("Türkiye", "Turkey")],
)  # fmt: skip
def test_countries_are_known_by_their_adjectives_and_endings(word: str, country: str | None) -> None:
    assert find_country(word) == country


@given(
    title=st.text(max_size=40),
    text=st.text(max_size=200) | st.lists(st.sampled_from(TEXT.split()), max_size=60).map(" ".join),
    published=st.sampled_from([None, PUBLISHED]),
    lang=st.sampled_from([None, "en", "ru", "zz"]),
)
@settings(max_examples=150, deadline=None)
def test_any_article_gives_a_draft_that_can_be_read_back_or_says_what_it_needs(
    title: str, text: str, published: Span | None, lang: str | None
) -> None:
    story = draft_seed(title=title, text=text, published=published, url="x", source="y", claims=(), lang=lang)
    if story.title and (story.entities or story.topics):
        assert parse_seed(format_seed(story), file="draft.toml") == story


FIRE = """MANILA, March 12 - Fourteen workers were killed after a fire swept through an electronics warehouse in Valenzuela \
City, north of Manila, the Bureau of Fire Protection said on Tuesday.
Fire Superintendent Annalee Atienza said the blaze broke out on Maysan Road. "The windows were barred," Atienza said.
The Department of Labor and Employment said it would look at the warehouse. An analyst at Bayside recalled a fire of 2015.
"""


def test_a_drafts_title_and_slug_hold_no_figure() -> None:
    story = draft("Fire at Manila electronics warehouse kills 14, 9 missing", FIRE)
    assert story.title == "Fire at Manila electronics warehouse"
    assert story.slug == "philippines-fire-2030"
    assert (
        draft("14 dead", "Fourteen people died in Manila in a fire. The fire began at night.").title
        == "Philippines: fire"
    )


def test_offices_are_whole_and_towns_in_passing_are_no_places() -> None:
    story = draft("Fire at Manila electronics warehouse kills 14, 9 missing", FIRE)
    assert {entity.name: entity.kind for entity in story.entities} == {
        "Philippines": EntityKind.PLACE,
        "Manila": EntityKind.PLACE,
        "Valenzuela City": EntityKind.PLACE,
        "Annalee Atienza": EntityKind.PERSON,
        "Bureau of Fire Protection": EntityKind.ORGANISATION,
        "Department of Labor and Employment": EntityKind.ORGANISATION,
    }
    assert [place.name for place in story.places] == ["Philippines", "Manila", "Valenzuela City"]
    assert story.topics[0].terms[0] == "fire"


def test_a_story_of_goods_is_about_the_goods_and_not_their_units() -> None:
    text = """LONDON (Reuters) - Cocoa futures rose above $10,000 a tonne after disease ruined crops in Ivory Coast and Ghana.
New York cocoa futures touched $10,080. Ivory Coast expects 1.75 million tonnes. Ghana's Cocobod has 250,000 tonnes.
"There is no cocoa to be had," said Paul Joules, an analyst at Rabobank. London is worried.
"""
    story = draft("Cocoa price hits record $10,000 a tonne as harvest fails", text)
    assert story.title == "Cocoa price"
    assert story.topics[0].terms == ("cocoa", "futures")
    assert {place.name: place.parent for place in story.places} == {"Ghana": None, "Ivory Coast": None}
    assert "Cocoa" not in {entity.name for entity in story.entities}


def test_places_in_a_list_are_places() -> None:
    text = "Pickets went up in Baltimore, Savannah and Dunmore. A strike began. The strike goes on in Savannah, said Ann Roe."
    places = {place.name for place in draft("Dockworkers strike in the United States", text).places}
    assert {"Baltimore", "Savannah", "Dunmore"} <= places


def test_a_draft_knows_what_the_next_reports_will_call_the_event_and_the_place() -> None:
    text = """At least 41 people died in a stampede at a lantern fair in Osan, South Korea, on Friday night, police said.
Chief Han Min-ho said the crowd had pressed into one lane. "The stampede began at ten," Han told reporters.
One of the dead came from Paraguay.
"""
    story = draft("Stampede at Korean lantern fair kills 41", text)
    assert {entity.name for entity in story.entities if entity.central} == {"South Korea", "Osan"}
    assert "Paraguay" not in {place.name for place in story.places}
    matcher = Matcher((replace(story, state=StoryState.ACTIVE),))
    later = {
        "Osan crush: toll rises to 44": "Three more people have died after the crowd crush in Osan, a hospital said.",
        "South Korea mourns victims of crush": "Flags flew at half mast across South Korea after the crush of Friday.",
        "Osan festival crush: what went wrong": "Experts say too many people were let into the lane.",
    }
    for title, body in later.items():
        assert matcher.match(title=title, text=body, published=PUBLISHED, lang="en"), title
    for title, body in {
        "Stampede in Lagos kills 9": "Nine people died in a crush at a church in Lagos, police said.",
        "South Korea raises rates": "The bank of South Korea raised its rate on Friday.",
        "Paraguay fair crush hurts 4": "Four people were hurt in a crush in Paraguay.",
    }.items():
        assert not matcher.match(title=title, text=body, published=PUBLISHED, lang="en"), title


def test_what_an_institution_or_a_label_is_called_is_no_subject() -> None:
    text = """LATEST: Nine people were found dead after a mudslide in Huancal, the fire department said. From Lima came help.
The county sent dogs. County Judge Ann Roe said the mudslide hit at night. It was New Year's Day.
"""
    story = draft("Nine dead as mudslide hits Huancal in Peru", text)
    (topic,) = story.topics
    assert "landslide" in topic.terms
    assert "blaze" not in topic.terms
    assert {"Latest", "LATEST", "County", "From Lima", "Day", "New Year"}.isdisjoint(
        {entity.name for entity in story.entities} | {place.name for place in story.places}
    )


@pytest.mark.parametrize(
    ("lang", "title", "others"),
    [
        ("ru", "Пожар в Оше: погибли девять человек", "возгорание"),
        ("de", "Neun Tote bei Zugunglück in Kassel", "Entgleisung"),
        ("fr", "Séisme au Népal : neuf morts", "tremblement de terre"),
        ("es", "Nueve muertos en un tiroteo en Lima", "matanza"),
        ("it", "Crollo a Lima, nove morti", "macerie"),
        ("pt", "Enchente deixa nove mortos em Lima", "inundação"),
    ],
)
def test_events_are_known_in_the_languages_that_are_read(lang: str, title: str, others: str) -> None:
    assert others in {term for topic in draft(title, f"{title}.", lang=lang).topics for term in topic.terms}


def test_kinds_of_events_that_share_words_are_topics_with_names_of_their_own() -> None:
    story = draft(
        "Blasts and shooting in Lima: attack kills 34", "A blast and gunfire killed 34 people in Lima on Monday."
    )
    assert parse_seed(format_seed(story), file="draft.toml") == story
    assert len({topic.name for topic in story.topics}) == len(story.topics) > 1
