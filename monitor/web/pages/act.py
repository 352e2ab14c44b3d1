"""The signed links in messages: opening one shows a button, pressing it acts. The signature is the right.

A POST without a form token is accepted here, for mail programs unsubscribe by one click (RFC 8058).
"""

from fastapi import APIRouter
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from alerts import desk
from alerts.links import LINK
from monitor.web.pages.alerts import DECIDED, DONE, SETTLED, AlertLine, decide, lines
from monitor.web.refusals import RefusedError
from monitor.web.site import Site, SiteDep
from storage import deliveries
from storage.records import AlertState

router = APIRouter(include_in_schema=False)
# An unsubscribing reader gets nothing for a hundred years, or until somebody ends that silence on the page (seconds).
FOR_GOOD = 100 * 365.25 * 86_400
DECISIONS = ("approve", "drop")


@router.get("/act/{action}/{target:path}/{signature}")
def ask(request: Request, site: SiteDep, action: str, target: str, signature: str) -> Response:
    """What pressing the button would do."""
    check(site, action, target, signature)
    line: AlertLine | None = None
    outcome = ""
    with site.database.read() as session:
        known = site.stories(session)
        if action != "unsubscribe":
            line = lines(session, [deliveries.get_alert(session, target)])[0]
            if action in DECISIONS and line.alert.state is not AlertState.HELD:
                outcome = DECIDED.get(line.alert.state.value, SETTLED)
    ui = site.presenter(request, known)
    return site.render(
        request, "act.html", site.page(request, ""), ui, action=action, target=target, line=line, outcome=outcome
    )


@router.post("/act/{action}/{target:path}/{signature}")
def act(request: Request, site: SiteDep, action: str, target: str, signature: str) -> Response:
    """Do it."""
    check(site, action, target, signature)
    with site.database.write() as session:
        outcome, is_done = perform(session, site, action, target)
    ui = site.presenter(request)
    return site.render(
        request, "act.html", site.page(request, ""), ui, status=200 if is_done else 409,
        action=action, target=target, line=None, outcome=outcome,
    )  # fmt: skip


def check(site: Site, action: str, target: str, signature: str) -> None:
    """Hold a link against its signature. Raises RefusedError 404, which tells a stranger nothing."""
    if site.links is None or not site.links.check(action, target, signature):
        raise RefusedError(404, "error.not_found")


def perform(session: Session, site: Site, action: str, target: str) -> tuple[str, bool]:
    """Approve or drop an alert, silence its subject for a day, or a subscription (for one receiver) until ended.

    Returns what came of it, and whether it was done: somebody may have decided otherwise before.
    """
    now = site.clock()
    if action in DECISIONS:
        outcome = decide(session, site, action, target, who=LINK)
        return outcome, outcome in DONE
    if action == "silence":
        desk.silence_record(session, target, now=now, who=LINK)
    else:
        desk.unsubscribe(session, target, site.subscriptions, now=now, seconds=FOR_GOOD, who=LINK)
    return action, True
