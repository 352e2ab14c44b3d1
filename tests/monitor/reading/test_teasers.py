"""Teasers of other stories are told by their form, whatever their classes, and articles that look like them are kept."""

import pytest

from monitor.reading.articles import read_article

LINES = "".join(
    f"<p>Rescue workers in Harbour City searched the port on Monday, part {n}, and the ministry said that 44 people had "
    "died in the riots, with hundreds hurt since the weekend.</p>"
    for n in range(8)
)
OTHERS = (
    (
        "Storm kills nine on the coast",
        "Nine people were killed on Tuesday as a storm struck the coast, officials said.",
    ),
    ("Bus crash leaves twelve dead", "Twelve passengers died when a bus left the road near the border late on Sunday."),
    ("Factory fire: toll rises to 31", "The toll of the factory fire has risen to 31, the ministry said on Monday."),
)
FORMS = {
    "boxes": "<div>{}</div>|<div><h3><a href='/n/{n}'>{title}</a></h3><p>{line}</p></div>",
    "headings and lines": "<div>{}</div>|<h3><a href='/n/{n}'>{title}</a></h3><p>{line}</p>",
    "paragraphs": "<div>{}</div>|<p><strong><a href='/n/{n}'>{title}</a></strong><br>{line}</p>",
    "a list": "<ul>{}</ul>|<li><a href='/n/{n}'>{title}</a><p>{line}</p></li>",
    "links apart": "<div>{}</div>|<div><a href='/n/{n}'>{title}</a><div><p>{line}</p></div></div>",
    "pictures": "<div>{}</div>|<div><a href='/n/{n}'><img src=x></a><h4><a href='/n/{n}'>{title}</a></h4><p>{line}</p></div>",
    "a link at the end": "<div>{}</div>|<div><h4>{title}</h4><p>{line}</p><a href='/n/{n}'>Read more</a></div>",
    "a table": "<table><tr><td>{}</td></tr></table>|<b><a href='/n/{n}'>{title}</a></b><p>{line}</p><hr>",
}
PLACES = {
    "beside": "<div><div><h1>Riots in Harbour City</h1>{lines}</div>{box}</div>",
    "before": "{box}<div><h1>Riots in Harbour City</h1>{lines}</div>",
    "within": "<article><h1>Riots in Harbour City</h1>{lines}{box}{lines}</article>",
}


def read(body: str) -> str:
    page = f"<html><head><title>Riots</title></head><body>{body}</body></html>"
    return read_article(page.encode(), url="https://n.example/2022/riots").text


def made(form: str) -> str:
    whole, one = FORMS[form].split("|")
    units = "".join(one.format(n=n, title=title, line=line) for n, (title, line) in enumerate(OTHERS))
    return whole.format(units)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMS)
def test_teasers_are_no_text(form: str, place: str) -> None:
    text = read(PLACES[place].format(lines=LINES, box=made(form)))
    assert "44 people" in text
    assert not [line for title, line in OTHERS if title in text or line in text]


def test_what_is_most_of_a_page_is_what_it_says() -> None:
    text = read(
        f"<article><h1>Three things to know today</h1><p>Good morning.</p>{made('headings and lines')}</article>"
    )
    assert all(line in text for _, line in OTHERS)


def test_paragraphs_that_begin_with_a_link_are_text() -> None:
    said = "".join(
        f"<p><a href='/who/{n}'>The Ministry of Health, part {n}</a> said on Monday that {n} people had died.</p>"
        for n in range(4)
    )
    text = read(f"<article><h1>Riots</h1>{LINES}{said}{LINES}</article>")
    assert all(f"part {n} said on Monday" in text for n in range(4))


def test_headed_parts_of_an_article_with_links_in_their_lines_are_text() -> None:
    parts = "".join(
        f"<h3>What happened on day {n}</h3><p>On day {n} the port was shut, <a href='/d/{n}'>as reported</a>.</p>"
        for n in range(4)
    )
    text = read(f"<article><h1>Riots</h1>{LINES}{parts}</article>")
    assert all(f"On day {n} the port was shut" in text for n in range(4))
