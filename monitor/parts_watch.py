"""SHELL: schedulers and workers miss each other: who finds that nobody leads, or that nobody does what waits, tells it.

Whoever is left sends the message too: workers send what the scheduler hands to them, and where one of the two is
missing no message would leave.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from alerts.channels.base import Channel
from alerts.dispatch import Dispatcher
from alerts.plan import plan_alerts
from alerts.watch_health import MISSED_AFTER, find_missing_parts, find_part_events
from monitor.making import make_dispatcher, make_links
from monitor.settings import Settings
from monitor.tools import Tools
from storage import claims, deliveries, meta, parts
from storage.backlog import count_due
from storage.errors import DatabaseError

_LOG = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
SINCE_FACT = "health.parts.missing"
_TOLD_FACT = "health.parts.told"


class PartsWatch:
    """Looks now and then who is there; and sends what is due while a part has been missing for long."""

    def __init__(self, settings: Settings, tools: Tools, channels: Mapping[str, Channel], *, place: str) -> None:
        """`place` names this process, as a dispatcher has to be named."""
        self._settings = settings
        self._tools = tools
        self._channels = dict(channels)
        self._place = place
        self._sending: asyncio.Task[None] | None = None
        self._enough = asyncio.Event()

    async def look(self) -> bool:
        """Tell of what is missing or back, and send what is due for as long as something is missing; returns whether it
        is. Raises DatabaseError."""
        now = self._tools.clock()
        is_missed = await self._tools.write(lambda session: self._store(session, now))
        if is_missed and (self._sending is None or self._sending.done()):
            _LOG.warning("a part of the service has been missing for long: sending what is due from here")
            self._enough.clear()
            self._sending = asyncio.create_task((await self._make_dispatcher()).run(self._enough))
        elif not is_missed:
            self._enough.set()
        return is_missed

    async def let_go(self) -> None:
        """Send nothing more; what is on its way has a while, the rest is due again."""
        self._enough.set()
        if self._sending is not None:
            try:
                await self._sending
            except DatabaseError as error:
                _LOG.error("deliveries under way are taken up again by the others: %s", error)

    def _store(self, session: Session, now: datetime) -> bool:
        parts.forget_silent(session)
        at, heard = parts.database_time(session), parts.list_parts(session)
        missing = find_missing_parts(heard, {one.queue: one.count for one in count_due(session, now)})
        known, told = _read_times(session, SINCE_FACT), _read_times(session, _TOLD_FACT)
        since = {what: known.get(what, at) for what in missing}
        events = find_part_events(missing, since, told, heard, at=at, now=now)
        for event in events:
            if event.after is not None and event.after.state == "dead":
                told[event.key.metric] = at
            else:
                told.pop(event.key.metric, None)
        _write_times(session, SINCE_FACT, since, known)
        if events:
            _write_times(session, _TOLD_FACT, told, {})
            fresh = claims.add_revisions(session, events)
            deliveries.add_alerts(session, plan_alerts(fresh, self._tools.watch.subscriptions, now=now))
        return any(at - began >= MISSED_AFTER for began in since.values())

    async def _make_dispatcher(self) -> Dispatcher:
        return make_dispatcher(
            self._settings,
            database=self._tools.database,
            channels=self._channels,
            clock=self._tools.clock,
            rng=self._tools.rng,
            worker=f"{self._place}:stand-in",
            links=await asyncio.to_thread(make_links, self._settings, self._tools.database),
            tracer=self._tools.tracer,
        )


def _read_times(session: Session, fact: str) -> dict[str, datetime]:
    held = json.loads(meta.find_fact(session, fact) or "{}")
    return {name: datetime.fromisoformat(at) for name, at in held.items()}


def _write_times(session: Session, fact: str, times: Mapping[str, datetime], before: Mapping[str, datetime]) -> None:
    if times != before:
        meta.set_fact(session, fact, json.dumps({name: at.isoformat() for name, at in times.items()}))
