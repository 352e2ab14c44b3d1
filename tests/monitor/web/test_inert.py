"""Strangers' words are text wherever they are shown: no markup of theirs is markup, no address of theirs is a script."""

import re
from collections.abc import Iterator

import httpx
import pytest
from lxml import etree, html

from monitor.web.report import render_report
from storage.database import Database
from tests.monitor.web import archive, hostile
from tests.monitor.web.conftest import MakeApp
from tests.monitor.web.serving import serve

ADDRESSES = ("href", "src", "action", "formaction", "data", "xlink:href", "poster", "srcset")


@pytest.fixture
def spoiled(database: Database) -> hostile.Spoiled:
    return hostile.spoil(database)


@pytest.fixture
def visitor(spoiled: hostile.Spoiled, make_app: MakeApp) -> Iterator[httpx.Client]:
    with serve(make_app()) as base, httpx.Client(base_url=base, timeout=60) as opened:
        yield opened


def find_harm(page: str) -> list[str]:
    """What of a page could run or reach out, beyond what our own templates put there."""
    harm = []
    for element in html.fromstring(page).iter(etree.Element):
        inline = element.tag == "script" and (element.text or not str(element.get("src", "")).startswith("/static/"))
        if inline or element.tag in ("img", "iframe", "object", "embed", "b/script"):
            harm.append(etree.tostring(element, encoding="unicode")[:120])
        for name, value in element.attrib.items():
            scheme = re.sub(r"[\s\x00-\x20]", "", str(value)).casefold()
            if str(name).startswith("on") or (
                name in ADDRESSES and scheme.startswith(("javascript:", "data:", "vbscript:"))
            ):
                harm.append(f"{element.tag} {name}={value}")
    return harm


def test_they_are_text_on_every_page(visitor: httpx.Client, spoiled: hostile.Spoiled) -> None:
    shown_on = set()
    for path in spoiled.paths():
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert find_harm(answer.text) == [], path
        if "stranger&#39;)&lt;/script&gt;" in answer.text or hostile.SCRIPT_URL.replace("'", "&#39;") in answer.text:
            shown_on.add(path)
    # The about page tells of stories and settings, which are the desk's own words.
    assert set(spoiled.paths()) - shown_on == {"/about"}


def test_the_title_of_a_feed_is_text(visitor: httpx.Client) -> None:
    page = visitor.get("/feeds").text
    assert "News &#34;&#39;&gt;&lt;img src=x" in page
    assert html.fromstring(page).xpath("//td/b[starts-with(., 'News ')]//*") == []


def test_they_are_text_in_feeds_reports_and_events(
    visitor: httpx.Client, spoiled: hostile.Spoiled, database: Database
) -> None:
    for path in (f"{spoiled.story}/revisions.atom", "/search.atom?q=stranger"):
        feed = etree.fromstring(visitor.get(path).content)
        links = [str(one) for one in feed.xpath("//*[local-name()='link']/@href")]
        assert [one for one in links if not one.startswith(("http://", "https://"))] == [], path
        # HTML within a feed is read as HTML by whoever shows it.
        inner = feed.xpath("//*[local-name()='content' or local-name()='summary'][@type='html']/text()")
        assert [find_harm(f"<div>{one}</div>") for one in inner] == [[] for _ in inner], path
    with database.read() as session:
        report = render_report(session, hostile.STORY, now=archive.NOW)
    assert find_harm(report) == []
    with visitor.stream("GET", f"{spoiled.story}/live", headers={"Last-Event-ID": "0"}) as stream:
        lines = []
        for line in stream.iter_lines():
            lines.append(line.removeprefix("data: "))
            if "hostile" in line:
                break
    assert find_harm(f"<div>{''.join(lines)}</div>") == []


def test_a_check_that_finds_harm() -> None:
    assert find_harm(f"<div>{hostile.MARKUP}</div>")
    assert find_harm(f'<a href="{hostile.SCRIPT_URL}">x</a>')
    assert find_harm("<div><a href=' java\nscript:alert(1)'>x</a></div>")
    assert find_harm('<div><p onclick="x">y</p></div>')
