"""Figures of other stories, of readers and of offers never stand in an article's text; the article's own all do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.reading.articles import read_article

FIRST, *REST = (
    "The fire in the port of Harbour City has left 44 people dead, the Health Ministry said on Sunday, a day after it began.",
    "Rescuers searched the ruins of the warehouse through the night, and the mayor asked all residents to stay at home.",
    "The mayor visited the hospital in the morning with aides. She had never seen anything like it, she told reporters.",
    "The cause of the fire is not known. Investigators from the capital are to arrive on Monday, the Interior Ministry said.",
    "Schools will stay shut this week, and the port will not open before the harbour basin has been searched by divers.",
)
STORY = "".join(f"<p>{paragraph}</p>" for paragraph in (FIRST, *REST))
QUAKE, FLOOD = "Quake kills 911 in the north", "Flood leaves 922 dead in the valley"


def read(content: str) -> str:
    page = f"<!doctype html><html lang='en'><head><title>Fire in the port</title></head><body>{content}</body></html>"
    return read_article(page.encode(), url="https://harbour.example/fire-in-the-port-12345").text


@pytest.mark.parametrize(
    "box",
    [
        f"<h3>Most read</h3><ol><li>{QUAKE}</li><li>{FLOOD}</li></ol>",
        f"<div class='x'><div><h3>Most Read:</h3></div><ol><li>{QUAKE}</li><li>{FLOOD}</li></ol></div>",
        f"<div><h2>Related stories</h2><div><h3><a href='/1'>{QUAKE}</a></h3><p>The quake left 911 people dead.</p></div></div>",
        "<h3>More on this story</h3><h4><a href='/1'>Quake</a></h4><p>A strong quake left 911 people dead, they said.</p>",
        f"<h3>Читайте также</h3><ul><li>{QUAKE}</li></ul><p><a href='/2'>{FLOOD}</a></p>",
        "<div><h2>Comments (2)</h2><ol><li><p>I heard that 911 people were killed there.</p></li></ol></div>",
        f"<div><h2>Comments</h2><p>{'They said 922 were dead on the radio. ' * 40}</p></div>",
        "<div><h4>Get our newsletter</h4><p>911 people were killed in last week's top story. Sign up, it is free.</p></div>",
        f"<p><b>Read next</b></p><p><a href='/1'>{QUAKE}</a></p>",
        f"<div>Most read</div><ol><li>{QUAKE}</li><li>{FLOOD}</li></ol>",
        f"<a href='/1'><div><h3>{QUAKE}</h3><p>A strong quake left 911 people dead in the north, they said.</p></div></a>",
        "<div><h3>Support us</h3><p>Last year 911 of our readers gave what they could.</p></div>",
        "<p hidden>In the flood 922 people were killed, officials said there.</p>",
    ],
    ids=[
        "list",
        "box",
        "teasers",
        "linked teaser",
        "Russian",
        "comments",
        "many comments",
        "newsletter",
        "bold",
        "no heading",
        "card",
        "offer",
        "hidden",
    ],
)
def test_a_box_of_something_else_is_no_text(box: str) -> None:
    text = read(f"<main><article><h1>Fire in the port</h1>{STORY}{box}</article></main>")
    assert "911" not in text
    assert "922" not in text
    assert all(paragraph in text for paragraph in (FIRST, *REST))


def test_what_follows_a_list_of_other_stories_is_the_article_again() -> None:
    rest = "".join(f"<p>{paragraph}</p>" for paragraph in REST)
    text = read(
        f"<main><article><p>{FIRST}</p><h3>Read more</h3><ul><li><a href='/1'>{QUAKE}</a></li></ul>{rest}</article></main>"
    )
    assert "911" not in text
    assert all(paragraph in text for paragraph in (FIRST, *REST))


def test_an_article_that_begins_below_such_a_heading_stays() -> None:
    text = read(f"<main><div><h2>Top stories</h2>{STORY}</div></main>")
    assert all(paragraph in text for paragraph in (FIRST, *REST))
    text = read(f"<main><article hidden><h1>Fire in the port</h1>{STORY}</article></main>")
    assert all(paragraph in text for paragraph in (FIRST, *REST))


def test_a_box_within_a_box_that_went_already_harms_nothing() -> None:
    box = f"<h3>Related</h3><h4><a href='/1'>{QUAKE}</a></h4><div><h3>Most read</h3></div><p>{FLOOD}</p>"
    text = read(f"<main><article><h1>Fire in the port</h1>{STORY}{box}</article></main>")
    assert all(paragraph in text for paragraph in (FIRST, *REST))
    assert "911" not in text


words = st.sampled_from(
    [f"<{tag}>" for tag in ("div", "h3", "p", "ul", "li", "a", "span", "strong", "section", "div hidden")]
    + [f"</{tag}>" for tag in ("div", "h3", "p", "ul", "li", "a", "span", "strong", "section")]
    + ["Most read", "Related", "Comments", "Our newsletter", QUAKE, FIRST]
)


@given(st.lists(words, max_size=25))
def test_no_page_of_boxes_fails(parts: list[str]) -> None:
    read_article(f"<html><body>{''.join(parts)}</body></html>".encode(), url="https://harbour.example/a")
