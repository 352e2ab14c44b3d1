"""Webhooks as Standard Webhooks has them: id, timestamp and signature in headers, 2xx or it did not arrive.

Specification: https://www.standardwebhooks.com (version 1.0.0), "Webhook scheme" and "Operational considerations".
"""

import asyncio
import re
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

from alerts.channels.base import ChannelSpec, Receipt, hash_address, mask_url, writing
from alerts.channels.covering import cover, find_secrets
from storage.errors import DeliveryError, ForbiddenAddressError, SettingsError
from storage.records import Message

# Turns a message into the JSON body that a service wants.
BodyWriter = Callable[[Message], str]

# What the message, the connection and the signature decide; anything else may be added, or said instead of ours.
_OURS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "te",
        "traceparent",
        "transfer-encoding",
        "upgrade",
    }
)
_SIGNED = "webhook-"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_EXCERPT = 500
# A response is read for its excerpt alone; a receiver that never stops talking is cut off.
_MOST_READ = 16_384
_ZIPPED = ("gzip", "x-gzip", "deflate")


def find_wrong_header(headers: Iterable[tuple[str, str]]) -> str:
    """Return what is wrong with the first header of a channel's own that cannot go along; empty if all can.

    Headers that we sign or that describe the body cannot be replaced: a receiver would refuse the message, or believe
    what nobody signed.
    """
    seen: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if not _TOKEN.fullmatch(name):
            return f"{name!r} is no name of a header; write letters, digits and hyphens"
        if not _VALUE.fullmatch(value):
            return f"{name}: its value must be one line of ASCII"
        if lower.startswith(_SIGNED) or lower in _OURS:
            return f"{name} is ours to send; take it out"
        if lower in seen:
            return f"{name} and {seen[lower]} are one header; keep one of them"
        seen[lower] = name
    return ""


def _is_web(url: str) -> bool:
    try:
        read = httpx.URL(url)
        return read.scheme in ("http", "https") and bool(read.host) and (urlsplit(url).port or 1) > 0
    except (httpx.InvalidURL, ValueError):
        return False


def write_alert(message: Message) -> str:
    """Return our own payload (docs/webhook.schema.json)."""
    return message.payload


