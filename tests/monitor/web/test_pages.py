"""Every page answers, shows what it must, and renders what strangers wrote as text."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from httpx import Client

from alerts.finds import find_revision
from storage import articles, claims, searches
from storage.database import Database
from storage.records import Figure, RecordKey, Revision, RevisionKind
from tests.monitor.web import archive

STORY = "/stories/kazakhstan-unrest-2022"
PATHS = (
    "/", STORY, f"{STORY}?kind=raised&metric=killed", f"{STORY}/record?metric=killed", f"{STORY}/record?metric=killed&place=almaty",
    f"{STORY}/record?metric=state_of_emergency", "/search", "/search?q=killed", "/search?q=164&all_versions=1&rank=1", "/feeds", "/alerts",
    "/about", "/api", "/login", "/articles/1", "/articles/4?version=2&against=1",
)  # fmt: skip


class Outline(HTMLParser):
    """What the rules of a page are about: headings, landmarks, labels, ids, attributes that must not be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.bad: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        self.bad += [f"<{tag} {name}>" for name in given if name == "style" or name.startswith("on")]
        if tag == "script" and not given.get("src"):
            self.bad.append("inline script")
        if tag == "style":
            self.bad.append("inline style sheet")
        target = str(given.get("href") or given.get("src") or "")
        if re.match(r"\s*(javascript|data|vbscript):", target, re.IGNORECASE):
            self.bad.append(target)
        if target.startswith("http") and "noopener" not in str(given.get("rel")):
            self.bad.append(f"{target} without noopener")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_each_page_is_whole_and_carries_nothing_inline(reader: Client, path: str, lang: str) -> None:
    answer = reader.get(path, headers={"Accept-Language": lang})
    assert answer.status_code == 200
    assert f'<html lang="{lang}"' in answer.text
    outline = Outline(answer.text)
    assert outline.bad == []
    assert outline.tags.count("h1") == outline.tags.count("main") == 1
    assert len(outline.ids) == len(set(outline.ids)), "an id stands twice"
    assert len(answer.content) < 300_000
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_overview_shows_numbers_and_what_moved(reader: Client) -> None:
    text = reader.get("/").text
    assert "225" in text
    assert '<del class="before">60</del>' in text
    assert 'class="spark"' in text


def test_the_story_shows_each_record_with_its_chart_and_origins(reader: Client) -> None:
    text = reader.get(STORY).text
    assert text.count('class="sw-chart"') >= 3
    for words in ("225", "4,353", "9,900", "225–237", "Prosecutor General&#39;s Office", "lifted", "<mark>164</mark>"):
        assert words in text
    assert "Capital Post edited “Toll of unrest is being verified, ministry says” without saying so" in text


def test_charts_mark_the_edits_of_their_own_record_and_say_so(reader: Client) -> None:
    text = reader.get(STORY).text
    charts = {
        label: svg for svg in re.findall(r'<svg [^>]*class="sw-chart".*?</svg>', text) if (label := title_of(svg))
    }
    killed = next(svg for label, svg in charts.items() if label == "Chart of Killed over time")
    assert killed.count('class="edit"') == 1
    assert "Article edited</title>" in killed
    assert all('class="edit"' not in svg for svg in charts.values() if svg != killed)
    assert '<li class="mark-retracted">Withdrawn</li>' in text
    assert '<li class="mark-edited">Article edited</li>' in text


def title_of(svg: str) -> str:
    """What a chart is called."""
    return str(re.findall(r"<title>(.*?)</title>", svg)[0])


def test_the_record_lists_the_edits_that_changed_it_as_far_as_they_were_known(reader: Client) -> None:
    text = reader.get(f"{STORY}/record?metric=killed").text
    assert "Articles whose edit changed this figure" in text
    assert 'id="r-e1-quiet-edit"' in text
    assert 'class="edit"' in text
    before = reader.get(f"{STORY}/record", params={"metric": "killed", "as_known_at": "2022-01-10T08:00"}).text
    assert 'class="sw-chart"' in before
    assert 'class="edit"' not in before
    assert "Articles whose edit changed this figure" not in before
    assert "e1-quiet-edit" not in reader.get(f"{STORY}/record?metric=detained").text


def test_the_story_shows_the_last_change_of_each_record(reader: Client) -> None:
    text = reader.get(STORY).text
    panel = re.search(r'<article class="record".*?Killed.*?</article>', text, re.DOTALL)
    assert panel
    said = re.search(r'<p class="last[^>]*>(.*?)</p>', panel.group(), re.DOTALL)
    assert said
    for words in ("Last change", "Raised", "44", "225", "5 days ago"):
        assert words in said.group(1)
    quiet = re.findall(r"<dt>.*?</dt>", text.split('<dl class="states">')[1], re.DOTALL)
    assert quiet
    assert all("ago" in one for one in quiet)


def test_revisions_are_filtered_by_kind_and_metric(reader: Client) -> None:
    text = reader.get(f"{STORY}?kind=retracted&metric=killed").text
    assert text.count('<li class="rev ') == 1
    assert '<del class="before">164</del>' in text
    assert reader.get(f"{STORY}?kind=nonsense").status_code == 200


