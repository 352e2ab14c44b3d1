"""What a channel is: one address or several that messages go to, behind one protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol
from urllib.parse import urlsplit

from storage.errors import DeliveryError, RenderError
from storage.records import Message

# An attempt ends before anybody else may take the delivery up (alerts.dispatch.LEASE), with time to write it down
# (seconds).
LONGEST_TIMEOUT = 240.0


class TlsMode(StrEnum):
    """How the connection to a mail server is protected. auto: STARTTLS where the server offers it."""

    AUTO = "auto"
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSpec:
    """The mail server that takes our mail. `timeout` in seconds bounds a whole transaction."""

    host: str = "localhost"
    port: int = 25
    sender: str = "storywatch@localhost"
    username: str = ""
    password: str = field(default="", repr=False)
    tls: TlsMode = TlsMode.AUTO
    verify: bool = True
    timeout: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """A channel as the settings name it.

    `type`: webhook, email, slack, discord, teams, mattermost or apprise. `secrets` sign webhooks, the current one first
    and those being retired after it. `to` are mail addresses. `headers` go with every webhook. `timeout` in seconds.
    """

    name: str
    type: str
    url: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    to: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout: float = 15.0
    concurrency: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a receiver answered when it took a message; `response` is an excerpt for the log."""

    response: str = ""


class Channel(Protocol):
    """One way to people. Sending the same delivery again sends the same message with the same id."""

    @property
    def name(self) -> str:
        """The name that subscriptions use."""

    @property
    def receivers(self) -> tuple[str, ...]:
        """Addresses with a delivery state of their own; `("",)` where the channel is one address."""

    @property
    def address_hash(self) -> str:
        """Changes when the endpoint does, so that one that was gone is tried again under its new address."""

    @property
    def concurrency(self) -> int:
        """How many messages may be on their way at once."""

    @property
    def wants_html(self) -> bool:
        """Whether HTML and picture are of use; they cost more than all the rest."""

    async def send(self, message: Message, *, delivery_id: str, now: datetime, receiver: str = "") -> Receipt:
        """Deliver a message, once; DeliveryError says whether and when to try again.

        `delivery_id` goes along as the idempotency id; `now` stamps the attempt; `receiver` is one of `receivers`.
        """

    async def aclose(self) -> None:
        """Let go of connections."""


@contextmanager
def writing() -> Iterator[None]:
    """Make a RenderError of anything that goes wrong while a message is written; it names what that was."""
    try:
        yield
    except DeliveryError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise RenderError(
            f"the message could not be written ({what}); it is kept, replay it once that is mended"
        ) from error


def hash_address(*parts: str) -> str:
    """Return a short hash of an endpoint's address: enough to see that it changed, too little to learn a secret in
    it."""
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def mask_url(url: str) -> str:
    """Return an address that may stand in a log: paths and queries of webhooks are secrets."""
    pieces = urlsplit(url)
    port = f":{pieces.port}" if pieces.port else ""
    return f"{pieces.scheme}://{pieces.hostname or ''}{port}/…"
