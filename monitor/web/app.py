"""The page and its JSON interface as one ASGI application, put together from what the composition root gives."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from alerts.links import LinkMaker
from monitor.clock import Clock
from monitor.push import PushDesk
from monitor.sources.websub import CALLBACK_PATH
from monitor.web import health
from monitor.web.access import SESSION_COOKIE, Access
from monitor.web.api import guide, routes, searching
from monitor.web.assets import Assets
from monitor.web.etags import EntityTags
from monitor.web.options import WebOptions
from monitor.web.pages import (
    about,
    act,
    alerts,
    articles,
    atom,
    door,
    feeds,
    judging,
    records,
    revisions,
    search,
    stories,
    websub,
)
from monitor.web.presenter import Presenter
from monitor.web.refusals import LoginNeededError, RefusedError
from monitor.web.security import (
    HEADERS,
    BodyLimit,
    HeadAsGet,
    HostGuard,
    SecurityHeaders,
    refuse_nul,
    refuse_nul_in_form,
)
from monitor.web.site import Refold, Rematch, Site, ask_language, here, see_other, with_query
from monitor.web.wording import load_texts
from storage.database import Database
from storage.errors import AskedError, DatabaseError, JudgementError, MatcherError, NotFoundError, QueryError
from storage.records import Subscription

log = logging.getLogger(__name__)
PAGES = (door, stories, records, judging, revisions, articles, search, feeds, alerts, act, about, atom)
# More than any form of ours holds.
MOST_BYTES = 1024 * 1024
# Errors whose message is for whoever asked, with the status that each is answered with.
EXPLAINED: dict[type[AskedError], int] = {NotFoundError: 404, QueryError: 400, JudgementError: 422, MatcherError: 422}
SHOWN_STATUSES = frozenset({400, 401, 403, 404, 405, 422, 429, 500, 503})


def create_app(
    *,
    database: Database,
    clock: Clock,
    refold: Refold,
    rematch: Rematch,
    options: WebOptions | None = None,
    subscriptions: tuple[Subscription, ...] | Callable[[], tuple[Subscription, ...]] = (),
    links: LinkMaker | None = None,
    is_ticking: Callable[[], bool] | None = None,
    push: PushDesk | None = None,
    stop: asyncio.Event | None = None,
    registry: CollectorRegistry | None = None,
) -> FastAPI:
    """The application. Reads through `database.read()`, writes what an editor decides through `database.write()`.

    `refold(session, story, now)` works a story out again within the transaction that stored a judgement;
    `rematch(session, article_id, story, now)` takes an article in again whose match a person decided. `subscriptions`
    are those that are told, or how to ask for them where they may change. `links` checks the signed links of messages;
    without it they are answered 404. `is_ticking` tells whether the scheduler of this process ticks; None where it runs
    elsewhere. `push` answers hubs; None where none can reach us. `stop` is set when the service ends: open streams of
    changes end with it, instead of holding the server up. `registry` holds what this process counts besides.
    """
    options = options or WebOptions()
    site = Site(
        database=database,
        clock=clock,
        options=options,
        access=Access(options, database=database, clock=clock),
        refold=refold,
        rematch=rematch,
        find_subscriptions=subscriptions if callable(subscriptions) else lambda: subscriptions,
        links=links,
        is_ticking=is_ticking,
        push=push,
        stop=stop or asyncio.Event(),
    )

    app = FastAPI(
        title="Storywatch",
        version="1",
        summary="How the facts of watched stories change, and who says so",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # both built-in viewers load scripts from elsewhere; /api shows our own
        redoc_url=None,
        dependencies=[Depends(refuse_nul)],
    )
    app.state.site = site
    app.state.registry = registry or CollectorRegistry()
    app.state.registry.register(health.StoreCollector(site))
    for router in (*(page.router for page in PAGES), routes.router, searching.router, guide.router, health.router):
        app.include_router(router, dependencies=[Depends(refuse_nul_in_form)])
    app.include_router(websub.router)
    app.mount("/static", Assets(), name="static")
    _add_handlers(app, site)
    _add_middleware(app, options)
    return app


def _add_middleware(app: FastAPI, options: WebOptions) -> None:
    """The last one added stands at the door."""
    app.add_middleware(EntityTags)
    app.add_middleware(
        SessionMiddleware,
        secret_key=options.session_secret or secrets.token_urlsafe(32),
        session_cookie=SESSION_COOKIE,
        same_site="lax",
        https_only=options.secure_cookie,
    )
    app.add_middleware(BodyLimit, most_bytes=MOST_BYTES, but_path=CALLBACK_PATH, refusal=partial(_say, "error.large"))
    app.add_middleware(
        HostGuard,
        allowed=options.allowed_hosts,
        refusal=partial(_say, "error.host"),
        callback_host=options.callback_host,
        callback_path=CALLBACK_PATH,
    )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(health.Stopwatch, registry=app.state.registry)
    app.add_middleware(HeadAsGet)


def is_for_programs(request: Request) -> bool:
    """Whether a request is one of the JSON interface, whose errors are in English."""
    return request.url.path.startswith("/api/v1")


def words_of(problem: Mapping[str, Any], ui: Presenter, request: Request) -> str:
    """What is wrong with one field of a form or query, as the checker names it."""
    if is_for_programs(request):
        return str(problem["msg"])
    key = f"invalid.{problem['type']}"
    return ui.t(key if ui.texts.find(key) else "invalid.other", **problem.get("ctx", {}))


def _say(key: str, scope: Scope) -> str:
    """A text in the language of whoever asks, for what is refused before there is a page."""
    return load_texts(ask_language(Request(scope))).text(key)


def _add_handlers(app: FastAPI, site: Site) -> None:
    """Every error as a page with words, or as JSON for programs."""

    def answer(request: Request, status: int, words: str) -> Response:
        if is_for_programs(request):
            return JSONResponse({"error": words}, status_code=status)
        shown = status if status in SHOWN_STATUSES else 400 if status < 500 else 500
        return site.render(
            request,
            "error.html",
            site.page(request, ""),
            site.presenter(request),
            status=status,
            words=words,
            number=shown,
        )

    @app.exception_handler(LoginNeededError)
    def ask_to_sign_in(request: Request, _error: LoginNeededError) -> Response:
        words = site.presenter(request).t("error.sign_in")
        if is_for_programs(request) or request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
            response = answer(request, 401, words)
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        target = here(request)
        return see_other(request, with_query("/login", next=target if target != "/" else ""))

    @app.exception_handler(RefusedError)
    def refuse(request: Request, error: RefusedError) -> Response:
        return answer(request, error.status, site.presenter(request).t(error.key, **error.values))

    def explain(request: Request, error: Exception) -> Response:
        asked = cast(AskedError, error)
        words = str(asked) if is_for_programs(request) else site.presenter(request).problem(asked)
        return answer(request, EXPLAINED[type(asked)], words)

    for kind in EXPLAINED:
        app.add_exception_handler(kind, explain)

    @app.exception_handler(DatabaseError)
    def no_database(request: Request, error: DatabaseError) -> Response:
        log.error("page %s: %s", request.url.path, error)
        return answer(request, 503, site.presenter(request).t("error.database"))

    @app.exception_handler(RequestValidationError)
    def not_understood(request: Request, error: RequestValidationError) -> Response:
        ui = site.presenter(request)
        problems = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'][1:])}: {words_of(one, ui, request)}" for one in error.errors()
        )
        return answer(request, 422, f"{ui.t('error.bad_request')} {problems}")

    @app.exception_handler(HTTPException)
    def plain(request: Request, error: HTTPException) -> Response:
        known = {404: "error.not_found", 405: "error.bad_request"}
        response = answer(
            request, error.status_code, site.presenter(request).t(known.get(error.status_code, "error.bad_request"))
        )
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:
        log.error("page %s failed", request.url.path, exc_info=error)
        response = answer(request, 500, site.presenter(request).t("error.inside"))
        # This answer leaves from outside all middleware.
        response.headers.update(HEADERS)
        response.headers["Cache-Control"] = "private, no-cache"
        return response
