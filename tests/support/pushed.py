"""A desk whose page hubs can call: the real application in the loop of the cycle, and a clock that the test turns."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import uvicorn

from monitor.making import QuietServer
from monitor.polling import poll_feed
from monitor.push import PushDesk
from monitor.sources.guarded import GuardedTransport
from monitor.sources.http import Fetcher
from monitor.tools import PushTerms, Tools
from monitor.web.app import create_app
from monitor.web.options import WebOptions
from storage import feeds, pushes
from storage.records import PushState, PushSubscription
from tests.support.desk import Desk
from tests.support.hub import Hub
from tests.support.webserver import Reply, WebServer

LEASE = timedelta(days=1)


class PushedDesk(Desk):
    """A desk with one feed that names `hub`; what a test does runs while its page is served."""

    def __init__(self, site: WebServer, hub: Hub, folder: Path) -> None:
        super().__init__(site, folder)
        self.hub = hub
        self.names_hub = True
        site.add("/feed", lambda _request: Reply(body=self.feed(), content_type="application/rss+xml"))

    def feed(self) -> bytes:
        """The feed as it stands, with its hub unless `names_hub` was taken back."""
        links = f"<atom:link rel='self' href='{self.site.url('/feed')}'/>"
        if self.names_hub:
            links += f"<atom:link rel='hub' href='{self.hub.url}'/>"
        items = "".join(reversed(self.entries))
        head = "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>Harbour News</title>"
        return f"{head}{links}{items}</channel></rss>".encode()

    def run(self, play: Callable[["Stage"], Awaitable[None]], *, callback: str = "") -> None:
        """Serve the page and let `play` act; `callback` is the public address given to hubs, the page's own if empty."""
        asyncio.run(self._run(play, callback))

    async def _run(self, play: Callable[["Stage"], Awaitable[None]], callback: str) -> None:
        async with (
            Fetcher(allow_private=True) as fetcher,
            httpx.AsyncClient(transport=GuardedTransport(httpx.AsyncHTTPTransport, allow_private=True)) as client,
        ):
            tools = self.tools(fetcher)
            terms = PushTerms(callback_url=callback or "http://unset", lease=LEASE, poll_every=timedelta(hours=6))
            tools.push = terms
            desk = PushDesk(tools, client, terms)
            app = create_app(
                database=self.database,
                clock=lambda: self.now,
                refold=lambda *_: None,
                rematch=lambda *_: None,
                options=WebOptions(callback_host="127.0.0.1"),
                push=desk,
            )
            server = QuietServer(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none"))
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.005)
            base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
            tools.push = PushTerms(callback_url=callback or base, lease=terms.lease, poll_every=terms.poll_every)
            desk.terms = tools.push
            try:
                await play(Stage(self, tools, desk, base))
            finally:
                server.should_exit = True
                await serving
                tools.close()


class Stage:
    """What a test does while the page is served; the hub's calls run beside the loop, as from another machine."""

    def __init__(self, desk: PushedDesk, tools: Tools, push: PushDesk, base: str) -> None:
        self.desk = desk
        self.tools = tools
        self.push = push
        self.base = base

    async def poll(self) -> None:
        """Poll what is due now."""
        with self.desk.database.read() as session:
            due = feeds.list_due_feeds(session, self.desk.now)
        for feed in due:
            await poll_feed(self.tools, feed)

    async def ask(self) -> int:
        """Ask the hubs that are due."""
        return await self.push.look()

    async def outside(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """What the hub does."""
        return await asyncio.to_thread(call)

    async def read(self) -> None:
        """Read the pages that wait."""
        await self.desk.work(self.tools)

    async def subscribe(self) -> None:
        """Poll, ask, verify: as far as an active subscription."""
        await self.poll()
        await self.ask()
        answer = await self.outside(self.desk.hub.verify)
        assert answer.status_code == 200

    @property
    def state(self) -> PushState | None:
        """How far the feed's subscription is."""
        held = self.held
        return held.state if held is not None else None

    @property
    def held(self) -> PushSubscription | None:
        """The feed's subscription as stored."""
        with self.desk.database.read() as session:
            return pushes.find_push(session, 1)
