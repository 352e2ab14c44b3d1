"""Which article belongs to which story: small stories of our own, articles of our own."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.stories.matching import PERIOD_WEIGHT, THRESHOLD, Matcher
from storage.records import Entity, EntityKind, Match, Place, Span, Story, Topic


def day(year: int, month: int, number: int) -> Span:
    return Span(
        not_before=datetime(year, month, number, tzinfo=UTC),
        not_after=datetime(year, month, number, 23, 59, tzinfo=UTC),
    )


UNREST = Story(
    slug="unrest",
    title="Unrest in Kazakhstan",
    languages=("en", "ru"),
    period_start=datetime(2022, 1, 2, tzinfo=UTC),
    entities=(
        Entity(name="Kazakhstan", kind=EntityKind.PLACE, aliases=("Kazakh", "Казахстан"), central=True),
        Entity(name="Kassym-Jomart Tokayev", kind=EntityKind.PERSON, aliases=("Tokayev",), central=True, weight=3),
        Entity(name="Collective Security Treaty Organization", kind=EntityKind.ORGANISATION, aliases=("CSTO", "UN")),
    ),
    topics=(
        Topic(name="unrest", terms=("unrest", "riot", "protest", "беспорядки")),
        Topic(name="emergency", terms=("state of emergency", "чрезвычайное положение")),
    ),
    places=(Place(name="Almaty", aliases=("Алма-Ата",)), Place(name="Kazakhstan", whole=True)),
)
QUAKE = Story(
    slug="herat-quake",
    title="Earthquake near Herat",
    languages=("en",),
    period_start=datetime(2023, 10, 7, tzinfo=UTC),
    topics=(Topic(name="earthquake", terms=("earthquake", "quake")),),
    places=(Place(name="Herat", aliases=("Afghanistan", "Afghan")),),
)
MATCHER = Matcher((UNREST, QUAKE))
FILLER = (
    "The weather service expects rain over the weekend and a mild start to the following week in most valleys. " * 8
)


def slugs(title: str, text: str, published: Span | None = None, lang: str | None = "en") -> list[str]:
    return [match.story for match in MATCHER.match(title=title, text=text, published=published, lang=lang)]


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Kazakh unrest kills dozens", "Riots went on in Almaty on Thursday, officials in Kazakhstan said."),
        ("Toll climbs after week of riots", "In Kazakhstan the ministry counted more dead on Friday. Tokayev spoke of riots."),
        ("State of emergency is over", "Tokayev lifted the state of emergency in all regions of Kazakhstan."),
        ("Власти назвали число погибших", "Во время беспорядков в Алма-Ате погибли люди. О беспорядках Токаева спросили журналисты."),
        ("В Казахстане отменили чрезвычайное положение", "Президент Токаев отменил режим чрезвычайного положения."),
    ],
)  # fmt: skip
def test_reports_of_the_story_match(title: str, text: str) -> None:
    assert slugs(title, text, day(2022, 1, 9), None) == ["unrest"]


@pytest.mark.parametrize(
    ("title", "text", "published"),
    [
        ("Kazakhstan beat Georgia 2-0", "The football team of Kazakhstan won in Almaty before 12,000 people.", day(2022, 1, 9)),
        ("Kazakhstan coach in protest over penalty", "The national side lost in Astana after a late penalty.", day(2024, 5, 2)),
        ("Tokayev visits Beijing", "Tokayev met his host and signed papers on trade. " + FILLER + "In 2022 Kazakhstan saw unrest. " + FILLER, day(2024, 3, 1)),
        ("Riots in Dhaka leave five dead", "Protests and riots went on. " + FILLER + "Kazakhstan urged calm.", day(2022, 1, 9)),
        ("Protests grow in Tbilisi", "A state of emergency may follow the protest, the minister said.", day(2022, 1, 9)),
        ("Kazakhstan riots", "Riots in Almaty, Kazakhstan, a generation ago, and the protest that began them.", day(2011, 12, 17)),
        ("Earthquake kills ten in Morocco", "The quake struck at night near Marrakesh; the earthquake was felt widely.", day(2023, 10, 9)),
        ("Afghan cricketers win again", "Afghanistan beat the hosts by six wickets in Herat.", day(2023, 10, 9)),
        ("Herat quake of last spring", "An earthquake shook Herat, Afghanistan.", day(2023, 4, 1)),
        ("", "", None),
    ],
)  # fmt: skip
def test_other_news_does_not(title: str, text: str, published: Span | None) -> None:
    assert slugs(title, text, published) == []


def test_hits_are_the_explanation() -> None:
    (match,) = MATCHER.match(
        title="Kazakh unrest", text="Protests and riots in Almaty.", published=day(2022, 1, 9), lang="en"
    )
    assert match.is_match
    assert match.score >= THRESHOLD
    found = {(hit.evidence, hit.name): hit for hit in match.hits}
    assert found["topic", "unrest"].found == "unrest, Protests, riots"
    assert found["topic", "unrest"].count == 3
    assert found["entity", "Kazakhstan"].found == "Kazakh"
    assert ("place", "Kazakhstan") not in found, "words that name an entity are no second kind of evidence"
    assert found["period", "unrest"].weight == PERIOD_WEIGHT
    assert sum(hit.weight for hit in match.hits) == pytest.approx(match.score, abs=0.01)


def test_what_falls_short_is_explained_too() -> None:
    (near,) = MATCHER.explain(title="Tokayev visits Beijing", text="He signed papers.", published=day(2024, 3, 1))
    assert (near.story, near.is_match) == ("unrest", False)
    assert [hit.name for hit in near.hits if hit.evidence == "entity"] == ["Kassym-Jomart Tokayev"]
    (early,) = MATCHER.explain(title="Kazakh riots", text="Riots, riots in Kazakhstan", published=day(2011, 12, 17))
    assert not early.is_match
    assert not [hit for hit in early.hits if hit.evidence == "period"]


def test_a_date_is_as_wide_as_it_is_known() -> None:
    january = Span(not_before=datetime(2022, 1, 1, tzinfo=UTC), not_after=datetime(2022, 1, 31, tzinfo=UTC))
    assert slugs("Kazakh unrest", "Riots in Kazakhstan.", january) == ["unrest"]
    assert slugs("Kazakh unrest", "Riots in Kazakhstan.", day(2022, 1, 1)) == []
    assert slugs("Kazakh unrest", "Riots in Kazakhstan.", None) == ["unrest"]


def test_years_later_the_article_must_be_about_it() -> None:
    mention = ("Trade talks in Astana", "Kazakhstan and the CSTO met. " + FILLER + "A riot in Almaty was recalled.")
    assert slugs(*mention, day(2026, 1, 9)) == []
    about = (
        "A year after the Kazakh unrest",
        "The riots in Almaty still raise questions in Kazakhstan. No riot was like it.",
    )
    assert slugs(*about, day(2023, 1, 9)) == ["unrest"]


def test_reports_that_carry_on_a_count_match_beside_a_spot_of_the_story() -> None:
    fair = Story(
        slug="fair",
        title="Crush at the Osterfeld fair",
        languages=("en",),
        period_start=datetime(2030, 5, 1, tzinfo=UTC),
        topics=(Topic(name="crush", terms=("crush",)),),
        places=(Place(name="Osterfeld", whole=True), Place(name="Germany")),
    )
    matcher = Matcher((fair,))

    def matches(title: str, published: Span) -> bool:
        return bool(matcher.match(title=title, text="Officials spoke.", published=published, lang="en"))

    assert matches("Toll rises to 31 in Osterfeld", day(2030, 5, 3))
    assert not matches("Toll rises to 31 in Osterfeld", day(2032, 5, 3)), "years later it is another count"
    assert not matches("Toll rises to 31 in Germany", day(2030, 5, 3)), "a country has more than one"
    assert not matches("Toll rises to 31 in Lisbon", day(2030, 5, 3))
    assert not matcher.could_match(title="Toll rises to 31", summary="")


def test_a_central_name_is_a_must() -> None:
    assert slugs("Riots and protest", "The CSTO saw protest and riots in Almaty.", day(2022, 1, 9)) == []


def test_a_dateline_is_no_subject() -> None:
    report = ("Protests and riots in Dhaka", "ALMATY, May 4 (Wire) - Riots went on in Dhaka. Protesters met police.")
    story = Story(
        slug="s", title="t", places=(Place(name="Almaty"),), topics=(Topic(name="unrest", terms=("riot", "protest")),)
    )
    assert Matcher((story,)).match(title=report[0], text=report[1]) == ()
    here = tuple(part.replace("Dhaka", "Almaty") for part in report)
    assert Matcher((story,)).match(title=here[0], text=here[1]) != ()


def test_names_stop_at_borders_of_words() -> None:
    assert slugs("Kazakhstaniana", "A protester of unrestrained riotousness in Almatyland.", day(2022, 1, 9)) == []


def test_acronyms_are_only_found_in_capitals() -> None:
    found = MATCHER.explain(title="un protest", text="Un jour, un homme. Tokayev.", lang="fr")
    assert not any("Un" in hit.found for match in found for hit in match.hits)
    found = MATCHER.explain(title="UN protest", text="Tokayev")
    assert any(hit.found == "UN" for match in found for hit in match.hits)


def test_a_name_within_a_longer_one_counts_once() -> None:
    (match,) = MATCHER.explain(title="", text="Kassym-Jomart Tokayev spoke.")
    assert [hit.count for hit in match.hits if hit.evidence == "entity"] == [1]


def test_decomposed_letters_are_found() -> None:
    story = Story(
        slug="s",
        title="t",
        entities=(Entity(name="Zürich", kind=EntityKind.PLACE),),
        topics=(Topic(name="fire", terms=("fire",)),),
    )
    decomposed = "Fire in Zu\u0308rich"
    assert [match.story for match in Matcher((story,)).match(title=decomposed, text="A fire in Zurich.")] == ["s"]


def test_entries_are_judged_leniently_before_their_page_is_fetched() -> None:
    assert MATCHER.could_match(title="Dozens dead in riots", summary="")
    assert MATCHER.could_match(title="Dozens dead", summary="Police in Almaty said")
    assert MATCHER.could_match(title="Погибшие в Алма-Ате", summary="")
    assert not MATCHER.could_match(title="Shares close down", summary="The index fell un point.")


@pytest.mark.parametrize(
    ("story", "title", "text", "expected"),
    [
        (Story(slug="s", title="t", topics=(Topic(name="a", terms=("eclipse",)),)), "Eclipse seen", "The eclipse was total.", True),
        (Story(slug="s", title="t", topics=(Topic(name="a", terms=("eclipse",)),)), "An eclipse of reason", "The court erred.", False),
        (Story(slug="s", title="t", entities=(Entity(name="Ada Moss", kind=EntityKind.PERSON),)), "Ada Moss wins", "Ada Moss won.", True),
        (Story(slug="s", title="t", entities=(Entity(name="Ada Moss", kind=EntityKind.PERSON),)), "Prizes", "Won: Ada Moss.", False),
    ],
)  # fmt: skip
def test_a_story_of_one_kind_is_judged_by_that_kind(story: Story, title: str, text: str, expected: bool) -> None:
    assert bool(Matcher((story,)).match(title=title, text=text)) is expected


def test_names_that_many_stories_share_weigh_less() -> None:
    def story(number: int) -> Story:
        topic = Topic(name="flood", terms=(f"flood{number}",))
        return Story(
            slug=f"s{number}", title="t", entities=(Entity(name="Vale", kind=EntityKind.PLACE),), topics=(topic,)
        )

    alone, shared = Matcher((story(1),)), Matcher(tuple(map(story, range(8))))

    def weight(matches: tuple[Match, ...]) -> float:
        return next(hit.weight for hit in matches[0].hits if hit.evidence == "entity")

    text = "flood1 in Vale"
    assert weight(shared.explain(title="", text=text)) < weight(alone.explain(title="", text=text))


def test_no_stories_match_nothing() -> None:
    assert Matcher(()).match(title="a", text="b") == ()
    assert not Matcher(()).could_match(title="a", summary="b")


@given(title=st.text(max_size=50), text=st.text(max_size=300), lang=st.sampled_from([None, "en", "ru"]))
@settings(max_examples=100)
def test_any_text_is_judged(title: str, text: str, lang: str | None) -> None:
    matches = MATCHER.match(title=title, text=text, lang=lang)
    explained = MATCHER.explain(title=title, text=text, lang=lang)
    assert {match.story for match in matches} == {match.story for match in explained if match.is_match}
