"""Pages read as articles: text, metadata, charsets, walls and live posts. The pages are ours."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.reading.articles import read_article
from monitor.reading.charsets import decode_page
from monitor.reading.markup import plain_text
from storage.errors import ArticleParseError
from storage.records import ReadArticle, Span

URL = "https://news.example/2022/01/10/council-bridge"
BODY = "".join(
    f"<p>Paragraph {n}: the council met in the town hall and the mayor explained what will become of the old bridge.</p>"
    for n in range(8)
)
HEAD = """<title>Council closes bridge | Example News</title>
<meta property="og:site_name" content="Example News"><meta property="og:title" content="Council closes bridge (og)">
<meta property="article:published_time" content="2022-01-10T08:00:00Z"><link rel="canonical" href="/2022/01/10/council-bridge">
<meta name="author" content="A. Writer">"""


def page(
    head: str = HEAD, body: str = f"<h1>Council closes bridge</h1><article>{BODY}</article>", lang: str = "en"
) -> bytes:
    return (
        f"<!doctype html><html lang='{lang}'><head><meta charset=utf-8>{head}</head><body>{body}</body></html>".encode()
    )


def read(html: bytes, url: str = URL, **options: str) -> ReadArticle:
    return read_article(html, url=url, **options)


def instant(text: str) -> Span:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return Span(not_before=moment, not_after=moment)


def ld(data: str) -> str:
    return f'<script type="application/ld+json">{data}</script>'


def test_text_and_metadata() -> None:
    got = read(page())
    assert "Paragraph 0" in got.text
    assert "Paragraph 7" in got.text
    assert (got.title, got.source, got.author, got.lang) == (
        "Council closes bridge (og)",
        "Example News",
        "A. Writer",
        "en",
    )
    assert got.published == instant("2022-01-10T08:00:00")
    assert got.published_raw == "2022-01-10T08:00:00Z"
    assert got.canonical_url == URL
    assert (got.obstacle, got.is_live, got.parts, got.next_url) == (None, False, (), "")


def test_json_ld_comes_first() -> None:
    block = ld(
        """{"@context": "https://schema.org", "@graph": [{"@type": "WebSite", "name": "x"}, {"@type": ["NewsArticle"],
        "headline": "Bridge &amp; road", "datePublished": "2022-01-10T10:00:00+06:00", "dateModified": "2022-01-11",
        "author": [{"name": "B"}, {"name": "C"}], "publisher": {"name": "Pub"}}]}"""
    )
    got = read(page(f"<title>t</title>{block}"))
    assert (got.title, got.author, got.source) == ("Bridge & road", "B, C", "Pub")
    assert got.published == instant("2022-01-10T04:00:00")
    assert got.modified is not None
    assert got.modified.not_after.day == 11


@pytest.mark.parametrize(
    "block",
    ["{", "[]", "null", "[[[[]]]]", '{"@type": 5}', '{"@graph": {"@type": "NewsArticle", "headline": 7}}', "[" * 5000,
     '{"@type": "NewsArticle", "headline": "\\ud800", "datePublished": [null], "author": {"name": [3]}}', ""],
)  # fmt: skip
def test_broken_json_ld_is_passed_over(block: str) -> None:
    got = read(page(HEAD + ld(block)))
    assert "Paragraph 3" in got.text
    got.title.encode("utf-8")


def test_a_page_without_dates_is_dated_by_its_address_as_wide_as_a_day_on_earth() -> None:
    got = read(page("<title>t</title>"))
    assert got.published is not None
    assert got.published.not_before <= datetime(2022, 1, 9, 12, tzinfo=UTC)
    assert got.published.not_after >= datetime(2022, 1, 11, 0, tzinfo=UTC)


def test_insane_dates_are_dropped_and_their_string_is_kept() -> None:
    head = '<meta property="article:published_time" content="1970-01-01T00:00:00Z">'
    got = read(page(head), "https://news.example/a")
    assert (got.published, got.published_raw) == (None, "1970-01-01T00:00:00Z")


def test_a_modification_before_publication_is_a_slip() -> None:
    head = HEAD + '<meta property="article:modified_time" content="2021-01-10T08:00:00Z">'
    assert read(page(head)).modified is None


def test_a_canonical_link_that_lies_is_not_believed() -> None:
    assert read(page('<link rel="canonical" href="https://news.example/">')).canonical_url == ""
    assert read(page('<link rel="canonical" href="https://other.example/x">')).canonical_url == ""


def test_the_title_loses_the_outlets_name() -> None:
    assert read(page("<title>Council closes the old bridge | Example</title>")).title == "Council closes the old bridge"
    assert read(page("", f"<h1> Council  closes </h1>{BODY}")).title == "Council closes"


@pytest.mark.parametrize(
    ("encoding", "header", "meta"),
    [
        ("utf-8", "text/html; charset=iso-8859-1", ""),
        ("windows-1251", "text/html; charset=windows-1251", ""),
        ("windows-1251", None, "windows-1251"),
        ("koi8-r", "text/html; charset=utf-8", "koi8-r"),
        ("utf-8-sig", None, "windows-1251"),
        ("utf-16", None, ""),
        ("windows-1251", "text/html; charset=nonsense", ""),
    ],
)
def test_charsets(encoding: str, header: str | None, meta: str) -> None:
    sentence = "Совет сообщил, что старый мост будет закрыт на неделю, а вместо него пойдут автобусы. "
    markup = f"<html><head><meta charset='{meta}'><title>Мост закрыт</title></head><body><article>{f'<p>{sentence * 3}</p>' * 4}</article></body></html>"
    got = read_article(markup.encode(encoding), url="", content_type=header)
    assert got.title == "Мост закрыт"
    assert sentence.strip() in got.text
    assert got.lang == "ru"


@given(
    st.binary(max_size=300),
    st.none() | st.sampled_from(["text/html; charset=utf-16", "charset=x", "text/html;charset=koi8-r"]),
)
@settings(deadline=None)
def test_decoding_never_fails(body: bytes, header: str | None) -> None:
    assert isinstance(decode_page(body, header), str)


SHORT = "<p>The council met on Monday and decided to close the bridge.</p>"


@pytest.mark.parametrize(
    ("head", "body", "obstacle"),
    [
        ("<title>Before you continue</title>", "<p>We use cookies. Accept all</p>", "consent"),
        ("<title>x</title>", "<p>We and our partners store data. Accept all cookies to go on reading the news today.</p>", "consent"),
        ("<title>Just a moment...</title>", "<p>Checking your browser</p>", "robot"),
        ("<title>x</title>", f"<article>{SHORT}<p>Subscribe to continue reading this article.</p></article>", "paywall"),
        ("<title>x</title>" + ld('{"@type":"NewsArticle","headline":"x","isAccessibleForFree":"False"}'), f"<article>{SHORT}</article>", "paywall"),
        ("<title>x</title>" + ld('{"@type":"NewsArticle","headline":"x","isAccessibleForFree":false}'), f"<article>{BODY * 3}</article>", None),
        ("<title>x</title>", "<div id=root></div><script>x()</script>", "blank"),
        ("<title>x</title><meta name='tdm-reservation' content='1'>", f"<article>{BODY}</article>", "reserved"),
        ("<title>x</title>", f"<article>{BODY}{BODY}<p>Already a subscriber? Sign in.</p></article>", None),
    ],
)  # fmt: skip
def test_obstacles(head: str, body: str, obstacle: str | None) -> None:
    assert read(page(head, body), "https://news.example/a").obstacle == obstacle


def test_furniture_is_no_text() -> None:
    body = f"<article>{BODY}<p>Read more: 200 killed in another place</p><p>Advertisement</p>{BODY}</article>"
    text = read(page(body=body)).text
    assert "another place" not in text
    assert "Advertisement" not in text
    assert "Paragraph 5" in text


def test_live_posts_are_dated_parts_newest_first() -> None:
    block = ld(
        """{"@type": "LiveBlogPosting", "headline": "Live: bridge", "datePublished": "2022-01-10T06:00:00Z", "liveBlogUpdate": [
        {"@type": "BlogPosting", "headline": "First", "articleBody": "<p>It began.</p>", "datePublished": "2022-01-10T06:00:00Z"},
        {"@type": "BlogPosting", "headline": "Third", "articleBody": "It ended.", "datePublished": "2022-01-10T08:00:00Z"},
        {"@type": "BlogPosting", "headline": "Second", "articleBody": "It went on for a while, as the council had feared it would.",
         "datePublished": "2022-01-10T07:00:00Z"}, {"headline": "Undated"}, 7]}"""
    )
    got = read(page(f"<title>x</title>{block}"))
    assert got.is_live
    assert [part.title for part in got.parts] == ["Third", "Second", "First", "Undated"]
    assert got.parts[0].published == instant("2022-01-10T08:00:00")
    assert got.text.startswith("Third\nIt ended.\n\nSecond\nIt went on")


@pytest.mark.parametrize("is_reversed", [False, True], ids=["oldest first", "newest first"])
def test_of_very_many_live_posts_the_newest_are_kept_whatever_their_order(is_reversed: bool) -> None:
    start = datetime(2022, 1, 10, 6, tzinfo=UTC)
    posts = [
        {"headline": f"Post {n}", "datePublished": (start + timedelta(minutes=n)).isoformat()} for n in range(1200)
    ]
    block = {
        "@type": "LiveBlogPosting",
        "headline": "Live: bridge",
        "liveBlogUpdate": posts[::-1] if is_reversed else posts,
    }
    got = read(page(f"<title>x</title>{ld(json.dumps(block))}"))
    assert [part.title for part in got.parts] == [f"Post {n}" for n in range(1199, 699, -1)]


def test_the_next_page_is_named() -> None:
    assert read(page(HEAD + '<link rel="next" href="?page=2">')).next_url == f"{URL}?page=2"


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (b"", None, "empty"),
        (b"  \n", "text/html", "empty"),
        (b"%PDF-1.7 ...", "text/html", "a PDF document"),
        (b"\x89PNG....", None, "an image"),
        (b'{"a": 1}', None, "JSON"),
        (b"hello", "image/jpeg", "image/jpeg"),
        (b"just words", None, "no HTML page"),
    ],
)
def test_what_is_no_page_is_named(body: bytes, content_type: str | None, says: str) -> None:
    with pytest.raises(ArticleParseError, match=says) as caught:
        read_article(body, url=URL, content_type=content_type)
    assert str(caught.value).startswith(f"{URL}: ")


@pytest.mark.parametrize(
    "body",
    [b"<div>" * 50_000, b"<p>" * 50_000, b"<html><body>" + b"<a href=" * 20_000, b"<html>" + b"<!--" * 50_000, b"<table>" * 5000,
     b"<html><script>" + b"x" * 500_000, b"<html>\x00\x00<p>a\x00b</p>", b"<html><body>" + b"&" * 100_000, b"<p " + b"a=1 " * 50_000],
    ids=["div", "p", "attributes", "comments", "tables", "script", "nul", "amps", "many attributes"],
)  # fmt: skip
def test_hostile_pages_end(body: bytes) -> None:
    try:
        got = read(body)
    except ArticleParseError:
        return
    assert "\x00" not in got.text


@given(
    st.binary(max_size=600),
    st.lists(
        st.sampled_from(["<p>", "</p>", "<div>", "<article>", "text of a page ", "<b", "'", "&#0;", "<title>"]),
        max_size=40,
    ),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_raise_our_error_or_none(body: bytes, parts: list[str]) -> None:
    for document in (body, b"<html><body>" + "".join(parts).encode() + body):
        try:
            read_article(document, url=URL)
        except ArticleParseError:
            continue


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("a &amp; b", "a & b"),
        ("<p>Hi <b>y</b>ou</p><p>there</p>", "Hi you there"),
        ("one<br/>two", "one two"),
        ("<img src='x' alt='y'>Caption <a href='z'>link</a>.", "Caption link."),
        ("<script>x()</script>kept<style>p{}</style>", "kept"),
        ("<custom-tag>in</custom-tag> out", "in out"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("&lt;b&gt;", "<b>"),
        ("https://example.org/only/an/address", "https://example.org/only/an/address"),
        ("<ul><li>a</li><li>b</li></ul>", "a b"),
    ],
)
def test_plain_text(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize("url", ["http://[", "http://[::1", "//]", "https://n.example]/a"])
def test_an_address_that_is_none_harms_no_page(url: str) -> None:
    assert read(page(), url=url).title


def _page(head: str = "", body: str = "") -> ReadArticle:
    lines = "".join(
        f"<p>The ministry said on Monday, part {n}, that 44 people had died in the riots.</p>" for n in range(5)
    )
    page = f"<html><head>{head}</head><body><article><h1>Riots leave 44 dead</h1>{body}{lines}</article></body></html>"
    return read_article(page.encode(), url="https://n.example/2022/riots")


def test_people_that_a_graph_names_by_their_id_are_found_in_it() -> None:
    data = """{"@graph": [
        {"@type": "NewsArticle", "headline": "Riots", "author": [{"@id": "#p"}, {"name": "Ann B"}], "publisher": {"@id": "#o"}},
        {"@type": "Organization", "@id": "#o", "name": "The Site"}, {"@type": "Person", "@id": "#p", "name": "Pat P"}]}"""
    page = _page(f"<script type='application/ld+json'>{data}</script>")
    assert (page.author, page.source) == ("Pat P, Ann B", "The Site")


def test_a_comma_before_a_closing_bracket_loses_no_metadata() -> None:
    page = _page('<script type="application/ld+json">{"@type":"NewsArticle","headline":"R","author":["A",],}</script>')
    assert (page.title, page.author) == ("R", "A")


@pytest.mark.parametrize(
    ("others", "is_known"), [("", True), ("<meta itemprop='datePublished' content='2021-03-04'>", False)]
)
def test_a_date_that_the_text_is_marked_with_is_its_own_if_it_is_the_only_one(others: str, is_known: bool) -> None:
    page = _page(body=f"<meta itemprop='datePublished' content='2022-01-05T10:00:00Z'>{others}")
    assert (page.published is not None) == is_known


def test_a_title_escaped_twice_is_read() -> None:
    assert _page("<meta property='og:title' content='A &amp;amp; B&amp;#39;s'>").title == "A & B's"


def test_a_live_page_with_one_short_post_is_not_blank() -> None:
    post = '{"@type":"BlogPosting","articleBody":"44 are dead.","datePublished":"2022-01-05T10:00:00Z"}'
    data = f'{{"@type":"LiveBlogPosting","headline":"Live","liveBlogUpdate":[{post}]}}'
    page = _page(f"<script type='application/ld+json'>{data}</script>")
    assert (page.text, page.obstacle) == ("44 are dead.", None)
