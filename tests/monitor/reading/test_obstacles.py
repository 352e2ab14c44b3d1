"""Walls told from articles that only speak of them: by how much of the text they are, and where they stand."""

import pytest

from monitor.reading.articles import read_article

STREETS = "The council met on Monday and decided to close the old bridge for a week. Buses are to run instead of trams."


def obstacle(title: str, *paragraphs: str, head: str = "", url: str = "https://news.example/a") -> str | None:
    text = "".join(f"<p>{one}</p>" for one in paragraphs)
    markup = f"<html><head><title>{title}</title>{head}</head><body><article>{text}</article></body></html>"
    return read_article(markup.encode(), url=url).obstacle


@pytest.mark.parametrize(
    ("title", "paragraphs"),
    [
        (
            "Regulator fines publisher over its cookie banner",
            (
                "The data regulator fined a publisher 2 million euros on Monday over a banner with only one choice.",
                "Visitors could “accept all cookies” with one click, while the button to refuse was four pages away.",
                "The company said that we and our partners, as its banner put it, were no longer named there.",
                "Two other outlets are under investigation, the regulator said. A court is to decide in May.",
            ),
        ),
        (
            "Daily ends free access",
            (
                "The daily will show most of its reports to subscribers only from March on, its editor said on Monday.",
                "Readers who want to go on may start your free trial, as the campaign is called, for one month.",
                "The publisher lost 40 jobs last year. Its union called the plan late, and asked for talks on wages.",
                "About 12,000 people have signed a petition against it, according to the town library.",
            ),
        ),
        (
            "Zustimmung zur Brücke sinkt",
            ("Nur noch 40 Prozent sind dafür, die alte Brücke zu erhalten, teilte die Stadt am Montag mit. " * 4,),
        ),
        (
            "Access denied: how aid workers are kept from the port",
            ("Aid workers have waited for nine days at the gate of the port, the agency said on Monday. " * 4,),
        ),
        (
            "New privacy settings puzzle users",
            ("The network moved its switches again, and few find them, a survey of 900 people showed. " * 4,),
        ),
        (
            "Page not found: archive loses 40,000 articles",
            ("The archive of the daily was deleted by a contractor, its editor said on Monday. " * 4,),
        ),
        (
            "Il vous reste trois jours pour voter",
            ("Il vous reste trois jours pour voter à la mairie, a rappelé le maire lundi devant la presse. " + STREETS * 3,),
        ),
    ],
)  # fmt: skip
def test_an_article_that_speaks_of_walls_is_an_article(title: str, paragraphs: tuple[str, ...]) -> None:
    assert obstacle(title, *paragraphs) is None


@pytest.mark.parametrize(
    ("title", "paragraphs", "expected"),
    [
        (
            "Example News",
            (
                "We use cookies and similar methods to show you news that fits.",
                "We and our partners store information on your device, and with your consent, we measure what you read.",
                "Accept all",
                "Manage your preferences",
            ),
            "consent",
        ),
        ("Before you continue to Example", ("Wir und unsere Partner verarbeiten Daten.", "Alle akzeptieren"), "consent"),
        ("Bridge to close", (STREETS, STREETS, "Already a subscriber? Sign in."), "paywall"),
        ("Bridge to close", (STREETS, "La suite est réservée aux abonnés. Il vous reste 82 % de cet article à lire."), "paywall"),
        ("Access denied", ("You don't have permission to access this server. Reference 18.2f3a",), "robot"),
        ("Access Denied | Example", (STREETS,), "robot"),
        ("Oops", ("The page you were looking for could not be found. Use the search to find what you need.",), "missing"),
    ],
)  # fmt: skip
def test_a_wall_is_a_wall(title: str, paragraphs: tuple[str, ...], expected: str) -> None:
    assert obstacle(title, *paragraphs) == expected


def test_the_name_of_a_paywall_in_a_style_hides_nothing_and_on_an_element_only_what_breaks_off() -> None:
    style = "<style>.paywall{display:none}</style>"
    assert obstacle("Bridge to close", STREETS, head=style) is None
    assert obstacle("Bridge to close", STREETS + "<i class='x paywall'></i>") is None
    assert obstacle("Bridge to close", STREETS + " The mayor said that<i class='x paywall'></i>") == "paywall"
