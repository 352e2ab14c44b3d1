"""Fetch one address politely and safely: conditional, bounded in bytes, time and redirects, public addresses only.

The client is aiohttp: measured beside httpx and httpx on the httpx-aiohttp transport (docs/performance.md).
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from monitor.sources.addresses import (
    NOT_PUBLIC,
    BadAddressError,
    check_address,
    escape_spaces,
    forbidden_words,
    is_public_address,
    wire_url,
)
from monitor.sources.answers import Exchange, Fetched, Hop, Pairs, finish, retry_after_of
from monitor.sources.bodies import BodyDecoder
from monitor.sources.hosts import HostPacer, Pacer
from monitor.sources.manners import HostBook
from storage.errors import FetchError, ForbiddenAddressError

MAX_BYTES = 15 * 1024 * 1024
FEED_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
PAGE_ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"

# Raises FetchError for an address that is not to be fetched.
Check = Callable[[str], Awaitable[None]]

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 15.0
_MAX_REDIRECTS = 6
_LARGE = 2 * 1024 * 1024
_LARGE_AT_ONCE = 1
_MAX_HEADER_BYTES = 16 * 1024
_MAX_HEADERS = 200
_PERMANENT = frozenset({301, 308})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RESTING = frozenset({429, 503})


class TimedOutError(FetchError):
    """The server did not answer in full within the time allowed."""


class ConnectionFailedError(FetchError):
    """No connection, or it broke."""


class TlsError(FetchError):
    """The encrypted connection cannot be trusted."""


class RedirectError(FetchError):
    """Redirects that lead nowhere."""


class BadResponseError(FetchError):
    """The answer breaks the rules of HTTP or our limits on headers."""


def user_agent(contact: str) -> str:
    """The User-Agent that says who asks and whom to write to; `contact` is a mail or web address, or empty."""
    return f"Storywatch/0.1 (+{contact})" if contact else "Storywatch/0.1"


class Fetcher:
    """Fetches addresses; use as `async with Fetcher(...) as fetcher: await fetcher.get(url)`.

    One instance serves one event loop; its connections, host turns and limits are shared by all calls.
    """

    def __init__(
        self,
        *,
        contact: str = "",
        allow_private: bool = False,
        proxy: str = "",
        host_pause: float = 0.0,
        host_pauses: Mapping[str, float] | None = None,
        connections: int = 64,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
        pacer: Pacer | None = None,
        book: HostBook | None = None,
    ) -> None:
        """`proxy` is an http(s) proxy's address: then the proxy decides which named hosts may be reached.

        `host_pause` seconds between two requests to a host, `host_pauses` by host name. `resolver` and `tls` replace
        name resolution and the trusted certificates; `pacer` replaces the turns of hosts that this process keeps alone.
        `book` holds what hosts asked of us before, and takes up what they ask now; without it only pauses hold.
        """
        self.pacer: Pacer = pacer or HostPacer(pause=host_pause, pauses=host_pauses)
        self.book = book
        self._allow_private = allow_private
        self._proxy = proxy or None
        self._connections = connections
        self._resolver = resolver
        self._tls = tls
        self._agent = user_agent(contact)
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def __aenter__(self) -> Self:
        for host, seconds in self.book.crawl_delays() if self.book is not None else ():
            self.pacer.remember_crawl_delay(host, seconds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; the fetcher opens new ones if it is used again."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        accept: str = FEED_ACCEPT,
        max_bytes: int = MAX_BYTES,
        budget_seconds: float = 60.0,
        keep: bool = False,
        check: Check | None = None,
    ) -> Fetched:
        """Fetch `url` as `opened` does, for answers that are small, or done with at once."""
        async with self.opened(
            url,
            etag=etag,
            last_modified=last_modified,
            accept=accept,
            max_bytes=max_bytes,
            budget_seconds=budget_seconds,
            keep=keep,
            check=check,
        ) as fetched:
            return fetched

    @asynccontextmanager
    async def opened(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        accept: str = FEED_ACCEPT,
        max_bytes: int = MAX_BYTES,
        budget_seconds: float = 60.0,
        keep: bool = False,
        check: Check | None = None,
    ) -> AsyncIterator[Fetched]:
        """Fetch `url`, following redirects. Any HTTP status is an answer; FetchError says why there is none.

        `etag` and `last_modified` are sent verbatim. `max_bytes` bounds the body after decompression, `budget_seconds`
        the whole exchange with its redirects, but for the wait for the host's turn. `keep`: every hop is kept as it
        came, in the answer's `exchanges`. `check` is asked of every address before it is fetched, the first and those
        that redirects lead to; what it raises ends the request.

        Only one body of more than 2 MiB is held at a time, from when it grows so large to the end of the block, so
        that many large ones at a time fill no memory; the wait for a place is part of the budget.
        """
        headers = {"Accept": accept}
        if etag:
            headers["If-None-Match"] = _one_line(etag)
        if last_modified:
            headers["If-Modified-Since"] = _one_line(last_modified)
        place = _Place(self._places)
        ask = _Ask(
            url=url,
            headers=headers,
            max_bytes=max_bytes,
            seconds=budget_seconds,
            kept=[] if keep else None,
            place=place,
            check=check,
        )
        try:
            yield await self._follow(ask)
        finally:
            place.give_back()

    async def _follow(self, ask: "_Ask") -> Fetched:
        url, permanent, is_permanent = escape_spaces(ask.url), None, True
        left = ask.seconds
        for _ in range(_MAX_REDIRECTS + 1):
            host = self._check(url)
            if ask.check is not None:
                await ask.check(url)
            self._check_rest(host, url)
            async with self.pacer.turn(host):
                self._check_rest(host, url)  # another request may have been told so while this one waited
                answer = await self._once(url, ask, left)
                self._note_rest(host, answer)
            left -= answer.elapsed_seconds
            if answer.status == 304 and not ask.is_conditional:
                raise BadResponseError(
                    f"{ask.url}: answers 304 (not modified) to a request that named nothing it could be unmodified "
                    "since; the site has a fault, it is asked again later"
                )
            location = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not location:
                spent = ask.seconds - left
                kept = tuple(ask.kept or ())
                now = self.book.now() if self.book is not None else None
                return finish(answer, asked=ask.url, permanent=permanent, seconds=spent, exchanges=kept, now=now)
            try:
                target = urljoin(url, location.strip())
            except ValueError as error:
                raise RedirectError(f"{ask.url}: redirects to {location!r}, which is no address ({error})") from error
            is_permanent = is_permanent and answer.status in _PERMANENT
            url = escape_spaces(target.partition("#")[0])
            permanent = url if is_permanent else permanent
        raise RedirectError(
            f"{ask.url}: more than {_MAX_REDIRECTS} redirects, the last to {url}; "
            "open the address in a browser and watch the one it ends at"
        )

    def set_crawl_delay(self, host: str, seconds: float) -> None:
        """What the host's robots.txt asks for between two requests; 0 where it asks for nothing."""
        self.pacer.set_crawl_delay(host, seconds)
        if self.book is not None:
            self.book.note_crawl_delay(host, seconds)

    def _check_rest(self, host: str, url: str) -> None:
        if self.book is not None:
            self.book.check(host, url)

    def _note_rest(self, host: str, answer: Hop) -> None:
        if self.book is not None and answer.status in _RESTING:
            self.book.note_rest(host, retry_after_of(answer.headers, self.book.now()) or 0.0)

    def _check(self, url: str) -> str:
        """The host of an address that may be asked for."""
        return check_address(url, allow_private=self._allow_private)

    def _socket(self, info: Any) -> socket.socket:
        """Open a socket towards a resolved address, just before connecting: what is checked is what is used."""
        family, kind, protocol, _, address = info
        if not self._allow_private and self._proxy is None and not is_public_address(str(address[0])):
            raise OSError(errno.EACCES, f"{address[0]} {NOT_PUBLIC}")
        return socket.socket(family=family, type=kind, proto=protocol)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._connections,
                resolver=self._resolver,
                socket_factory=self._socket,
                happy_eyeballs_delay=None,
                ssl=self._tls if self._tls is not None else True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._agent, "Accept-Encoding": "gzip"},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS),
                max_line_size=_MAX_HEADER_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
                max_headers=_MAX_HEADERS,
            )
        return self._session

    async def _once(self, url: str, ask: "_Ask", seconds: float) -> Hop:
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                answer = await self._exchange(url, ask)
        except aiohttp.ConnectionTimeoutError as error:
            raise TimedOutError(
                f"{ask.url}: no connection within {_CONNECT_SECONDS:g} s; the site is down, it is asked again later"
            ) from error
        except aiohttp.SocketTimeoutError as error:
            raise TimedOutError(
                f"{ask.url}: not a byte for {_READ_SECONDS:g} s; the site is slow or down, it is asked again later"
            ) from error
        except TimeoutError as error:
            raise TimedOutError(
                f"{ask.url}: no full answer within {ask.seconds:g} s; the site is slow or down, it is asked again later"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError, ssl.SSLError) as error:
            raise _explain(url, error) from error
        answer.elapsed_seconds = loop.time() - start
        return answer

    async def _exchange(self, url: str, ask: "_Ask") -> Hop:
        async with self._open().request(
            "GET",
            wire_url(url),
            headers=ask.headers,
            allow_redirects=False,
            proxy=self._proxy,
        ) as response:
            is_redirect = response.status in _REDIRECTS
            # The address is to be had only while the connection is open.
            peer = "" if self._proxy or ask.kept is None else _peer(response)
            body, raw = (b"", b"") if is_redirect else await _read(response, url, ask)
            if is_redirect:
                response.close()
            if ask.kept is not None:
                ask.kept.append(_exchange(response, raw, address=peer, is_cut=is_redirect))
            return Hop(
                url=url,
                status=response.status,
                headers={name.lower(): _readable(value) for name, value in response.headers.items()},
                body=body,
                links=_links(response) if "Link" in response.headers else (),
            )


