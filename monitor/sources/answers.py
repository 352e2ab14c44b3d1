"""What came of a request: an answer with what its headers say, and, where it is to be kept, the bytes as they came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum


class Trouble(StrEnum):
    """What kind of failure an answered status is."""

    GONE = "gone"
    MISSING = "missing"
    REFUSED = "refused"
    THROTTLED = "throttled"
    CLIENT = "client"
    SERVER = "server"


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer as they went over the wire, but for chunked transfer, which is undone.

    `url` as it was asked for: host in IDNA, other letters percent-encoded, "/" where no path was given. `reason` and
    `headers` are the server's bytes as Latin-1, in their order and spelling; `body` still compressed as it came.
    `is_cut`: the body was not read, since nobody needed it (a redirect). `address` is the server's, or empty where a
    proxy stood between.
    """

    url: str
    request_headers: Pairs
    version: str
    status: int
    reason: str
    headers: Pairs
    body: bytes
    address: str = ""
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One answer. `url` is what was asked for, `final_url` what answered after redirects.

    Validators are verbatim. `permanent_url` is where the address moved to when every hop from the first on was
    permanent (301, 308), up to the first temporary one. `retry_after` and `max_age` in seconds. `headers` has lowercase
    names, `links` the Link headers as (relation, absolute address). `exchanges` are all hops, if they were to be kept.
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
    links: Pairs = ()
    exchanges: tuple[Exchange, ...] = ()

    @property
    def is_not_modified(self) -> bool:
        """The server said 304: what we hold is current."""
        return self.status == 304

    @property
    def is_success(self) -> bool:
        """A body came that was meant for us (2xx), or 304."""
        return 200 <= self.status < 300 or self.status == 304

    @property
    def is_gone(self) -> bool:
        """The address itself, or where it moved to for good, is gone (410); not only where it leads for now."""
        return self.trouble is Trouble.GONE and self.final_url in (
            self.url.partition("#")[0],
            self.url,
            self.permanent_url,
        )

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


def retry_after_of(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait, from the Retry-After header: a number, or a date counted from the server's own Date header.

    A server that does not say what time it has is taken to have ours, `now`, where that is known.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    until, sent = _http_date(value), _http_date(headers.get("date", "")) or now
    if until is None or sent is None:
        return None
    return max((until - sent).total_seconds(), 0.0)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def max_age_of(cache_control: str) -> float | None:
    """Seconds for which a Cache-Control header calls the answer fresh, or None."""
    for part in cache_control.split(","):
        name, _, value = part.strip().partition("=")
        value = value.strip().strip('"')
        if name.lower() == "max-age" and value.isascii() and value.isdigit():
            return float(value[:9])
    return None


@dataclass(slots=True, kw_only=True)
class Hop:
    """One answer of a chain on its way to be the `Fetched` that `finish` makes of the last."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    links: Pairs = ()
    elapsed_seconds: float = 0.0


def finish(
    hop: Hop,
    *,
    asked: str,
    permanent: str | None,
    seconds: float,
    exchanges: tuple[Exchange, ...] = (),
    now: datetime | None = None,
) -> Fetched:
    """The last answer of a chain as the answer to what was asked; `permanent` as `permanent_url`, `seconds` in all.

    `now` is our time, if it is known.
    """
    headers = hop.headers
    return Fetched(
        url=asked,
        final_url=hop.url,
        status=hop.status,
        headers=headers,
        body=hop.body,
        links=hop.links,
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
        permanent_url=permanent,
        retry_after=retry_after_of(headers, now),
        max_age=max_age_of(headers.get("cache-control", "")),
        elapsed_seconds=seconds,
        exchanges=exchanges,
    )
