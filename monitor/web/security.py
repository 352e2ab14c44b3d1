"""What stands before every page: the Host check and the headers. Plain ASGI, so that streams pass through."""

from collections.abc import Callable, Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.web.refusals import RefusedError

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


# What is said to whoever asks, in words of theirs.
Refusal = Callable[[Scope], str]
NUL = "\0"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def refuse_nul(request: Request) -> None:
    """Refuse a NUL in a path (404) or query (400): no text of ours holds one, and PostgreSQL takes none."""
    if NUL in str(request.scope["path"]):
        raise RefusedError(404, "error.not_found")
    if any(NUL in name or NUL in value for name, value in request.query_params.multi_items()):
        raise RefusedError(400, "error.bad_request")


async def refuse_nul_in_form(request: Request) -> None:
    """Refuse a NUL in a form (400)."""
    if not request.headers.get("content-type", "").startswith(FORMS):
        return
    form = await request.form()
    if any(NUL in name or NUL in value for name, value in form.multi_items() if isinstance(value, str)):
        raise RefusedError(400, "error.bad_request")


class BodyLimit:
    """Reads no more of a request than a form of ours can hold: nobody fills the memory from outside the door."""

    def __init__(self, app: ASGIApp, *, most_bytes: int, but_path: str, refusal: Refusal) -> None:
        """Below `but_path` whoever answers keeps a limit of its own."""
        self.app = app
        self.most_bytes = most_bytes
        self.but_path = but_path
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 to what says that it is too large; cut off what turns out to be, which is answered 400."""
        if scope["type"] != "http" or str(scope["path"]).startswith(self.but_path):
            await self.app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said) > self.most_bytes:
            await PlainTextResponse(self.refusal(scope), status_code=413)(scope, receive, send)
            return
        taken = 0

        async def receive_some() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.most_bytes:
                raise HTTPException(status_code=413)
            return message

        await self.app(scope, receive_some, send)


class HeadAsGet:
    """Answers HEAD as the GET of the same address, without its body (RFC 9110, 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a HEAD on as a GET; once the head is sent the asker counts as gone, so that no stream goes on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        is_answered = False

        async def receive_until_answered() -> Message:
            return {"type": "http.disconnect"} if is_answered else await receive()

        async def send_head(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        asked = {**scope, "method": "GET"}
        try:
            await self.app(asked, receive_until_answered, send_head)
        finally:
            # Who answers for a page that failed stands outside, and wants what was learned of the asker.
            scope.update({**asked, "method": "HEAD"})


class SecurityHeaders:
    """Adds the strict headers to every answer, and keeps pages that may hold a form token out of shared caches."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; complete the head of the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        await self.app(scope, receive, send_with_headers)


def host_name(header: str) -> str:
    """The host of a Host header without its port, in lower case; an IPv6 literal keeps its brackets."""
    host, colon, port = header.strip().lower().rpartition(":")
    return host if colon and port.isdecimal() and (":" not in host or host.endswith("]")) else header.strip().lower()


class HostGuard:
    """Refuses a Host that is not ours: another site must not reach us on loopback by renaming us (DNS rebinding)."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed: Iterable[str],
        refusal: Refusal,
        callback_host: str = "",
        callback_path: str = "",
    ) -> None:
        """Under `callback_host` nothing is answered but what begins with `callback_path`: it is open to the world."""
        self.app = app
        self.callback_host = callback_host.lower()
        self.callback_path = callback_path
        self.allowed = frozenset(host.lower() for host in allowed)
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 to a foreign Host, else pass the request on. `*` allows every host (a proxy checks)."""
        if scope["type"] == "http" and not self._lets_in(scope):
            await PlainTextResponse(self.refusal(scope), status_code=400)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _lets_in(self, scope: Scope) -> bool:
        header = Headers(scope=scope).get("host", "")
        is_callback = bool(self.callback_host) and str(scope["path"]).startswith(self.callback_path)
        return self.allows(header) or (is_callback and host_name(header).strip("[]") == self.callback_host)

    def allows(self, header: str) -> bool:
        """Whether a Host header names us."""
        return "*" in self.allowed or host_name(header) in self.allowed