@dataclass(slots=True, kw_only=True)
class _Ask:
    url: str
    headers: Mapping[str, str]
    max_bytes: int
    seconds: float
    kept: list[Exchange] | None = None
    place: "_Place"
    check: Check | None = None

    @property
    def is_conditional(self) -> bool:
        """Whether the server may answer that what we hold is current."""
        return "If-None-Match" in self.headers or "If-Modified-Since" in self.headers


class _Place:
    """The place of one large body among those that are held at once, if the body turns out to be large."""

    __slots__ = ("_is_taken", "_places")

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._is_taken = False

    async def take(self) -> None:
        """Wait for the place; it is taken once."""
        if not self._is_taken:
            await self._places.acquire()
            self._is_taken = True

    def give_back(self) -> None:
        """Leave it to the next, if it was taken."""
        if self._is_taken:
            self._is_taken = False
            self._places.release()


async def _read(response: aiohttp.ClientResponse, url: str, ask: _Ask) -> tuple[bytes, bytes]:
    """The body decompressed, and as it came if that is to be kept."""
    if response.status == 304:
        return b"", b""
    encoding = response.headers.get("Content-Encoding", "")
    decoder = BodyDecoder(encoding, url=url, max_bytes=ask.max_bytes, keep_raw=ask.kept is not None)
    async for chunk in response.content.iter_any():
        for size in decoder.take(chunk):
            if size > _LARGE:
                await ask.place.take()
    return decoder.finish(), decoder.raw


