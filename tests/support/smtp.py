"""A real SMTP server (aiosmtpd) on loopback, in a thread of its own, that can fail on demand.

with MailServer() as server:
    server.refuse["RCPT"] = ["451 later"]       # in turn, then no more; also MAIL, DATA, and "HANG" as the answer
    send(server.port)
    assert server.mails[0]["Subject"] == "…"
"""

import asyncio
import email
import email.policy
import ssl
import threading
import warnings
from collections import defaultdict
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

HANG = "HANG"
CUT = "CUT"


class MailServer:
    """The server. `mails` are those accepted, `recipients` who they were for; `refuse` maps a command to answers to give
    instead of acceptance, in turn. `always` maps a command to one given every time. Answers HANG and CUT do as they say."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        is_implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.was_tls: list[bool] = []
        self.refuse: dict[str, list[str]] = defaultdict(list)
        self.always: dict[str, str] = {}
        self.per_recipient: dict[str, str] = {}
        self.port = 0
        self._sessions: list[SMTP] = []
        self._tls = tls
        self._is_implicit = is_implicit_tls
        self._login = login
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the mail server did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            self._make, "127.0.0.1", 0, ssl=self._tls if self._is_implicit else None, backlog=512
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for session in self._sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Two turns of the loop: one for the transports' ends, one for what these call.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _make(self) -> SMTP:
        options: dict[str, Any] = {"hostname": "mail.test", "loop": self._loop, "enable_SMTPUTF8": True}
        if self._tls and not self._is_implicit:
            options |= {"tls_context": self._tls, "require_starttls": True}
        if self._login:
            options |= {
                "authenticator": self._authenticate,
                "auth_required": True,
                "auth_require_tls": bool(self._tls) and not self._is_implicit,
            }
        # It warns of logins without TLS, which is what some tests want to try.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            session = SMTP(self, **options)
        self._sessions.append(session)
        return session

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        good = self._login == (data.login.decode(), data.password.decode())
        return AuthResult(success=good, handled=False)

    async def _answer(self, command: str, server: Any) -> str | None:
        answer = self.refuse[command].pop(0) if self.refuse[command] else self.always.get(command)
        if answer == HANG:
            await self._stop.wait()
        if answer == CUT:
            server.transport.abort()
            return "421 gone"
        return answer

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if answer := await self._answer("MAIL", server):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if answer := self.per_recipient.get(address) or await self._answer("RCPT", server):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if answer := await self._answer("DATA", server):
            return answer
        self.raw.append(envelope.content)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        self.was_tls.append(session.ssl is not None or self._is_implicit)
        return "250 Kept"
