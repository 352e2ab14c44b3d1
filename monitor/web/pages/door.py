"""Signing in and out, and what a reader prefers."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from monitor.web.access import check_form
from monitor.web.refusals import RefusedError
from monitor.web.site import THEMES, Site, SiteDep, own_path, see_other
from monitor.web.wording import languages

router = APIRouter(include_in_schema=False)
YEAR = 365 * 86_400


@router.get("/login")
def show_login(request: Request, site: SiteDep, next: str = "/") -> Response:
    """The form to sign in."""
    return site.render(
        request, "login.html", site.page(request, "login"), site.presenter(request), error="", next=own_path(next)
    )


@router.post("/login")
async def sign_in(
    request: Request,
    site: SiteDep,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form()] = "/",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    """Open a session, or say why not."""
    check_form(request, csrf)
    address = request.client.host if request.client else ""
    try:
        await site.access.sign_in(request.session, name, password, address=address)
    except RefusedError as refused:
        return await run_in_threadpool(_say_no, request, site, refused, own_path(next))
    return see_other(request, own_path(next))


def _say_no(request: Request, site: Site, refused: RefusedError, next: str) -> Response:
    ui = site.presenter(request)
    words = ui.t(refused.key, **refused.values)
    page = site.page(request, "login")
    answer = site.render(request, "login.html", page, ui, status=refused.status, error=words, next=next)
    if "seconds" in refused.values:
        answer.headers["Retry-After"] = str(refused.values["seconds"])
    return answer


@router.post("/logout")
def sign_out(request: Request, site: SiteDep, csrf: Annotated[str, Form()] = "") -> Response:
    """End the session, wherever its cookie was copied to."""
    check_form(request, csrf)
    site.access.sign_out(request.session)
    return see_other(request, "/")


@router.post("/preferences")
def set_preferences(
    request: Request,
    lang: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
    csrf: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/",
) -> Response:
    """Keep the reader's language and colours in two cookies."""
    check_form(request, csrf)
    answer = see_other(request, own_path(back), "preferences")
    if lang in languages():
        answer.set_cookie("lang", lang, max_age=YEAR, httponly=True, samesite="lax")
    if theme in THEMES:
        answer.set_cookie("theme", theme, max_age=YEAR, httponly=True, samesite="lax")
    return answer
