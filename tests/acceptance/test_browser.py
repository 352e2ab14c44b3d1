"""A real Chromium on the real application: every page in light, dark and on a phone, and what a person does there.

Needs Debian's `chromium` and `fonts-dejavu-core`. With STORYWATCH_IMAGES=docs/images the pictures of the documentation
are taken anew.
"""

import os
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from storage import articles, claims, deliveries
from storage.database import Database
from storage.records import AlertState, RevisionKind
from tests.monitor.web import archive, hostile
from tests.support.browsing import LOOKS, STORY, base, browser, database, listen, open_context, page

__all__ = ["base", "browser", "database", "page"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
# Those of the documentation.
PICTURES = frozenset(
    f"{name}.png"
    for name in [
        "stories-light",
        "story-light",
        "story-dark",
        "story-phone",
        "record-light",
        "revision-light",
        "article-light",
        "alerts-light",
    ]
)
# WCAG 2.2 A and AA, and what axe holds to be good practice.
AXE = "async () => (await axe.run(document)).violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).slice(0, 3).join(' | '))"


# On how many lines the text of each element stands.
LINES = """all => all.map(one => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size;
})"""


def pages_of(database: Database) -> dict[str, str]:
    with database.read() as session:
        edited = next(one for one in articles.list_articles(session) if "verified" in one.title)
        withdrawn = claims.list_revisions(session, kinds=[RevisionKind.RETRACTED])[0]
    return {
        "stories": "/",
        "story": STORY,
        "records": f"{STORY}/records",
        "record": f"{STORY}/record?metric=killed",
        "as-known": f"{STORY}/record?metric=killed&as_known_at=2022-01-09T12:00",
        "judgements": f"{STORY}/judgements",
        "revision": f"/revisions/{withdrawn.revision_id}",
        "article": f"/articles/{edited.article_id}?version=2&against=1",
        "search": "/search?q=killed",
        "search-error": '/search?q="killed',
        "feeds": "/feeds",
        "alerts": "/alerts",
        "about": "/about",
        "api": "/api",
        "login": "/login",
        "not-found": "/nothing",
    }


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_page_reads_well_for_everyone(
    browser: Browser, base: str, database: Database, look: str, tmp_path: Path
) -> None:
    images = Path(os.environ.get("STORYWATCH_IMAGES", tmp_path))
    assert images.is_dir()
    axe = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    complaints: list[str] = []
    with open_context(browser, base, look) as context:
        page = context.new_page()
        heard = listen(page)
        for name, path in pages_of(database).items():
            answer = page.goto(path)
            assert answer is not None
            if answer.status >= 400:
                heard.clear()  # the browser itself reports such a status, and it is meant
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            page.evaluate(axe)
            complaints += [f"{name}: {one}" for one in page.evaluate(AXE)]
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                complaints.append(f"{name}: {wide} pixels too wide")
            complaints += [f"{name}: {one}" for one in heard]
            heard.clear()
            page.goto(path)
            heard.clear()
            picture = f"{name}-{look}.png"
            folder = images if picture in PICTURES else tmp_path
            page.screenshot(path=folder / picture, full_page=name not in ("story", "alerts"))
    assert complaints == []


def test_numbers_and_labels_stay_whole_on_a_phone(browser: Browser, base: str) -> None:
    """A long list of origins beside a number, a long value beside a label: neither breaks within a word."""
    with open_context(browser, base, "phone") as context:
        page = context.new_page()
        for path, parts in ((STORY, ".best"), ("/about", ".facts dt")):
            page.goto(path)
            lines = page.eval_on_selector_all(parts, LINES)
            assert lines
            assert max(lines) == 1, path


def test_times_are_in_the_readers_zone_with_utc_beside(page: Page) -> None:
    page.goto(STORY)
    shown = page.locator(".rev-when time").first
    expect(shown).to_have_text("19 Jan 2022, 09:07")
    expect(shown).to_have_attribute("title", "19 Jan 2022, 03:07 UTC")


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.goto("/")
    page.locator("#find").focus()
    page.keyboard.type("technical error")
    page.keyboard.press("Enter")
    expect(page.locator(".results li")).to_have_count(1)
    expect(page.locator(".results mark").first).to_have_text("technical")


def test_filters_apply_when_asked_and_not_while_a_choice_is_made(page: Page) -> None:
    page.goto(STORY)
    chosen = page.get_by_label("Kind of change")
    chosen.focus()
    page.keyboard.press("ArrowDown")  # through the kinds, as one does without a mouse
    page.keyboard.press("ArrowDown")
    expect(chosen).to_be_focused()
    assert page.url.endswith(STORY)
    chosen.select_option("retracted")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**kind=retracted*")
    expect(page.locator(".rev")).to_have_count(1)
    expect(page.locator(".rev del")).to_have_text("164")


def test_without_scripts_everything_is_there(browser: Browser, base: str) -> None:
    with open_context(browser, base, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(STORY)
        expect(page.locator(".sw-chart").first).to_be_visible()
        expect(page.locator(".rev-when time").first).to_have_text("19 Jan 2022, 03:07 UTC")
        page.get_by_label("Measure").select_option("killed")
        page.get_by_role("button", name="Filter").click()
        assert "metric=killed" in page.url
        page.goto("/alerts")
        page.get_by_role("button", name="Approve and send").first.click()
        expect(page.get_by_role("status").first).to_contain_text("Approved")


def test_an_editor_judges_and_approves(page: Page, database: Database) -> None:
    page.goto(f"{STORY}?kind=raised&metric=killed")
    page.locator(".rev .what").first.click()
    expect(page.locator(".side-after .value")).to_have_text("225")
    page.get_by_text("This sentence was misread").click()
    page.get_by_label("What is wrong with it?").fill("It speaks of another year")
    page.get_by_role("button", name="Reject this claim").click()
    expect(page.get_by_text("Rejected by a person")).to_be_visible()
    page.goto(STORY)
    expect(page.locator(".record .best").first).not_to_have_text("225")
    page.goto("/alerts")
    page.get_by_role("button", name="Do not send").first.click()
    page.get_by_role("button", name="Approve and send").first.click()
    page.get_by_role("button", name="Send again").click()
    page.get_by_role("button", name="End now").click()
    expect(page.get_by_text("Nothing is silenced.")).to_be_visible()
    with database.read() as session:
        states = {alert.state for alert in deliveries.list_alerts(session)}
    assert {AlertState.DROPPED, AlertState.PENDING} <= states


def test_an_editor_moves_a_claim_and_pins_a_record(page: Page) -> None:
    page.goto(f"{STORY}?kind=raised&metric=killed")
    page.locator(".rev .what").first.click()
    page.get_by_text("It speaks of something else").click()
    page.get_by_label("Of whom").select_option(label="Attackers")
    page.get_by_label("Why?").fill("Rioters alone")
    page.get_by_role("button", name="Count it there").click()
    expect(page.get_by_text("Counted elsewhere by a person")).to_be_visible()
    page.goto(f"{STORY}/record?metric=killed")
    expect(page.locator(".best")).not_to_have_text("225")
    page.get_by_text("Hold this record at a figure").click()
    pin = page.locator("form", has=page.get_by_role("button", name="Pin the figure"))
    pin.get_by_label("Figure").fill("226")
    pin.get_by_label("Why?").fill("Checked by phone")
    pin.get_by_role("button").click()
    expect(page.locator(".best")).to_have_text("226")
    page.get_by_role("link", name="All of this story").click()
    expect(page.locator(".rulings .card")).to_have_count(3)
    page.get_by_role("button", name="Take back").first.click()
    expect(page.locator(".rulings .is-over")).to_have_count(1)


def test_colours_and_language_are_chosen(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Colours").select_option("dark")
    page.get_by_role("button", name="Apply").click()
    assert (
        page.evaluate(
            "getComputedStyle(document.body).colorScheme || getComputedStyle(document.documentElement).colorScheme"
        )
        == "dark"
    )


def test_on_paper_pages_are_light_and_have_nothing_to_press(browser: Browser, base: str, database: Database) -> None:
    with open_context(browser, base, "dark") as context:
        page = context.new_page()
        page.emulate_media(media="print", color_scheme="dark")
        for name, path in pages_of(database).items():
            page.goto(path)
            assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light", name
            seen = page.locator("form, button, input, select, nav.nav").filter(visible=True)
            assert seen.count() == 0, f"{name}: {seen.first.evaluate('one => one.outerHTML')}"


def test_no_script_of_a_stranger_runs(page: Page, database: Database) -> None:
    with database.read() as session:
        stored = articles.get_article(session, archive.HOSTILE.url)
    page.on("dialog", lambda dialog: pytest.fail(f"a stranger's script ran: {dialog.message}"))
    for path in (f"/articles/{stored.article_id}", "/search?q=toll", *hostile.spoil(database).paths()):
        page.goto(path)
        assert page.locator("main script, main img, a[href^=javascript], [onerror], [onmouseover]").count() == 0, path
        assert not page.title().startswith(('"', "'")), path


def test_an_editor_gives_sentences_a_record_of_their_own(page: Page) -> None:
    page.goto(f"{STORY}/record?metric=killed")
    page.get_by_text("Some sentences belong to another record").click()
    split = page.locator("form", has=page.get_by_role("button", name="Count them there"))
    split.get_by_role("checkbox").first.check()
    split.get_by_label("Of whom").select_option(label="Attackers")
    split.get_by_label("Why?").fill("Rioters alone")
    split.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Killed, attackers")