def test_the_change_log_is_paged(reader: Client) -> None:
    text = reader.get(f"{STORY}?start=10").text
    assert "Newer" in text
    assert 'data-live="' not in text


def test_the_record_lists_steps_positions_and_refusals(reader: Client) -> None:
    text = reader.get(f"{STORY}/record?metric=killed").text
    assert "Considered and refused" in text
    assert "Almaty Courier" in text
    assert "Lags behind" in text


@pytest.mark.parametrize(
    ("moment", "best"),
    [("2022-01-08T00:00", "at least 44"), ("2022-01-09T12:00", "164"), ("2022-01-12T00:00", "at least 44"), ("2022-01-16T00:00Z", "225")],
)  # fmt: skip
def test_the_record_as_it_was_known(reader: Client, moment: str, best: str) -> None:
    text = reader.get(f"{STORY}/record", params={"metric": "killed", "as_known_at": moment}).text
    assert re.search(rf'<p class="best">{best}</p>', text)


def test_a_record_that_never_was_is_not_found_at_any_time(reader: Client) -> None:
    for path in (f"{STORY}/record", f"/api/v1{STORY}/history"):
        for asked in ({"metric": "nope"}, {"metric": "killed", "place": "atlantis"}):
            assert reader.get(path, params=asked).status_code == 404
            assert reader.get(path, params={**asked, "as_known_at": "2022-01-12T00:00:00Z"}).status_code == 404


def test_before_anything_was_known_the_record_says_so(reader: Client) -> None:
    text = reader.get(f"{STORY}/record", params={"metric": "killed", "as_known_at": "2021-12-31T00:00"}).text
    assert "Nothing was known of this record yet." in text


def test_an_article_shows_what_an_edit_changed_with_figures_boxed(reader: Client, filled: Path) -> None:
    with Database(f"sqlite:///{filled}").read() as session:
        edited = next(one for one in articles.list_articles(session) if "verified" in one.title)
    text = reader.get(f"/articles/{edited.article_id}?version=2&against=1").text
    assert '<span class="figure">164</span>' in text
    assert re.search(r"<del>.*164.*</del>", text)
    assert re.search(r"<ins>.*being verified.*</ins>", text)
    assert "unrest" in reader.get(f"/articles/{edited.article_id}?version=1").text
    assert reader.get(f"/articles/{edited.article_id}?version=9").status_code == 404


def test_what_strangers_wrote_is_text(reader: Client, filled: Path) -> None:
    with Database(f"sqlite:///{filled}").read() as session:
        hostile = articles.get_article(session, archive.HOSTILE.url)
    for path in (f"/articles/{hostile.article_id}", "/search?q=Riots+OR+toll", "/search"):
        text = reader.get(path).text
        assert archive.EVIL not in text
        assert "<img" not in text
        assert 'href="javascript' not in text
        assert "&lt;script&gt;" in text


def test_a_revision_shows_both_sides_the_sentence_and_the_notes(reader: Client, filled: Path) -> None:
    with Database(f"sqlite:///{filled}").read() as session:
        revision = claims.list_revisions(session, kinds=[RevisionKind.RETRACTED])[0]
    text = reader.get(f"/revisions/{revision.revision_id}").text
    for words in ("<del>164</del>", "at least 44", "<mark>164</mark>", "Health Ministry", "Aigerim", "press desk"):
        assert words in text


def test_an_edit_and_an_ailing_watch_have_pages_too(client: Client, database: Database) -> None:
    text = client.get("/revisions/e1-quiet-edit").text
    assert "without saying so" in text
    assert '<del class="before">164</del>' in text
    assert '<span class="figure">164</span>' in text
    key = RecordKey(story="", metric="feed", unit="health", place="https://ridge-radio.example/atom")
    ailing = Revision(
        revision_id="h1-ailing",
        story="",
        key=key,
        kind=RevisionKind.HEALTH,
        before=Figure(state="alive"),
        after=Figure(state="dead"),
        recorded_at=archive.NOW,
        reason="feed_dead",
        detail="hours=48\nerror=410",
    )
    with database.write() as session:
        claims.add_revisions(session, [ailing])
    text = client.get("/revisions/h1-ailing").text
    assert "for 48 hours: 410" in text
    assert "ridge-radio.example" in text
    assert client.get("/api/v1/revisions/h1-ailing").status_code == 200


def test_search_explains_a_query_that_it_cannot_read(reader: Client) -> None:
    answer = reader.get("/search", params={"q": '"unfinished'})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "<mark>" in reader.get("/search", params={"q": "killed"}).text
    assert (
        "source:&#34;Steppe Wire&#34;" in reader.get("/search", params={"q": "killed"}).text
        or "source%3A%22Steppe+Wire%22" in reader.get("/search", params={"q": "killed"}).text
    )


