"""What a site's robots.txt allows, asked once a day a site (RFC 9309)."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from protego import Protego

from monitor.sources.http import MAX_BYTES, Fetcher
from storage.errors import BodyTooLargeError, FetchError, HostRestsError

_AGENT = "Storywatch"
_KEEP_SECONDS = 24 * 3600.0
_KEEP_FAULTY_SECONDS = 3600.0
_READ_BYTES = 512 * 1024  # RFC 9309 §2.5 asks for at least 500 KiB; what follows is not looked at
_MAX_SITES = 2000
_MAX_CRAWL_DELAY = 120.0  # longer ones are slips of the pen; our own due times are slower anyway


class RobotsForbiddenError(FetchError):
    """The site's robots.txt asks that the page is not fetched."""

    retryable = False


@dataclass(frozen=True, slots=True)
class _Rules:
    parser: Any  # a Protego, or None where everything has one answer
    allows_all: bool
    until: float


class Robots:
    """Remembers the rules of sites; sets each site's crawl delay on the fetcher's pacer."""

    def __init__(self, fetcher: Fetcher) -> None:
        """`fetcher` asks for the robots.txt files, under its own limits."""
        self._fetcher = fetcher
        self._rules: dict[str, _Rules] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def is_allowed(self, url: str) -> bool:
        """Whether `url` may be fetched: a missing file allows, a 5xx forbids for an hour (RFC 9309 §2.3.1).

        Raises HostRestsError where the file cannot be asked for yet.
        """
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        rules = await self._get_rules(site, parts.hostname or "")
        if rules.parser is None:
            return rules.allows_all
        return bool(rules.parser.can_fetch(url, _AGENT))

    async def check(self, url: str) -> None:
        """Raise RobotsForbiddenError when `url` must not be fetched."""
        if not await self.is_allowed(url):
            raise RobotsForbiddenError(f"{url}: the site's robots.txt asks not to fetch this page; it is left alone")

    async def _get_rules(self, site: str, host: str) -> _Rules:
        loop = asyncio.get_running_loop()
        held = self._rules.get(site)
        if held is not None and held.until >= loop.time():
            return held
        async with self._locks.setdefault(site, asyncio.Lock()):
            known = self._rules.get(site)
            if known is None or known.until < loop.time():
                known = await self._ask(site, host, loop.time())
                self._forget_oldest()
                self._rules[site] = known
        return known

    async def _ask(self, site: str, host: str, time: float) -> _Rules:
        try:
            answer = await self._fetcher.get(f"{site}/robots.txt", accept="text/plain, */*;q=0.5", max_bytes=MAX_BYTES)
        except HostRestsError:
            raise  # what the file says is asked for when the host is rested
        except BodyTooLargeError:
            return _Rules(None, True, time + _KEEP_SECONDS)
        except FetchError:
            # the page's own fetch will meet the same fault and say so
            return _Rules(None, True, time + _KEEP_FAULTY_SECONDS)
        if answer.status >= 500 or answer.status == 429:
            return _Rules(None, False, time + _KEEP_FAULTY_SECONDS)
        if answer.status != 200:
            return _Rules(None, True, time + _KEEP_SECONDS)
        parser = Protego.parse(answer.body[:_READ_BYTES].decode("utf-8", "replace"))
        self._fetcher.set_crawl_delay(host, min(float(parser.crawl_delay(_AGENT) or 0.0), _MAX_CRAWL_DELAY))
        return _Rules(parser, True, time + _KEEP_SECONDS)

    def _forget_oldest(self) -> None:
        if len(self._rules) >= _MAX_SITES:
            oldest = min(self._rules, key=lambda site: self._rules[site].until)
            del self._rules[oldest]
            self._locks.pop(oldest, None)
