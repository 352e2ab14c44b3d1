"""The title of a drafted story names the event, whatever figures its headline holds."""

import pytest

from monitor.stories.draft_lexicon import draft_lexicon
from monitor.stories.event_titles import name_event


@pytest.mark.parametrize(
    ("headline", "event"),
    [
        ("225 dead after January unrest in Kazakhstan", "January unrest in Kazakhstan"),
        ("225 people died during January unrest in Kazakhstan", "January unrest in Kazakhstan"),
        ("At least 41 killed in Peru dam collapse, minister says", "Peru dam collapse"),
        ("Dam collapse in Peru leaves 41 dead, minister says", "Dam collapse in Peru"),
        ("Kazakhstan protests: 164 killed", "Kazakhstan protests"),
        ("Fire kills 12 at Manila warehouse", "Fire at Manila warehouse"),
        ("Train crash kills 12 in India and injures 40", "Train crash in India"),
        ("Two dead as storm hits Scotland", "Storm hits Scotland"),
        ("Ferry sinks off Vanuatu, 12 dead", "Ferry sinks off Vanuatu"),
        (
            "Magnitude 6.9 earthquake kills at least 120 in western Nepal, hundreds trapped",
            "Earthquake in western Nepal",
        ),
        ("Death toll in Tempe train crash rises to 57 as rail workers strike", "Tempe train crash"),
        ("Death toll from Turkey earthquake passes 40,000", "Turkey earthquake"),
        ("Gaza war: death toll tops 30,000, health ministry says", "Gaza war"),
        ("Cholera outbreak in Malawi kills more than 1,000, health ministry says", "Cholera outbreak in Malawi"),
        ("Strike by 5,000 rail workers halts trains in Belgium", "Strike by rail workers halts trains in Belgium"),
        ("45,000 dockworkers walk out at US East Coast ports", "Dockworkers walk out at US East Coast ports"),
        ("Cocoa price hits record $10,000 a tonne as West African harvest fails", "Cocoa price"),
        ("Six killed, dozens hurt in Texas mall shooting", "Texas mall shooting"),
        ("1,200 evacuated as wildfire nears Athens suburb", "Wildfire nears Athens suburb"),
    ],
)
def test_figures_are_taken_out_of_a_headline(headline: str, event: str) -> None:
    assert name_event(headline, draft_lexicon("en")) == event


@pytest.mark.parametrize(
    ("headline", "event"),
    [
        ("Землетрясение в Турции: 41 погибший", "Землетрясение в Турции"),
        ("При пожаре в Москве погибли 12 человек", "При пожаре в Москве"),
        ("Землетрясение в Турции: власти едут на место", "Землетрясение в Турции: власти едут на место"),
    ],
)
def test_russian_headlines_too(headline: str, event: str) -> None:
    assert name_event(headline, draft_lexicon("ru")) == event


@pytest.mark.parametrize(
    "headline",
    [
        "Prime minister resigns after protests, opposition calls for vote",
        "Riots of January 6",
        "The 2022 floods, one year on",
    ],
)
def test_a_headline_without_figures_stays_whole(headline: str) -> None:
    assert name_event(headline, draft_lexicon("en")) in (headline, headline.partition(",")[0])


def test_names_that_hold_numbers_stay() -> None:
    event = name_event("Boeing 737 crashes in Nepal, 68 dead", draft_lexicon("en"))
    assert event == "Boeing 737 crashes in Nepal"


@pytest.mark.parametrize("headline", ["57", "Death toll rises to 57", "At least 12", ", : –"])
def test_figures_alone_name_nothing(headline: str) -> None:
    assert not any(letter.isdigit() for letter in name_event(headline, draft_lexicon("en")))
