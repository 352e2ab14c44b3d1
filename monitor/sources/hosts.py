"""One request at a time a host, and a pause between two: manners within this process.

Due times that outlive the process stand in storage; this only keeps tasks of one process apart. Where many processes
poll, `monitor.sources.shared_hosts` keeps them apart.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

_IDLE_SECONDS = 3600.0  # a host unused for so long is forgotten


class Pacer(Protocol):
    """Hands out the turns of hosts, to one request at a time each."""

    def turn(self, host: str) -> AbstractAsyncContextManager[None]:
        """Wait until `host` is free and rested, hold it for the block, and let it rest afterwards."""

    def set_crawl_delay(self, host: str, seconds: float) -> None:
        """What the host's robots.txt asks for between two requests."""

    def remember_crawl_delay(self, host: str, seconds: float) -> None:
        """What it asked for before this process began; called within the event loop."""

    def pause_of(self, host: str) -> float:
        """Seconds that pass between two requests to `host`, as far as this process knows."""

    def rest_of(self, host: str, at: float) -> float:
        """Seconds from `at` (by the steady clock of event loops) until `host` is rested, as far as is known here."""


@dataclass(slots=True)
class _Host:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    crawl_delay: float = 0.0
    waiting: int = 0


class HostPacer:
    """Hands out turns: `async with pacer.turn("example.org"): …` holds the host for the length of the block."""

    def __init__(self, *, pause: float = 0.0, pauses: Mapping[str, float] | None = None) -> None:
        """`pause` in seconds between two requests to any host; `pauses` names hosts that want another."""
        self._pause = pause
        self._pauses = dict(pauses or {})
        self._hosts: dict[str, _Host] = {}
        self._forget_at = 0.0

    def set_crawl_delay(self, host: str, seconds: float) -> None:
        """What the host's robots.txt asks for between two requests; the longer of it and our own pause holds."""
        if seconds or host in self._hosts:
            self._hosts.setdefault(host, _Host()).crawl_delay = seconds

    def remember_crawl_delay(self, host: str, seconds: float) -> None:
        """As `set_crawl_delay`; the host rests first, since it may have been asked just before this process began."""
        self.set_crawl_delay(host, seconds)
        self._hosts[host].free_at = asyncio.get_running_loop().time() + self.pause_of(host)

    def pause_of(self, host: str) -> float:
        """Seconds that pass between two requests to `host`."""
        known = self._hosts.get(host)
        return max(self._pauses.get(host, self._pause), known.crawl_delay if known else 0.0)

    def rest_of(self, host: str, at: float) -> float:
        """Seconds from `at` until `host` is rested."""
        known = self._hosts.get(host)
        return max(known.free_at - at, 0.0) if known else 0.0

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait until `host` is free and rested, hold it for the block, and let it rest afterwards."""
        loop = asyncio.get_running_loop()
        self._forget_idle(loop.time())
        state = self._hosts.setdefault(host, _Host())
        state.waiting += 1
        try:
            async with state.lock:
                wait = state.free_at - loop.time()
                if wait > 0:
                    await asyncio.sleep(wait)
                try:
                    yield
                finally:
                    state.free_at = loop.time() + self.pause_of(host)
        finally:
            state.waiting -= 1

    def _forget_idle(self, time: float) -> None:
        if time < self._forget_at:
            return
        self._forget_at = time + _IDLE_SECONDS
        self._hosts = {
            name: state
            for name, state in self._hosts.items()
            if state.waiting or state.free_at + _IDLE_SECONDS > time or state.crawl_delay
        }
