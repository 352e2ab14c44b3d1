"""The signed links in messages: opening one shows a button, pressing it acts. The signature is the right.

A POST without a form token is accepted here, for mail programs unsubscribe by one click (RFC 8058).
"""

from fastapi import APIRouter
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from alerts import desk
from monitor.web.access import RefusedError
from monitor.web.pages.alerts import AlertLine, lines
from monitor.web.site import Site, SiteDep
from storage import deliveries
from storage.records import AlertState

router = APIRouter(include_in_schema=False)
# An unsubscribing reader gets nothing for a hundred years, or until somebody ends that silence on the page (seconds).
FOR_GOOD = 100 * 365.25 * 86_400
WHO = "link"


@router.get("/act/{action}/{target:path}/{signature}")
def ask(request: Request, site: SiteDep, action: str, target: str, signature: str) -> Response:
    """What pressing the button would do."""
    check(site, action, target, signature)
    line: AlertLine | None = None
    with site.database.read() as session:
        known = site.stories(session)
        if action != "unsubscribe":
            line = lines(session, [deliveries.get_alert(session, target)])[0]
    ui = site.presenter(request, known)
    return site.render(
        request, "act.html", site.page(request, ""), ui, action=action, target=target, line=line, outcome=""
    )


@router.post("/act/{action}/{target:path}/{signature}")
def act(request: Request, site: SiteDep, action: str, target: str, signature: str) -> Response:
    """Do it."""
    check(site, action, target, signature)
    with site.database.write() as session:
        outcome = perform(session, site, action, target)
    ui = site.presenter(request)
    return site.render(
        request, "act.html", site.page(request, ""), ui, action=action, target=target, line=None, outcome=outcome
    )


def check(site: Site, action: str, target: str, signature: str) -> None:
    """Hold a link against its signature. Raises RefusedError 404, which tells a stranger nothing."""
    if site.links is None or not site.links.check(action, target, signature):
        raise RefusedError(404, "error.not_found")


def perform(session: Session, site: Site, action: str, target: str) -> str:
    """Approve or drop an alert, silence its subject for a day, or a subscription (for one receiver) until ended.

    Returns what came of it, a key of the texts under `act.done`: `late` where somebody had answered otherwise before.
    """
    now = site.clock()
    if action == "approve":
        alert = desk.approve_alert(session, target, now=now)
        return action if alert.state in (AlertState.PENDING, AlertState.RELEASED) else "late"
    if action == "drop":
        return action if desk.drop_alert(session, target).state is AlertState.DROPPED else "late"
    if action == "silence":
        desk.silence_record(session, target, now=now, who=WHO)
        return action
    desk.unsubscribe(session, target, site.subscriptions, now=now, seconds=FOR_GOOD, who=WHO)
    return action
