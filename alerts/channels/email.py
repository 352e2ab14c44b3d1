"""Mail over SMTP: one transaction a receiver, threaded by record, with an id that repeats share."""

import asyncio
import ssl
from contextlib import suppress
from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage, MIMEPart
from email.policy import Policy, default
from email.utils import format_datetime, parseaddr

import aiosmtplib

from alerts.addresses import mail_address
from alerts.channels.base import ChannelSpec, EmailSpec, Receipt, TlsMode, hash_address, writing
from alerts.messages import CHART_CID
from storage.errors import DeliveryError, SettingsError
from storage.records import Message

_EXCERPT = 500
_OF_US = (aiosmtplib.SMTPConnectResponseError, aiosmtplib.SMTPHeloError)
# RFC 4954, 6
_LOGIN_NEEDED = 530


class EmailChannel:
    """Sends mail to each of its addresses; each has a delivery state of its own."""

    def __init__(self, spec: ChannelSpec, server: EmailSpec, *, tls_context: ssl.SSLContext | None = None) -> None:
        """`tls_context` replaces the system's trust (tests, private authorities). Raises SettingsError for what is no
        address."""
        for address in (*spec.to, server.sender):
            if not mail_address(address):
                raise SettingsError(f"channel {spec.name!r}: {address!r} is not one mail address")
        if not spec.to:
            raise SettingsError(f"channel {spec.name!r}: `to` names nobody")
        self._spec = spec
        self._server = server
        self._context = tls_context or _make_context(server)

    @property
    def name(self) -> str:
        """The name that subscriptions use."""
        return self._spec.name

    @property
    def receivers(self) -> tuple[str, ...]:
        """Every address once."""
        return tuple(dict.fromkeys(self._spec.to))

    @property
    def address_hash(self) -> str:
        """Changes with the mail server and the addresses."""
        return hash_address(self._server.host, str(self._server.port), *self._spec.to)

    @property
    def concurrency(self) -> int:
        """How many transactions may be under way at once."""
        return self._spec.concurrency

    @property
    def wants_html(self) -> bool:
        """Mail has HTML and a picture."""
        return True

    async def send(self, message: Message, *, delivery_id: str, now: datetime, receiver: str = "") -> Receipt:
        """Hand the message to the mail server; DeliveryError for anything but its acceptance. 5xx is permanent."""
        recipients = (receiver,) if receiver else self.receivers
        with writing():
            mail = write_mail(message, sender=self._server.sender, to=recipients, delivery_id=delivery_id, now=now)
        where = f"{self._server.host}:{self._server.port}"
        try:
            async with asyncio.timeout(self._server.timeout):
                return await self._transact(mail, recipients)
        except TimeoutError as error:
            raise DeliveryError(f"{where}: no answer within {self._server.timeout:g} s") from error
        except aiosmtplib.SMTPAuthenticationError as error:
            # Settings get mended: a message is not thrown away for a wrong password.
            raise DeliveryError(
                f"{where}: login refused: {error.code} {error.message}; check username and password"
            ) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refusal.code for refusal in error.recipients]
            said = "; ".join(f"{one.recipient}: {one.code} {one.message}" for one in error.recipients)
            is_final = all(code >= 500 and code != _LOGIN_NEEDED for code in codes)
            raise DeliveryError(f"{where}: {said}"[:_EXCERPT], permanent=is_final) from error
        except aiosmtplib.SMTPResponseException as error:
            # A greeting refused, or a sender for want of a login, is said of us and not of this message.
            is_of_us = isinstance(error, _OF_US) or error.code == _LOGIN_NEEDED
            said = f"{where}: {error.code} {error.message}"[:_EXCERPT]
            raise DeliveryError(said, permanent=error.code >= 500 and not is_of_us) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"{where}: {_describe(error)}") from error

    async def _transact(self, mail: EmailMessage, recipients: tuple[str, ...]) -> Receipt:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout,
            use_tls=server.tls is TlsMode.TLS,
            start_tls={TlsMode.AUTO: None, TlsMode.STARTTLS: True}.get(server.tls, False),
            tls_context=self._context,
            username=server.username or None,
            password=server.password or None,
        )
        try:
            await client.connect()
            refused, said = await client.send_message(
                mail, sender=parseaddr(server.sender)[1], recipients=list(recipients)
            )
            with suppress(aiosmtplib.SMTPException):
                # Accepted is accepted, whatever the server makes of a farewell.
                await client.quit()
        finally:
            # At once: a server that hangs would take its time over a farewell as well.
            if isinstance(client.transport, asyncio.WriteTransport):
                client.transport.abort()
            client.close()
        if refused:
            # Only where one message goes to all addresses at once; the dispatcher sends to each alone.
            names = "; ".join(f"{address}: {answer.code} {answer.message}" for address, answer in refused.items())
            raise DeliveryError(f"{server.host}:{server.port}: {names}"[:_EXCERPT])
        return Receipt(response=" ".join(said.split())[:_EXCERPT])

    async def aclose(self) -> None:
        """Each transaction closes its own connection."""


class _LiteralHeader(UnstructuredHeader, BaseHeader):
    """A header that stays on one line as it is: addresses and ids may not be written as encoded words (RFC 2369, 5322),
    which is what the library makes of a word longer than a line."""

    def fold(self, *, policy: Policy) -> str:
        """Return the header's line."""
        return f"{self.name}: {self}{policy.linesep}"


def _registry() -> HeaderRegistry:
    registry = HeaderRegistry()
    for name in ("list-unsubscribe", "in-reply-to", "references"):
        registry.map_to_type(name, _LiteralHeader)
    return registry


_POLICY = default.clone(header_factory=_registry())


def write_mail(message: Message, *, sender: str, to: tuple[str, ...], delivery_id: str, now: datetime) -> EmailMessage:
    """Return the mail: text, HTML with the chart inside, threading headers. Only its Date differs between attempts.

    All mails about one record answer one message that was never sent (its id is the thread's), so that programs show
    them as one conversation from the first on.
    """
    domain = parseaddr(sender)[1].rpartition("@")[2]
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{delivery_id}@{domain}>"
    if message.thread_key:
        mail["In-Reply-To"] = mail["References"] = f"<{message.thread_key}@{domain}>"
    for name, value in message.headers:
        mail[name] = value
    if "List-Unsubscribe" not in mail:
        mail["List-Unsubscribe"] = f"<mailto:{parseaddr(sender)[1]}?subject=unsubscribe>"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    if message.html and message.chart_png:
        html = mail.get_payload()[1]  # type: ignore[index]  # the alternative just added; typeshed cannot know that
        assert isinstance(html, MIMEPart)
        html.add_related(
            message.chart_png, "image", "png", cid=f"<{CHART_CID}>", filename="chart.png", disposition="inline"
        )
    _fix_boundaries(mail, delivery_id)
    return mail


def _describe(error: Exception) -> str:
    """Return what an error says, with what lies behind it where it says little itself."""
    said = str(error).strip(": ")
    behind = error.__cause__
    if behind is not None and str(behind) not in said:
        said = f"{said}: {str(behind) or type(behind).__name__}"
    return said or type(error).__name__


def _fix_boundaries(mail: EmailMessage, delivery_id: str) -> None:
    """Boundaries from the id instead of chance: the same message is the same bytes."""
    for index, part in enumerate(one for one in mail.walk() if one.is_multipart()):
        part.set_boundary(f"=_{index}_{delivery_id}")


def _make_context(server: EmailSpec) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
