"""What every page shares: the database, the door, the templates, and how a page is put together."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import Field
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Match

from alerts.links import LinkMaker
from alerts.words import load_words
from monitor.clock import Clock
from monitor.push import PushDesk
from monitor.web.access import Access, Caller, check_form, form_token
from monitor.web.assets import asset_path
from monitor.web.options import WebOptions
from monitor.web.presenter import Presenter
from monitor.web.refusals import LoginNeededError, RefusedError
from monitor.web.wording import choose_language, languages, load_texts
from storage import deliveries, stories
from storage.database import Database
from storage.errors import DatabaseError
from storage.records import AlertState, Story, Subscription

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("", "light", "dark")
MOST_HELD = 99
Refold = Callable[[Session, str, datetime], None]
Rematch = Callable[[Session, int, str, datetime], None]


@cache
def environment() -> Environment:
    """The templates: every value is escaped, an unknown name is an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The frame around a page: what the head, the menu and the forms need. `here` leads back to this very page."""

    section: str = ""
    theme: str = ""
    languages: tuple[str, ...] = ()
    csrf: str = ""
    user: str = ""
    may_read: bool = True
    may_edit: bool = False
    held: int = 0
    notice: str = ""
    here: str = "/"

    @property
    def badge(self) -> str:
        """How many alerts are held, as far as there is room in the menu."""
        return str(self.held) if self.held <= MOST_HELD else f"{MOST_HELD}+"

    @property
    def csrf_field(self) -> Markup:
        """The hidden field that every form carries."""
        return Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf)


@dataclass(kw_only=True)
class Site:
    """What `create_app` was given. `refold` works a story out again after a judgement, in the same transaction."""

    database: Database
    clock: Clock
    options: WebOptions
    access: Access
    refold: Refold
    rematch: Rematch
    find_subscriptions: Callable[[], tuple[Subscription, ...]]
    links: LinkMaker | None = None
    is_ticking: Callable[[], bool] | None = None
    push: PushDesk | None = None
    stop: asyncio.Event

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """Who is told now: the settings may change while we run."""
        return self.find_subscriptions()

    def presenter(self, request: Request, known: Iterable[Story] = ()) -> Presenter:
        """The words for this reader."""
        lang = ask_language(request)
        caller = self._find_caller(request)
        return Presenter(
            texts=load_texts(lang),
            words=load_words(lang),
            now=self.clock(),
            asset=asset_path,
            stories={story.slug: story for story in known},
            sees_receivers=caller is not None and caller.may_edit,
        )

    def page(
        self, request: Request, section: str, session: Session | None = None, *, caller: Caller | None = None
    ) -> Page:
        """The frame of a page for this reader."""
        caller = caller or self._find_caller(request)
        theme = request.cookies.get("theme", "")
        return Page(
            section=section,
            theme=theme if theme in THEMES else "",
            languages=languages(),
            csrf=form_token(request),
            user=caller.name if caller and self.options.login_required else "",
            may_read=caller is not None,
            may_edit=caller is not None and caller.may_edit,
            held=deliveries.count_alerts(session, AlertState.HELD) if session is not None and caller else 0,
            notice=request.session.pop("notice", ""),
            here=here(request),
        )

    def _find_caller(self, request: Request) -> Caller | None:
        try:
            return self.access.find_caller(request)
        except DatabaseError:  # then the page says so, to whomever
            return None

    def render(
        self, request: Request, template: str, page: Page, ui: Presenter, /, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """A page as HTML."""
        body = environment().get_template(template).render(page=page, ui=ui, **context)
        return HTMLResponse(
            body, status_code=status, headers={"Vary": "Accept-Language, Cookie", "Content-Language": ui.lang}
        )

    def stories(self, session: Session) -> tuple[Story, ...]:
        """Every story that is known, for titles and names."""
        return stories.list_stories(session)


def ask_language(request: Request) -> str:
    """The language that a reader chose, else the best of those that their browser names."""
    return choose_language(request.headers.get("accept-language", ""), request.cookies.get("lang"))


def get_site(request: Request) -> Site:
    """The site of the running application."""
    site: Site = request.app.state.site
    return site


def get_reader(request: Request) -> Caller:
    """Whoever is asking; LoginNeededError when somebody must be signed in and nobody is."""
    caller = get_site(request).access.find_caller(request)
    if caller is None:
        raise LoginNeededError
    return caller


async def get_editor(request: Request, caller: Annotated[Caller, Depends(get_reader)]) -> Caller:
    """A caller who may change things, with a form that came from our own page. Raises RefusedError 403."""
    if not caller.may_edit:
        raise RefusedError(403, "error.forbidden")
    if not caller.is_program:
        check_form(request, (await request.form()).get("csrf"))
    return caller


SiteDep = Annotated[Site, Depends(get_site)]
ReaderDep = Annotated[Caller, Depends(get_reader)]
EditorDep = Annotated[Caller, Depends(get_editor)]
# A number that the database can hold: a larger one would be an error there, not a thing that is missing.
Number = Annotated[int, Field(ge=0, le=2**63 - 1)]


def see_other(request: Request, path: str, notice: str = "") -> RedirectResponse:
    """Back to a page of ours after a form; the notice is shown there once."""
    if notice:
        request.session["notice"] = notice
    return RedirectResponse(path, status_code=303)


def own_path(path: str) -> str:
    """A path on this very site, or the front page: never another host, whatever a browser makes of odd characters."""
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_own else "/"


def here(request: Request) -> str:
    """The address of the page that is being shown, for a form to lead back to; of a form's own answer, the front page
    unless that address can be opened as well."""
    path = quote(str(request.scope["path"]), safe="/:@!$&'()*+,;=~-._")
    if request.method == "GET":
        query = request.scope["query_string"].decode("latin-1")
        return own_path(f"{path}?{query}" if query else path)
    asked = {**request.scope, "method": "GET"}
    is_page = any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)
    return own_path(path) if is_page else "/"


def with_query(path: str, **values: object) -> str:
    """A path with a query of what is set."""
    query = urlencode({name: str(value) for name, value in values.items() if value not in (None, "", False)})
    return f"{path}?{query}" if query else path
