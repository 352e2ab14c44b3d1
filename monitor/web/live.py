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


async def follow_story(
    site: Site, request: Request, ui: Presenter, story: Story, *, after: int | None
) -> AsyncIterator[str]:
    """Events of a story's revisions after a place in the change log, `after` or `Last-Event-ID`; else from now on.

    Once what was missed is told, an event `current` says so; comments keep the line open from then on, until whoever
    asked signs out.
    """

    def newest() -> int:
        with site.database.read() as session:
            return claims.last_sequence(session, story.slug)

    def since(sequence: int) -> tuple[LoggedRevision, ...]:
        with site.database.read() as session:
            return claims.list_revisions_after(session, story.slug, sequence)

    # A browser that connects again by itself names the last event that it had; its address still says where it began.
    given = request.headers.get("last-event-id", "")
    position = int(given) if given.isdecimal() and len(given) < 19 else after
    if position is None:
        position = await run_in_threadpool(newest)
    yield "retry: 5000\n\n"
    template = environment().get_template("revision_item.html")
    quiet, is_current = 0, False
    while not site.stop.is_set() and not await request.is_disconnected():
        logged = await run_in_threadpool(since, position)
        for one in logged:
            position = one.sequence
            # As in the Atom feed: what only fills in history is news to nobody.
            if one.revision.is_silent:
                continue
            yield as_event(one.sequence, template.render(ui=ui, revision=one.revision))
        if logged:
            continue
        if not is_current:
            is_current = True
            yield "event: current\ndata: current\n\n"
        quiet += 1
        if quiet % HEARTBEATS == 0:
            if await run_in_threadpool(site.access.find_caller, request, again=True) is None:
                return
            yield ": here\n\n"
        with suppress(TimeoutError):
            await asyncio.wait_for(site.stop.wait(), PAUSE)


def as_event(sequence: int, body: str) -> str:
    """One event in the stream's own format."""
    lines = "".join(f"data: {line}\n" for line in body.splitlines() if line.strip())
    return f"id: {sequence}\nevent: revision\n{lines}\n"