def _peer(response: aiohttp.ClientResponse) -> str:
    """The address that answers, while the connection is open."""
    connection = response.connection
    peer = connection.transport.get_extra_info("peername") if connection and connection.transport else None
    return str(peer[0]) if peer else ""


def _exchange(response: aiohttp.ClientResponse, raw: bytes, *, address: str, is_cut: bool) -> Exchange:
    version = response.version
    return Exchange(
        url=str(response.request_info.url),
        request_headers=tuple((str(name), value) for name, value in response.request_info.headers.items()),
        version=f"HTTP/{version.major}.{version.minor}" if version else "HTTP/1.1",
        status=response.status,
        reason=(response.reason or "").encode("utf-8", "surrogateescape").decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers),
        body=raw,
        address=address,
        is_cut=is_cut,
    )


def _readable(text: str) -> str:
    """A header's text; what is no UTF-8 as Latin-1, which it once had to be: half a character can be stored nowhere."""
    return text if text.isprintable() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _links(response: aiohttp.ClientResponse) -> Pairs:
    """(relation, address) of Link headers; damaged ones are nobody's reason to lose the answer."""
    try:
        found = [(str(rels), str(link["url"])) for rels, link in response.links.items()]
    except (ValueError, TypeError, KeyError):
        return ()
    return tuple((rel.lower(), url) for rels, url in found for rel in rels.split())


def _explain(url: str, error: Exception) -> FetchError:
    """Our own error, in words, for what the client library raised."""
    if isinstance(error, FetchError):
        return error
    text = " ".join(str(error).split()) or type(error).__name__
    if NOT_PUBLIC in text:
        return ForbiddenAddressError(forbidden_words(url, urlsplit(url).hostname or "the host"))
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError | ssl.SSLError):
        return TlsError(
            f"{url}: the encrypted connection cannot be trusted ({_short(text)}); "
            "tell the site, or use another address of it"
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ConnectionFailedError(
            f"{url}: the name {urlsplit(url).hostname} cannot be resolved; check the address and this machine's network"
        )
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return ConnectionFailedError(
            f"{url}: the proxy does not pass it on ({_short(text)}); check proxy under [network]"
        )
    if isinstance(error, aiohttp.InvalidURL):
        return BadAddressError(f"{url}: not a web address; it should look like https://host/path")
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError | ValueError):
        return BadResponseError(f"{url}: the answer is not proper HTTP ({_short(text)}); it is asked for again later")
    return ConnectionFailedError(
        f"{url}: the connection failed ({_short(text)}); the site may be down, it is asked again later"
    )


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


def _one_line(value: str) -> str:
    return value.replace("\r", "").replace("\n", "")
