"""PURE: the site's pages and feeds as bytes, for any moment of the play."""

import json
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor.demo.script import Outlet, PageVersion, Script, ScriptedArticle

_templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)

CONTENT_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}


def render_path(script: Script, path: str, *, site: str, now: datetime) -> tuple[str, bytes] | None:
    """What the site at `site` answers for `path` at `now`: content type and body; None where nothing is (yet)."""
    if path == "/robots.txt":
        return CONTENT_TYPES["text"], b"User-agent: *\nAllow: /\n"
    for outlet in script.outlets:
        if path == f"/{outlet.key}/feed":
            return CONTENT_TYPES[outlet.format], render_feed(script, outlet, site=site, now=now)
        if path == f"/{outlet.key}/":
            return CONTENT_TYPES["html"], _render_front(script, outlet, site=site, now=now)
    for article in script.articles:
        version = article.version_at(now)
        if article.path == path and version is not None:
            return CONTENT_TYPES["html"], _render_article(script, article, version, site=site, now=now)
    return None


def render_feed(script: Script, outlet: Outlet, *, site: str, now: datetime) -> bytes:
    """The outlet's feed at `now`, in the outlet's own format."""
    render = {"rss": _render_rss, "atom": _render_atom, "json": _render_json}[outlet.format]
    return render(outlet, [(a, a.version_at(now) or a.versions[0]) for a in script.articles_at(outlet.key, now)], site)


def _render_article(
    script: Script, article: ScriptedArticle, version: PageVersion, *, site: str, now: datetime
) -> bytes:
    outlet = script.outlet(article.outlet)
    linked_data = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": version.title,
        "datePublished": article.published_at.isoformat(),
        "publisher": {"@type": "Organization", "name": outlet.name},
    }
    # The list of other articles is as it stood at publication, so that a page changes only when an editor changes it.
    others = [other for other in script.articles_at(outlet.key, article.published_at) if other is not article]
    page = _templates.get_template("page.html").render(
        article=article,
        version=version,
        outlet=outlet,
        others=others,
        site=site,
        url=site + article.path,
        linked_data=linked_data,
    )
    return page.encode()


def _render_front(script: Script, outlet: Outlet, *, site: str, now: datetime) -> bytes:
    links = "".join(
        f"<li><a href={quoteattr(site + article.path)}>{escape(version.title)}</a></li>"
        for article in script.articles_at(outlet.key, now)
        if (version := article.version_at(now))
    )
    return f"<!DOCTYPE html><title>{escape(outlet.name)}</title><h1>{escape(outlet.name)}</h1><ul>{links}</ul>".encode()


def _render_rss(outlet: Outlet, items: list[tuple[ScriptedArticle, PageVersion]], site: str) -> bytes:
    entries = "".join(
        f"<item><title>{escape(version.title)}</title><link>{escape(site + article.path)}</link>"
        f'<guid isPermaLink="false">{article.outlet}-{article.slug}</guid>'
        f"<pubDate>{format_datetime(article.published_at)}</pubDate>"
        f"<description>{escape(version.summary)}</description></item>"
        for article, version in items
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{escape(outlet.name)}</title>'
        f"<link>{escape(site)}/{outlet.key}/</link><description>{escape(outlet.name)}</description>"
        f"<language>en</language>{entries}</channel></rss>"
    ).encode()


def _render_atom(outlet: Outlet, items: list[tuple[ScriptedArticle, PageVersion]], site: str) -> bytes:
    # `updated` stays at the publication even after an edit: that is what makes the edit silent.
    entries = "".join(
        f"<entry><title>{escape(version.title)}</title><link href={quoteattr(site + article.path)}/>"
        f"<id>urn:{article.outlet}:{article.slug}</id><published>{article.published_at.isoformat()}</published>"
        f"<updated>{article.published_at.isoformat()}</updated><summary>{escape(version.summary)}</summary></entry>"
        for article, version in items
    )
    updated = items[0][0].published_at.isoformat() if items else "2022-01-01T00:00:00+00:00"
    return (
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">'
        f"<title>{escape(outlet.name)}</title><id>urn:{outlet.key}</id><updated>{updated}</updated>"
        f'<link rel="self" href={quoteattr(f"{site}/{outlet.key}/feed")}/>{entries}</feed>'
    ).encode()


def _render_json(outlet: Outlet, items: list[tuple[ScriptedArticle, PageVersion]], site: str) -> bytes:
    return json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": outlet.name,
            "home_page_url": f"{site}/{outlet.key}/",
            "language": "en",
            "items": [
                {
                    "id": f"{article.outlet}/{article.slug}",
                    "url": site + article.path,
                    "title": version.title,
                    "summary": version.summary,
                    "date_published": article.published_at.isoformat(),
                }
                for article, version in items
            ],
        }
    ).encode()
