"""A real Chromium on the real application, filled, for the tests of what a person sees. Needs Debian's `chromium`."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from monitor.settings import load_settings
from monitor.web.app import create_app
from monitor.web.options import WebOptions
from monitor.web.shown import shown_settings
from storage import claims
from storage.database import Database
from storage.records import Figure, RecordKey, Revision, RevisionKind
from tests.monitor.web import archive
from tests.monitor.web.conftest import refold_story, rematch_article
from tests.monitor.web.serving import serve

STORY = f"/stories/{archive.KAZAKHSTAN.slug}"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light", "device_scale_factor": 2, "is_mobile": True},
}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all."""
    binary = shutil.which("chromium")
    assert binary, "no Chromium: apt-get install chromium fonts-dejavu-core"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=binary, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A filled database."""
    opened = Database(f"sqlite:///{tmp_path / 'storywatch.db'}")
    opened.upgrade()
    archive.fill(opened)
    yield opened
    opened.close()


@pytest.fixture
def base(database: Database, tmp_path: Path) -> Iterator[str]:
    """The address of a service on it."""
    app = create_app(
        database=database,
        clock=lambda: archive.NOW,
        refold=refold_story,
        rematch=rematch_article,
        subscriptions=archive.SUBSCRIPTIONS,
        options=WebOptions(shown=shown_settings(load_settings(None, {}, tmp_path))),
    )
    with serve(app) as address:
        yield address


def open_context(browser: Browser, base: str, look: str = "light", **more: Any) -> BrowserContext:
    return browser.new_context(base_url=base, locale="en-GB", timezone_id="Asia/Almaty", **(LOOKS[look] | more))


@pytest.fixture
def page(browser: Browser, base: str) -> Iterator[Page]:
    """A page that must stay silent."""
    with open_context(browser, base) as context:
        opened = context.new_page()
        heard = listen(opened)
        yield opened
        assert heard == []


def listen(page: Page) -> list[str]:
    """What the page complains of, from now on."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    # Left behind by whoever goes on to the next page: the stream of changes, the little picture of the tab.
    left = ("/live", "/static/icon.svg")
    page.on(
        "requestfailed",
        lambda request: heard.append(request.url) if not request.url.partition("?")[0].endswith(left) else None,
    )
    return heard


def add_fresh(database: Database, revision_id: str, value: float) -> None:
    """Store a change of the story that is looked at."""
    key = RecordKey(story=archive.KAZAKHSTAN.slug, metric="killed")
    fresh = Revision(
        revision_id=revision_id, story=key.story, key=key, kind=RevisionKind.RAISED, before=Figure(value=225), after=Figure(value=value),
        recorded_at=archive.NOW,
    )  # fmt: skip
    with database.write() as session:
        claims.add_revisions(session, [fresh])
