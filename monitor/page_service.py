"""The page in a process of its own, beside a scheduler and workers that share its database."""

import asyncio
import logging
import signal
from contextlib import AsyncExitStack
from functools import partial
from random import Random

from monitor.clock import Clock
from monitor.making import make_fetcher, make_links, make_poster, make_server, make_tools, make_tracer
from monitor.measures import make_registry
from monitor.pulse import Pulse
from monitor.push import PushDesk
from monitor.schedule import Ticker, guarded
from monitor.settings import Settings
from monitor.taking_up import make_watch
from monitor.tools import Tools
from storage.database import Database
from storage.errors import StorywatchError
from storage.liveness import PAGE

_LOG = logging.getLogger(__name__)

RELOAD_SECONDS = 10.0


class PageService:
    """Serves the page until told to stop; polls nothing and sends nothing."""

    def __init__(self, settings: Settings, *, clock: Clock, rng: Random) -> None:
        self.settings = settings
        self.clock = clock
        self.rng = rng
        self.stop = asyncio.Event()
        self.database = Database(settings.database_url)

    async def run(self) -> None:
        """Serve until `stop` is set or a signal asks for it. Raises StorywatchError where the port is taken."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop.set)
        try:
            async with AsyncExitStack() as stack:
                await asyncio.to_thread(self.database.check)
                await stack.enter_async_context(Pulse(self.database, role=PAGE).beating())
                await self._serve(stack)
        finally:
            self.database.close()

    async def _serve(self, stack: AsyncExitStack) -> None:
        fetcher = await stack.enter_async_context(make_fetcher(self.settings))
        client = await stack.enter_async_context(make_poster(self.settings))
        watch = make_watch(self.database, self.settings)
        tools = make_tools(
            self.settings,
            database=self.database,
            fetcher=fetcher,
            watch=watch,
            clock=self.clock,
            rng=self.rng,
            tracer=make_tracer(self.settings, stack, role="page"),
        )
        stack.callback(tools.close)
        push = PushDesk(tools, client, tools.push) if tools.push is not None else None
        links = await asyncio.to_thread(make_links, self.settings, self.database)
        server = make_server(
            self.settings,
            tools,
            push=push,
            links=links,
            is_ticking=None,
            stop=self.stop,
            registry=make_registry(),
        )
        web = self.settings.web
        if server is None:
            raise StorywatchError(f"{web.host}:{web.port}: the page cannot be served there")
        ticker = Ticker({"reload": (RELOAD_SECONDS, guarded(partial(self._reload, tools)))})
        ticker.start()
        _LOG.info("the page is at http://%s:%d/", web.host, web.port)
        serving = asyncio.create_task(server.serve())
        await self.stop.wait()
        await ticker.finish()
        server.should_exit = True
        await serving

    async def _reload(self, tools: Tools) -> None:
        """What hubs push is matched against the stories as they stand now."""
        fresh = await asyncio.to_thread(make_watch, self.database, self.settings)
        if fresh.stories != tools.watch.stories:
            tools.watch = fresh