class WebhookChannel:
    """Posts JSON to one address, signed with every secret that is in force, so that receivers can change theirs at
    leisure."""

    def __init__(self, spec: ChannelSpec, client: httpx.AsyncClient, *, write_body: BodyWriter = write_alert) -> None:
        """`client` comes from the composition root, which decides what addresses it may reach and through what proxy.

        Raises SettingsError if the address or a secret cannot work.
        """
        if not _is_web(spec.url):
            raise SettingsError(f"channel {spec.name!r}: url must be an http or https address")
        if wrong := find_wrong_header(spec.headers):
            raise SettingsError(f"channel {spec.name!r}: headers: {wrong}")
        try:
            self._signers = [Webhook(secret) for secret in spec.secrets]
        except Exception as error:
            # The library raises its own and base64's errors alike.
            raise SettingsError(
                f"channel {spec.name!r}: a secret is not base64 (write whsec_ and base64 of 24 to 64 random bytes)"
            ) from error
        self._spec = spec
        self._client = client
        self._write_body = write_body
        self._secrets = find_secrets(spec.url, spec.headers)

    @property
    def name(self) -> str:
        """The name that subscriptions use."""
        return self._spec.name

    @property
    def receivers(self) -> tuple[str, ...]:
        """A webhook is one address."""
        return ("",)

    @property
    def address_hash(self) -> str:
        """Changes with the URL."""
        return hash_address(self._spec.type, self._spec.url)

    @property
    def concurrency(self) -> int:
        """How many requests may be on their way at once."""
        return self._spec.concurrency

    @property
    def wants_html(self) -> bool:
        """Text and payload are all that is sent."""
        return False

    async def send(self, message: Message, *, delivery_id: str, now: datetime, receiver: str = "") -> Receipt:
        """Post the message; DeliveryError for anything but a whole answer of 2xx. 410 asks to disable the channel."""
        with writing():
            body = self._write_body(message)
            body.encode()
        where = mask_url(self._spec.url)
        try:
            async with asyncio.timeout(self._spec.timeout):
                return await self._post(body, self._headers(body, message, delivery_id, now), where, now)
        except TimeoutError as error:
            raise DeliveryError(f"{where}: no whole answer within {self._spec.timeout:g} s") from error
        except httpx.HTTPError as error:
            detail = str(error) or type(error).__name__
            raise DeliveryError(f"{where}: {cover(detail, self._secrets)}") from error
        except httpx.InvalidURL as error:
            raise DeliveryError(f"{where}: {cover(str(error), self._secrets)}", permanent=True) from error
        except ForbiddenAddressError as error:
            # The transport names the whole address, which is a secret. Settings get mended: nothing is thrown away.
            raise DeliveryError(f"{where}: {_without_address(error, self._spec.url)}") from error

    async def _post(self, body: str, headers: dict[str, str], where: str, now: datetime) -> Receipt:
        request = self._client.stream(
            # The limit over all of it is the channel's own: the client's would end a slow receiver earlier.
            "POST",
            self._spec.url,
            content=body.encode(),
            headers=headers,
            follow_redirects=False,
            timeout=None,
            # Connections of its own, where the client keeps them apart: one endpoint that hangs uses up its own alone.
            extensions={"apart": self.name},
        )
        async with request as response:
            excerpt = await _read_excerpt(response, self._secrets)
            status = response.status_code
            if response.is_success:
                return Receipt(response=f"{status} {excerpt}".strip())
            said = f"{where}: answered {status} {cover(response.reason_phrase, self._secrets)}".rstrip()
            said = f"{said}: {excerpt}" if excerpt else said
            if status == httpx.codes.NOT_MODIFIED:
                raise DeliveryError(
                    f"{said}; that answers a page asked for again, not a message: does the address take POST?"
                )
            if response.is_redirect:
                raise DeliveryError(f"{said}; redirects are not followed: put the final address into the settings")
            if status == httpx.codes.GONE:
                raise DeliveryError(said, permanent=True, disable=True)
            raise DeliveryError(said, retry_after=_retry_after(response.headers.get("retry-after"), now))

    def _headers(self, body: str, message: Message, delivery_id: str, now: datetime) -> dict[str, str]:
        own = {name.lower(): value for name, value in self._spec.headers}
        headers = {"user-agent": "storywatch-webhook/1", "accept-encoding": "identity"} | own
        headers |= {"content-type": "application/json"}
        headers |= {"webhook-id": delivery_id, "webhook-timestamp": str(int(now.timestamp()))}
        if message.trace:
            # W3C Trace Context: what a receiver does for this message joins the trace of the poll that found it.
            headers["traceparent"] = f"00-{message.trace}-{message.trace[:16]}-01"
        if self._signers:
            stamp = now.astimezone(UTC)
            headers["webhook-signature"] = " ".join(signer.sign(delivery_id, stamp, body) for signer in self._signers)
        return headers

    async def aclose(self) -> None:
        """The client belongs to who made it."""


async def _read_excerpt(response: httpx.Response, secrets: tuple[str, ...]) -> str:
    """Read an answer to its end, or to a limit; one that is cut off raises, for then nobody knows what became of it.

    What it repeats of our secrets is covered before it is cut, so that no part of one is left.
    """
    read = b""
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) >= _MOST_READ:
            break
    read = _unpack(read, response.headers.get("content-encoding", ""))
    text = cover(read.decode("utf-8", "replace"), secrets)[: _EXCERPT * 4]
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.split())[:_EXCERPT]


def _unpack(read: bytes, coding: str) -> bytes:
    """What an answer says that came packed though we asked for none such: its beginning, or that nobody can tell."""
    coding = coding.strip().lower()
    if not read or coding in ("", "identity"):
        return read
    try:
        if coding in _ZIPPED:
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(read, _MOST_READ)
    except zlib.error:
        pass
    return f"({len(read)} bytes, {coding})".encode()


def _without_address(error: Exception, url: str) -> str:
    return str(error).replace(str(httpx.URL(url)), "").replace(url, "").lstrip(": ")


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, given either way (RFC 9110, 10.2.3); None for none or
    nonsense."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - now).total_seconds())
    except (ValueError, OverflowError):
        return None
