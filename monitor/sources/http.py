"""Fetch one address politely and safely: conditional, bounded in bytes, time and redirects, public addresses only.

The client is aiohttp: measured beside httpx and httpx on the httpx-aiohttp transport (docs/performance.md).
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from monitor.sources.addresses import is_public_address
from monitor.sources.bodies import BodyDecoder
from monitor.sources.hosts import HostPacer
from storage.errors import FetchError, ForbiddenAddressError

MAX_BYTES = 15 * 1024 * 1024
FEED_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
PAGE_ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 15.0
_MAX_REDIRECTS = 6
_MAX_HEADER_BYTES = 16 * 1024
_MAX_HEADERS = 200
_REFUSED = "is not an address of the public internet"
_PERMANENT = frozenset({301, 308})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


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


class BadAddressError(FetchError):
    """The text is not an http or https address."""

    retryable = False


class Trouble(StrEnum):
    """What kind of failure an answered status is."""

    GONE = "gone"
    MISSING = "missing"
    REFUSED = "refused"
    THROTTLED = "throttled"
    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One answer. `url` is what was asked for, `final_url` what answered after redirects.

    Validators are verbatim. `permanent_url` is where the address moved to when every hop from the first on was
    permanent (301, 308), up to the first temporary one. `retry_after` and `max_age` in seconds. `headers` has lowercase
    names. `is_reserved`: the site reserves text mining (TDM Reservation Protocol header).
    """

    url: str
    final_url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    etag: str | None = None
    last_modified: str | None = None
    permanent_url: str | None = None
    retry_after: float | None = None
    max_age: float | None = None
    elapsed_seconds: float = 0.0

    @property
    def is_not_modified(self) -> bool:
        """The server said 304: what we hold is current."""
        return self.status == 304

    @property
    def is_success(self) -> bool:
        """A body came that was meant for us (2xx), or 304."""
        return 200 <= self.status < 300 or self.status == 304

    @property
    def content_type(self) -> str | None:
        """The Content-Type header, verbatim."""
        return self.headers.get("content-type")

    @property
    def is_reserved(self) -> bool:
        """The site reserves its text against mining (https://www.w3.org/community/reports/tdmrep/)."""
        return self.headers.get("tdm-reservation", "").strip() == "1"

    @property
    def trouble(self) -> Trouble | None:
        """What kind of failure the status is; None for success."""
        if self.is_success:
            return None
        known = {
            410: Trouble.GONE,
            404: Trouble.MISSING,
            401: Trouble.REFUSED,
            403: Trouble.REFUSED,
            451: Trouble.REFUSED,
        }
        if self.status in known:
            return known[self.status]
        if self.status == 429 or (self.status == 503 and self.retry_after is not None):
            return Trouble.THROTTLED
        return Trouble.SERVER if self.status >= 500 else Trouble.CLIENT

    def explain(self) -> str:
        """One line for people: what the status means and what to do; empty for success."""
        trouble = self.trouble
        if trouble is None:
            return ""
        return f"{self.url}: HTTP {self.status}, {_EXPLANATIONS[trouble]}"


