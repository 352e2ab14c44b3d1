"""What stands before every page: the Host check and the headers. Plain ASGI, so that streams pass through."""

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        self, app: ASGIApp, *, allowed: Iterable[str], refusal: str, callback_host: str = "", callback_path: str = ""
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
            await PlainTextResponse(self.refusal, status_code=400)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _lets_in(self, scope: Scope) -> bool:
        header = Headers(scope=scope).get("host", "")
        is_callback = bool(self.callback_host) and str(scope["path"]).startswith(self.callback_path)
        return self.allows(header) or (is_callback and host_name(header).strip("[]") == self.callback_host)

    def allows(self, header: str) -> bool:
        """Whether a Host header names us."""
        return "*" in self.allowed or host_name(header) in self.allowed
