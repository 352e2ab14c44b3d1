"""Alerts: what is held for a person, what went out, what could not; silences; and the links in messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from alerts import desk
from monitor.known_labels import known_labels
from monitor.web.site import EditorDep, ReaderDep, Site, SiteDep, see_other, with_query
from storage import claims, deliveries
from storage.errors import DecidedError, OvertakenError
from storage.records import Alert, AlertState, DeliveryState, Revision

router = APIRouter(include_in_schema=False)
MOST = 100
# What is said where somebody decided otherwise before.
SETTLED = "settled"
DONE = frozenset({"approved", "approved_later", "dropped"})
DECIDED = {"pending": "was_approved", "released": "was_sent", "dropped": "was_dropped"}
RECENT = 50
# Where each of the two lists begins that go back as far as the archive does.
Start = Annotated[int, Query(ge=0, le=10_000_000)]
SentStart = Annotated[int, Query(alias="deliveries", ge=0, le=10_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """An alert with the revision that it tells of."""

    alert: Alert
    revision: Revision | None


@router.get("/alerts")
def show_alerts(
    request: Request, site: SiteDep, caller: ReaderDep, alerts: Start = 0, deliveries_from: SentStart = 0
) -> Response:
    """What waits for a person, what was told and how it fared: the latest, and page by page what was before."""
    with site.database.read() as session:
        known = site.stories(session)
        held = lines(session, deliveries.list_alerts(session, states=[AlertState.HELD], limit=MOST))
        recent = lines(session, deliveries.list_alerts(session, newest_first=True, limit=RECENT + 1, offset=alerts))
        dead = deliveries.list_deliveries(session, states=[DeliveryState.DEAD], newest_first=True, limit=MOST)
        sent = deliveries.list_deliveries(session, newest_first=True, limit=RECENT + 1, offset=deliveries_from)
        dead_in_all = deliveries.count_deliveries(session).get(DeliveryState.DEAD, 0)
        silences = deliveries.list_silences(session, at=site.clock())
        page = site.page(request, "alerts", session, caller=caller)
    return site.render(
        request,
        "alerts.html",
        page,
        site.presenter(request, known),
        held=held,
        recent=recent[:RECENT],
        recent_pages=pages_of("all", alerts, len(recent), "alerts", deliveries=deliveries_from or ""),
        dead=dead,
        more_held=page.held - len(held),
        more_dead=dead_in_all - len(dead),
        deliveries=sent[:RECENT],
        sent_pages=pages_of("sent", deliveries_from, len(sent), "deliveries", alerts=alerts or ""),
        silences=silences,
        subscriptions=site.subscriptions,
        titles={story.slug: story.title for story in known},
    )


def pages_of(section: str, start: int, found: int, name: str, **others: object) -> tuple[str, str]:
    """The addresses of the newer and the older rows of a list of the page, empty where there are none."""
    newer, older = max(start - RECENT, 0) or "", start + RECENT
    return (
        with_query("/alerts", **{name: newer}, **others) + f"#{section}" if start else "",
        with_query("/alerts", **{name: older}, **others) + f"#{section}" if found > RECENT else "",
    )


def lines(session: Session, alerts: Iterable[Alert]) -> list[AlertLine]:
    """Alerts with their revisions, fetched at once."""
    alerts = list(alerts)
    found = claims.find_revisions(session, {alert.revision_id for alert in alerts})
    return [AlertLine(alert=alert, revision=found.get(alert.revision_id)) for alert in alerts]


@router.post("/alerts/{alert_id}/approve")
def approve(request: Request, site: SiteDep, caller: EditorDep, alert_id: str) -> Response:
    """Let a held alert go."""
    with site.database.write() as session:
        outcome = decide(session, site, "approve", alert_id, who=caller.name)
    return see_other(request, "/alerts", outcome)


@router.post("/alerts/{alert_id}/drop")
def drop(request: Request, site: SiteDep, caller: EditorDep, alert_id: str) -> Response:
    """Never send a held alert."""
    with site.database.write() as session:
        outcome = decide(session, site, "drop", alert_id, who=caller.name)
    return see_other(request, "/alerts", outcome)


def decide(session: Session, site: Site, action: str, alert_id: str, *, who: str) -> str:
    """Approve or drop an alert; returns what is to be said of it, a key of the texts under `notice`.

    A decision that somebody made before stands, and is said instead.
    """
    now = site.clock()
    try:
        if action == "drop":
            desk.drop_alert(session, alert_id, now=now, who=who)
            return "dropped"
        alert = desk.approve_alert(session, alert_id, now=now, who=who, subscriptions=site.subscriptions)
    except DecidedError as error:
        return DECIDED.get(error.state, SETTLED)
    if alert.state is not AlertState.PENDING:
        return DECIDED.get(alert.state.value, SETTLED)
    return "approved" if alert.due_at <= now else "approved_later"


@router.post("/deliveries/{delivery_id}/replay")
def replay(request: Request, site: SiteDep, caller: EditorDep, delivery_id: str) -> Response:
    """Send a dead letter again."""
    try:
        with site.database.write() as session:
            desk.replay_delivery(session, delivery_id, now=site.clock())
    except OvertakenError:
        return see_other(request, "/alerts", "overtaken")
    return see_other(request, "/alerts", "replayed")


@router.post("/silences")
def silence(
    request: Request,
    site: SiteDep,
    caller: EditorDep,
    story: Annotated[str, Form(max_length=200)] = "*",
    metric: Annotated[str, Form(max_length=60)] = "*",
    hours: Annotated[float, Form(gt=0, le=720)] = 8,
    comment: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Send nothing of a story or a measure for some hours."""
    # Expressions, which may take long to fit, are for those who have the command line.
    given = (("story", story.strip()), ("metric", metric.strip()))
    matchers = tuple((name, f"[~]{value[1:]}" if value.startswith("~") else value or "*") for name, value in given)
    chosen = tuple(pair for pair in matchers if pair[1] != "*") or matchers[:1]
    with site.database.write() as session:
        desk.add_silence(
            session,
            chosen,
            now=site.clock(),
            seconds=hours * 3600,
            who=caller.name,
            comment=comment,
            known=known_labels(session, site.subscriptions),
        )
    return see_other(request, "/alerts", "silenced")


@router.post("/silences/{silence_id}/end")
def end_silence(request: Request, site: SiteDep, caller: EditorDep, silence_id: str) -> Response:
    """End a silence now."""
    with site.database.write() as session:
        deliveries.end_silence(session, silence_id, now=site.clock())
    return see_other(request, "/alerts", "unsilenced")
