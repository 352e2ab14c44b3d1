"""All other services, through apprise (the extra `apprise`): Telegram, Matrix, Signal, SMS gateways and some 170
more."""

import asyncio
import warnings
from datetime import datetime
from typing import Any

from alerts.channels.base import ChannelSpec, Receipt, hash_address
from storage.errors import DeliveryError, SettingsError
from storage.records import Message


class AppriseChannel:
    """Sends subject and text to an apprise address. These services know no idempotency id: a repeat looks like one."""

    def __init__(self, spec: ChannelSpec) -> None:
        """Raises SettingsError if apprise is not installed or does not know the address."""
        # Its plugins load as they are first named, and some of them warn of Python's own modules that will go.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._sender = _make_sender(spec)
        self._spec = spec

    @property
    def name(self) -> str:
        """The name that subscriptions use."""
        return self._spec.name

    @property
    def receivers(self) -> tuple[str, ...]:
        """An apprise address is one receiver."""
        return ("",)

    @property
    def address_hash(self) -> str:
        """Changes with the address."""
        return hash_address(self._spec.type, self._spec.url)

    @property
    def concurrency(self) -> int:
        """How many messages may be on their way at once."""
        return self._spec.concurrency

    @property
    def wants_html(self) -> bool:
        """Text and payload are all that is sent."""
        return False

    async def send(self, message: Message, *, delivery_id: str, now: datetime, receiver: str = "") -> Receipt:
        """Hand the text over; apprise says only whether it went, so every failure may be tried again."""
        try:
            async with asyncio.timeout(self._spec.timeout):
                # Said to be text, it is escaped for services that take markup.
                sent = await self._sender.async_notify(title=message.subject, body=message.text, body_format="text")
        except TimeoutError as error:
            raise DeliveryError(f"channel {self.name}: no answer within {self._spec.timeout:g} s") from error
        if not sent:
            raise DeliveryError(f"channel {self.name}: apprise could not deliver it (its log says why)")
        return Receipt(response="accepted")

    async def aclose(self) -> None:
        """Apprise keeps no connection."""


def _make_sender(spec: ChannelSpec) -> Any:
    try:
        import apprise
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"channel {spec.name!r}: apprise is not installed; run: pip install 'apprise>=1.9'"
        ) from error
    sender = apprise.Apprise()
    if not sender.add(spec.url):
        raise SettingsError(f"channel {spec.name!r}: apprise does not know this kind of address")
    return sender
