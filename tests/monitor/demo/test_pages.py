"""The demo's pages and feeds are such as our own readers read from real outlets."""

from datetime import timedelta

import pytest

from monitor.demo.pages import CONTENT_TYPES, render_feed, render_path
from monitor.demo.script import Outlet, PageVersion, ScriptedArticle, load_script, seed_text
from monitor.reading.articles import read_article
from monitor.reading.feeds import parse_feed
from monitor.stories.seed import parse_seed

SITE = "http://127.0.0.1:8000"
SCRIPT = load_script()
END = SCRIPT.moments[-1].at


@pytest.mark.parametrize("outlet", SCRIPT.outlets, ids=lambda outlet: outlet.format)
def test_feeds_of_every_format_list_all_articles_newest_first(outlet: Outlet) -> None:
    body = render_feed(SCRIPT, outlet, site=SITE, now=END)
    feed = parse_feed(body, url=f"{SITE}/{outlet.key}/feed", content_type=CONTENT_TYPES[outlet.format])
    articles = SCRIPT.articles_at(outlet.key, END)
    assert feed.title == outlet.name
    assert [entry.link for entry in feed.entries] == [SITE + article.path for article in articles]
    assert [entry.published_at for entry in feed.entries] == [article.published_at for article in articles]


@pytest.mark.parametrize("article", SCRIPT.articles, ids=lambda article: article.slug)
def test_pages_read_back_as_they_were_written(article: ScriptedArticle) -> None:
    for version in article.versions:
        answer = render_path(SCRIPT, article.path, site=SITE, now=version.at)
        assert answer is not None
        read = read_article(answer[1], url=SITE + article.path, content_type=answer[0])
        assert read.title == version.title
        assert all(paragraph in read.text for paragraph in version.paragraphs)
        assert "invented" not in read.text
        assert read.published is not None
        assert read.published.not_before == article.published_at


def test_nothing_is_shown_before_its_time() -> None:
    first = min(SCRIPT.moments, key=lambda moment: moment.at)
    before = first.at - timedelta(seconds=1)
    assert render_path(SCRIPT, first.article.path, site=SITE, now=before) is None
    outlet = SCRIPT.outlet(first.article.outlet)
    assert first.article.slug.encode() not in render_feed(SCRIPT, outlet, site=SITE, now=before)


def edited() -> tuple[ScriptedArticle, PageVersion, PageVersion]:
    (found,) = [article for article in SCRIPT.articles if len(article.versions) > 1]
    return found, *found.versions  # type: ignore[return-value]  # the script has two versions of it


def test_the_edit_is_silent_and_in_place() -> None:
    article, before, after = edited()
    pages = [render_path(SCRIPT, article.path, site=SITE, now=version.at) for version in (before, after)]
    assert pages[0] != pages[1]
    assert all(page is not None and article.published_at.isoformat().encode() in page[1] for page in pages)
    assert after.at.isoformat().encode() not in (pages[1] or ("", b""))[1]
    assert article.path == SCRIPT.edited


def test_a_page_changes_only_when_an_editor_changes_it() -> None:
    for article in SCRIPT.articles:
        last = article.versions[-1].at
        assert render_path(SCRIPT, article.path, site=SITE, now=last) == render_path(
            SCRIPT, article.path, site=SITE, now=END
        )


def test_the_seed_names_the_feeds_and_no_figures() -> None:
    story = parse_seed(seed_text(SITE), file="seed.toml")
    assert [feed.url for feed in story.feeds] == [f"{SITE}/{outlet.key}/feed" for outlet in SCRIPT.outlets]
    assert not story.claims
    assert not story.states
