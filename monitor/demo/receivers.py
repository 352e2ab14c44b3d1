"""SHELL: the two ends where alerts arrive, both real servers on loopback: a mail server and a webhook endpoint."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMail:
    """One mail as the server took it."""

    message: EmailMessage
    recipients: tuple[str, ...]

    @property
    def message_id(self) -> str:
        """Its Message-ID header, without the angle brackets."""
        return str(self.message["Message-ID"] or "").strip("<> ")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedHook:
    """One webhook call; `is_signed` says whether its signature was that of the secret."""

    message_id: str
    payload: dict[str, Any]
    is_signed: bool


class MailReceiver:
    """A mail server on loopback; `mails` grows as they land."""

    def __init__(self) -> None:
        self.mails: list[ReceivedMail] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Take a mail; aiosmtpd calls this once a message is complete."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = message_from_bytes(content, policy=policy.default)
        self.mails.append(ReceivedMail(message=message, recipients=tuple(envelope.rcpt_tos)))
        return "250 OK"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()


class HookReceiver:
    """A webhook endpoint on loopback. `calls` keeps every call; `take_arrived` gives the new ones."""

    def __init__(self, secret: str) -> None:
        self.calls: list[ReceivedHook] = []
        self._arrived: queue.Queue[ReceivedHook] = queue.Queue()
        self._webhook = Webhook(secret)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take_arrived(self) -> Iterator[ReceivedHook]:
        """The calls that arrived since this was last asked."""
        while not self._arrived.empty():
            yield self._arrived.get_nowait()

    def take(self, headers: dict[str, str], body: bytes) -> None:
        """Note one call; headers in lower case."""
        message_id = headers.get("webhook-id", "")
        # Signed anew rather than verified by the library, which compares with the machine's clock, not with the play's.
        sent_at = datetime.fromtimestamp(int(headers.get("webhook-timestamp", "0")), UTC)
        signature = self._webhook.sign(message_id, sent_at, body.decode())
        is_signed = signature in headers.get("webhook-signature", "").split(" ")
        hook = ReceivedHook(message_id=message_id, payload=json.loads(body), is_signed=is_signed)
        self.calls.append(hook)
        self._arrived.put(hook)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Keep the terminal for the play."""

        return Handler


def free_port() -> int:
    """A port of loopback that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
