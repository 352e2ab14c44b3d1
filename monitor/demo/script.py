"""PURE: what the demo's news site publishes, and when, as frozen records read from script.toml."""

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.demo.verdict import Change, read_change

SCRIPT_FILE = Path(__file__).with_name("script.toml")
SEED_FILE = Path(__file__).with_name("seed.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One news outlet of the site. `format` is that of its feed: rss, atom or json."""

    key: str
    name: str
    trust: str
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVersion:
    """What an article says from `at` on."""

    at: datetime
    title: str
    summary: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedArticle:
    """One page of the site with its versions, oldest first."""

    outlet: str
    slug: str
    versions: tuple[PageVersion, ...]

    @property
    def path(self) -> str:
        """The page's path on the site."""
        return f"/{self.outlet}/{self.slug}"

    @property
    def published_at(self) -> datetime:
        """When the article first appeared; an edit does not change it."""
        return self.versions[0].at

    def version_at(self, now: datetime) -> PageVersion | None:
        """The version that stands at `now`, or None before publication."""
        standing = [version for version in self.versions if version.at <= now]
        return standing[-1] if standing else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happens on the site: an article appears, or (`is_edit`) its page is changed in place."""

    at: datetime
    article: ScriptedArticle
    version: PageVersion
    is_edit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The whole play, and what must come of it.

    `headline` are the arguments that name the headline record for `claims history`; `expected_history` is how it must
    read, `expected_told` what people must be told, once each. `laggard` and `edited` are the paths of the page that
    repeats a withdrawn figure and of the one that is changed silently.
    """

    starts_at: datetime
    outlets: tuple[Outlet, ...]
    articles: tuple[ScriptedArticle, ...]
    headline: tuple[str, ...]
    laggard: str
    edited: str
    expected_history: tuple[Change, ...]
    expected_told: tuple[Change, ...]

    @property
    def moments(self) -> tuple[Moment, ...]:
        """All that happens after the curtain rises, in order of time."""
        found = [
            Moment(at=version.at, article=article, version=version, is_edit=number > 0)
            for article in self.articles
            for number, version in enumerate(article.versions)
            if version.at > self.starts_at
        ]
        return tuple(sorted(found, key=lambda moment: moment.at))

    def outlet(self, key: str) -> Outlet:
        """The outlet of that key; KeyError if there is none."""
        return {outlet.key: outlet for outlet in self.outlets}[key]

    def articles_at(self, outlet: str, now: datetime) -> tuple[ScriptedArticle, ...]:
        """The outlet's articles that are out at `now`, newest first."""
        out = [article for article in self.articles if article.outlet == outlet and article.published_at <= now]
        return tuple(sorted(out, key=lambda article: article.published_at, reverse=True))


def parse_script(text: str) -> Script:
    """TOML of the shape of script.toml → Script. Raises KeyError or ValueError on a wrong file (it ships with us)."""
    data = tomllib.loads(text)
    return Script(
        starts_at=_utc(data["starts_at"]),
        outlets=tuple(Outlet(**outlet) for outlet in data["outlets"]),
        articles=tuple(_article(article) for article in data["articles"]),
        headline=tuple(data["expected"]["headline"]),
        laggard=data["expected"]["laggard"],
        edited=data["expected"]["edited"],
        expected_history=tuple(read_change(change) for change in data["expected"]["history"]),
        expected_told=tuple(read_change(change) for change in data["expected"]["told"]),
    )


def load_script() -> Script:
    """The play that ships with Storywatch."""
    return parse_script(SCRIPT_FILE.read_text(encoding="utf-8"))


def seed_text(site_url: str) -> str:
    """The demo's own seed, its feeds pointing at the site."""
    return SEED_FILE.read_text(encoding="utf-8").replace("@SITE@", site_url)


def _article(data: dict[str, Any]) -> ScriptedArticle:
    versions = tuple(_version(version) for version in data["versions"])
    if list(versions) != sorted(versions, key=lambda version: version.at):
        raise ValueError(f"{data['slug']}: versions out of order")
    return ScriptedArticle(outlet=data["outlet"], slug=data["slug"], versions=versions)


def _version(data: dict[str, Any]) -> PageVersion:
    paragraphs = tuple(part.strip() for part in data["body"].split("\n\n") if part.strip())
    return PageVersion(at=_utc(data["at"]), title=data["title"], summary=data["summary"], paragraphs=paragraphs)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{value}: a time of the script needs its zone")
    return value.astimezone(UTC)
