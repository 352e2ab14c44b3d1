"""New revisions of a story as server-sent events (HTML Living Standard, 9.2): the page asks once and hears the rest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request

from monitor.web.presenter import Presenter
from monitor.web.site import Site, environment
from storage import claims
from storage.records import LoggedRevision, Story

PAUSE = 2.0
# Below the minute after which many proxies cut a silent connection.
HEARTBEATS = 10


async def follow_story(site: Site, request: Request, ui: Presenter, story: Story) -> AsyncIterator[str]:
    """Events of a story's revisions from now on, or from `Last-Event-ID` on; comments between keep the line open."""

    def newest() -> int:
        with site.database.read() as session:
            return claims.last_sequence(session)

    def after(sequence: int) -> tuple[LoggedRevision, ...]:
        with site.database.read() as session:
            return claims.list_revisions_after(session, sequence)

    given = request.headers.get("last-event-id", "")
    position = int(given) if given.isdecimal() and len(given) < 19 else await run_in_threadpool(newest)
    yield "retry: 5000\n\n"
    template = environment().get_template("revision_item.html")
    quiet = 0
    while not site.stop.is_set() and not await request.is_disconnected():
        logged = await run_in_threadpool(after, position)
        for one in logged:
            position = one.sequence
            if one.revision.story == story.slug:
                yield as_event(one.sequence, template.render(ui=ui, revision=one.revision))
        quiet = 0 if logged else quiet + 1
        if quiet % HEARTBEATS == HEARTBEATS - 1:
            yield ": here\n\n"
        with suppress(TimeoutError):
            await asyncio.wait_for(site.stop.wait(), PAUSE)


def as_event(sequence: int, body: str) -> str:
    """One event in the stream's own format."""
    lines = "".join(f"data: {line}\n" for line in body.splitlines() if line.strip())
    return f"id: {sequence}\nevent: revision\n{lines}\n"