def test_a_search_through_all_versions_counts_and_narrows_in_all_of_them(reader: Client) -> None:
    text = reader.get("/search", params={"q": "toll OR killed", "all_versions": "1", "rank": "1"}).text
    assert f'id="results">{text.count("<h3>")} articles found' in text
    facets = re.findall(r'<li><a href="/search\?([^"]+)">[^<]*</a><span class="soft">', text)
    assert facets
    assert all("all_versions=1" in link and "rank=1" in link for link in facets)
    narrowed = reader.get(f"/search?{unescape(facets[0])}").text
    assert 'name="all_versions" value="1" checked' in narrowed


def test_a_search_that_finds_nothing_asks_what_was_meant(reader: Client) -> None:
    assert 'href="/search?q=prosecutors"' in reader.get("/search", params={"q": "prosecuters"}).text
    assert "Did you mean" not in reader.get("/search", params={"q": "zzzzzzz"}).text


def test_saved_searches_stand_beside_and_their_finds_have_a_page(client: Client, database: Database) -> None:
    assert "Saved searches" not in client.get("/search").text
    with database.write() as session:
        saved = searches.save_search(session, "tolls", "killed>100 -drill", saved_at=archive.NOW)
        article = articles.list_articles(session, limit=1)[0]
        version = articles.get_version(session, article.article_id, 1)
        found = find_revision(saved, article, version, now=archive.NOW)
        claims.add_revisions(session, [found])
    assert 'href="/search?q=killed%3E100+-drill"' in client.get("/search").text
    assert [one["name"] for one in client.get("/api/v1/searches").json()] == ["tolls"]
    text = client.get(f"/revisions/{found.revision_id}").text
    assert "tolls: " in text
    assert "killed&gt;100 -drill" in text
    assert client.get(f"/api/v1/revisions/{found.revision_id}").json()["kind"] == "found"


def test_feeds_in_trouble_come_first_with_words(reader: Client) -> None:
    text = reader.get("/feeds").text
    assert text.index("Almaty Courier") < text.index("Steppe Wire")
    assert "the server answered 503 and asks to wait for two hours" in text
    assert "4 failures in a row" in text


@pytest.mark.parametrize(
    "path", ["/nothing", "/stories/none", "/revisions/none", "/articles/999", f"{STORY}/record?metric=none"]
)
def test_what_is_not_there_is_a_page_with_words(reader: Client, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in answer.text


def test_a_broken_request_is_explained(reader: Client) -> None:
    assert reader.get("/articles/x").status_code == 422
    assert reader.get(f"{STORY}/record?metric=killed&as_known_at=soon").status_code == 400
    assert (
        reader.get(f"{STORY}/record", params={"metric": "killed", "as_known_at": "0001-01-01T00:00+14:00"}).status_code
        == 400
    )
    assert reader.put("/feeds").status_code == 405


def test_numbers_and_words_follow_the_language(reader: Client) -> None:
    text = reader.get(STORY, headers={"Accept-Language": "de;q=0.9, ru;q=0.8, en;q=0.1"}).text
    assert "Что сообщают сейчас" in text
    assert "4\u00a0353" in text or "4\u202f353" in text


def test_assets_are_cached_by_content(reader: Client) -> None:
    path = re.search(r'href="(/static/storywatch\.css\?v=[^"]+)"', reader.get("/").text)
    assert path
    answer = reader.get(path.group(1))
    assert "immutable" in answer.headers["cache-control"]
    for wrong in ("", "?v=", "?v=0", "?v=000000000000", f"{path.group(1).partition('?')[2]}&x=1"):
        assert "immutable" not in reader.get(f"/static/storywatch.css{wrong}").headers.get("cache-control", ""), wrong
    assert reader.get("/static/nothing.css?v=0").status_code == 404
    assert len(answer.content) < 30_000


def test_a_query_that_cannot_be_read_is_pointed_at(reader: Client) -> None:
    text = reader.get("/search", params={"q": 'killed "unrest'}).text
    assert "<p>This quotation mark is never closed:</p><pre>  killed &#34;unrest\n         ^</pre>" in text


def test_an_article_shows_its_figures_with_their_units(client: Client, database: Database) -> None:
    with database.write() as session:
        stated = claims.list_claims(session, article_id=1)
        measured = replace(stated[0].claim, unit="percent")
        claims.add_claims(session, [replace(stated[0], claim_id="c-share", claim=measured)])
    assert re.search(r"<b>[^<]*\d\s?(%|percent|per cent)</b>", client.get("/articles/1").text)


def test_words_from_outside_are_marked_with_their_language(reader: Client) -> None:
    article = next(one for one in reader.get("/api/v1/articles").json()["items"] if one["lang"] == "ru")
    text = reader.get(f"/articles/{article['article_id']}").text
    assert '<h1 lang="ru">' in text
    assert '<div class="prose" lang="ru">' in text
    found = reader.get("/search", params={"q": "lang:ru"}).text
    assert re.search(r'<h3><a href="[^"]+" lang="ru">', found)
    for path in (STORY, "/alerts"):
        text = reader.get(path, headers={"Accept-Language": "ru"}).text
        assert '<blockquote class="quote" lang="en">' in text, path