_EXPLANATIONS = {
    Trouble.GONE: "gone for good; look for its new address with: storywatch feeds discover SITE",
    Trouble.MISSING: "nothing at this address; check it, or look for its new one with: storywatch feeds discover SITE",
    Trouble.REFUSED: "the site refuses us; ask the site, or watch another source",
    Trouble.THROTTLED: "the site asks for fewer requests; it is asked again when the site allows",
    Trouble.CLIENT: "the site does not accept the request; check the address",
    Trouble.SERVER: "the site has a fault; it is asked again later",
}


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
    ) -> None:
        """`proxy` is an http(s) proxy's address: then the proxy decides which named hosts may be reached.

        `host_pause` seconds between two requests to a host, `host_pauses` by host name. `resolver` and `tls` replace
        name resolution and the trusted certificates.
        """
        self.pacer = HostPacer(pause=host_pause, pauses=host_pauses)
        self._allow_private = allow_private
        self._proxy = proxy or None
        self._connections = connections
        self._resolver = resolver
        self._tls = tls
        self._agent = user_agent(contact)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
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
    ) -> Fetched:
        """Fetch `url`, following redirects. Any HTTP status is an answer; FetchError says why there is none.

        `etag` and `last_modified` are sent verbatim. `max_bytes` bounds the body after decompression, `budget_seconds`
        the whole exchange with its redirects, but for the wait for the host's turn.
        """
        headers = {"Accept": accept}
        if etag:
            headers["If-None-Match"] = _one_line(etag)
        if last_modified:
            headers["If-Modified-Since"] = _one_line(last_modified)
        return await self._follow(_Ask(url=url, headers=headers, max_bytes=max_bytes, seconds=budget_seconds))

    async def _follow(self, ask: "_Ask") -> Fetched:
        url, permanent, is_permanent = ask.url, None, True
        left = ask.seconds
        for _ in range(_MAX_REDIRECTS + 1):
            host = self._check(url)
            async with self.pacer.turn(host):
                answer = await self._once(url, ask, left)
            left -= answer.elapsed_seconds
            location = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not location:
                return _finish(answer, ask.url, permanent, ask.seconds - left)
            try:
                target = urljoin(url, location.strip())
            except ValueError as error:
                raise RedirectError(f"{ask.url}: redirects to {location!r}, which is no address ({error})") from error
            is_permanent = is_permanent and answer.status in _PERMANENT
            url = target.partition("#")[0]
            permanent = url if is_permanent else permanent
        raise RedirectError(
            f"{ask.url}: more than {_MAX_REDIRECTS} redirects, the last to {url}; "
            "open the address in a browser and watch the one it ends at"
        )

    def _check(self, url: str) -> str:
        """The host of an address that may be asked for."""
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").rstrip(".")
            _ = parts.port
        except ValueError as error:
            raise BadAddressError(
                f"{url}: not a web address ({error}); it should look like https://host/path"
            ) from error
        if parts.scheme not in {"http", "https"} or not host or any(c.isspace() for c in url.strip()):
            raise BadAddressError(f"{url}: not a web address; it should look like https://host/path")
        if not self._allow_private and _is_private_literal(host):
            raise ForbiddenAddressError(_forbidden(url, host))
        return host

    def _socket(self, info: Any) -> socket.socket:
        """Open a socket towards a resolved address, just before connecting: what is checked is what is used."""
        family, kind, protocol, _, address = info
        if not self._allow_private and self._proxy is None and not is_public_address(str(address[0])):
            raise OSError(errno.EACCES, f"{address[0]} {_REFUSED}")
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

    async def _once(self, url: str, ask: "_Ask", seconds: float) -> Fetched:
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                answer = await self._exchange(url, ask)
        except TimeoutError as error:
            raise TimedOutError(
                f"{ask.url}: no full answer within {ask.seconds:g} s; the site is slow or down, it is asked again later"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError, ssl.SSLError) as error:
            raise _explain(url, error) from error
        return _timed(answer, loop.time() - start)

    async def _exchange(self, url: str, ask: "_Ask") -> Fetched:
        address = URL(url, encoded=True) if url.isascii() else URL(url)
        async with self._open().request(
            "GET",
            address,
            headers=ask.headers,
            allow_redirects=False,
            proxy=self._proxy,
        ) as response:
            body = b"" if response.status in _REDIRECTS else await _read(response, url, ask.max_bytes)
            if response.status in _REDIRECTS:
                response.close()
            return Fetched(
                url=url,
                final_url=url,
                status=response.status,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=body,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    url: str
    headers: Mapping[str, str]
    max_bytes: int
    seconds: float


async def _read(response: aiohttp.ClientResponse, url: str, max_bytes: int) -> bytes:
    if response.status == 304:
        return b""
    decoder = BodyDecoder(response.headers.get("Content-Encoding", ""), url=url, max_bytes=max_bytes)
    async for chunk in response.content.iter_any():
        decoder.add(chunk)
    return decoder.finish()


def _timed(answer: Fetched, seconds: float) -> Fetched:
    return Fetched(
        url=answer.url,
        final_url=answer.final_url,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        elapsed_seconds=seconds,
    )


def _finish(answer: Fetched, asked: str, permanent: str | None, seconds: float) -> Fetched:
    headers = answer.headers
    return Fetched(
        url=asked,
        final_url=answer.final_url,
        status=answer.status,
        headers=headers,
        body=answer.body,
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
        permanent_url=permanent,
        retry_after=_retry_after(headers),
        max_age=_max_age(headers.get("cache-control", "")),
        elapsed_seconds=seconds,
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from the Retry-After header: a number, or a date counted from the server's own Date header."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    until, sent = _http_date(value), _http_date(headers.get("date", ""))
    if until is None or sent is None:
        return None
    return max((until - sent).total_seconds(), 0.0)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _max_age(cache_control: str) -> float | None:
    for part in cache_control.split(","):
        name, _, value = part.strip().partition("=")
        value = value.strip().strip('"')
        if name.lower() == "max-age" and value.isascii() and value.isdigit():
            return float(value[:9])
    return None


def _is_private_literal(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public_address(host)
    except ValueError:
        return False


def _forbidden(url: str, what: str) -> str:
    return (
        f"{url}: {what} {_REFUSED}, so it is not asked; "
        "set allow_private = true under [network] if this intranet is meant to be watched"
    )


def _explain(url: str, error: Exception) -> FetchError:
    """Our own error, in words, for what the client library raised."""
    if isinstance(error, FetchError):
        return error
    text = " ".join(str(error).split()) or type(error).__name__
    if _REFUSED in text:
        return ForbiddenAddressError(_forbidden(url, urlsplit(url).hostname or "the host"))
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
