"""A story's page in a real Chromium learns of what changes: at once, after it was away, and in many windows at a time."""

import pytest
from playwright.sync_api import Browser, Page, expect

from storage.database import Database
from tests.support.browsing import STORY, add_fresh, base, browser, database, open_context, page

__all__ = ["base", "browser", "database", "page"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_new_revision_appears_by_itself(page: Page, database: Database) -> None:
    with page.expect_response("**/live?after=*"):
        page.goto(STORY)
    add_fresh(database, "fresh", 230)
    expect(page.locator(".rev").first).to_contain_text("230", timeout=10_000)
    expect(page.locator("[data-live-status]")).to_have_text("A new change has just come in.")


def test_a_page_that_nobody_sees_holds_no_connection(browser: Browser, base: str, database: Database) -> None:
    with open_context(browser, base) as context:
        pages = []
        for _ in range(8):  # more than a browser opens connections to a host
            page = context.new_page()
            page.goto(STORY, timeout=15_000)
            pages.append(page)
        for number, page in enumerate(pages):
            hide(page, is_hidden=number != 7)
        add_fresh(database, "while-away", 231)
        expect(pages[7].locator("#r-while-away")).to_contain_text("231", timeout=20_000)
        expect(pages[0].locator("#r-while-away")).to_have_count(0)
        hide(pages[0], is_hidden=False)
        expect(pages[0].locator("#r-while-away")).to_contain_text("231", timeout=20_000)


def test_many_windows_side_by_side_all_learn_and_leave_room(browser: Browser, base: str, database: Database) -> None:
    with open_context(browser, base) as context:
        pages = []
        for _ in range(8):
            page = context.new_page()
            page.goto(STORY, timeout=15_000)
            pages.append(page)
        add_fresh(database, "for-all", 232)
        for page in pages:
            expect(page.locator("#r-for-all")).to_contain_text("232", timeout=30_000)
        pages[3].goto("/feeds", timeout=15_000)


def test_a_page_learns_of_what_came_while_it_was_away(page: Page, database: Database) -> None:
    with page.expect_response("**/live?after=*"):
        page.goto(STORY)
    page.goto("/about")
    add_fresh(database, "meanwhile", 233)
    page.go_back()
    expect(page.locator("#r-meanwhile")).to_contain_text("233", timeout=20_000)
    add_fresh(database, "afterwards", 234)
    expect(page.locator("#r-afterwards")).to_contain_text("234", timeout=20_000)
    expect(page.locator("#r-meanwhile")).to_have_count(1)


def test_back_from_the_cache_of_pages_the_stream_goes_on(page: Page, database: Database) -> None:
    with page.expect_response("**/live?after=*"):
        page.goto(STORY)
    # A browser without a debugger keeps the page whole; this one is told so by the same two events.
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    add_fresh(database, "in-cache", 235)
    with page.expect_response("**/live?after=*"):
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator("#r-in-cache")).to_contain_text("235", timeout=20_000)


def hide(page: Page, *, is_hidden: bool) -> None:
    """Tell a page that its tab went out of sight, or came back, as a browser with a screen would."""
    state = "hidden" if is_hidden else "visible"
    page.evaluate(
        "state => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        state,
    )
