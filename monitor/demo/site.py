"""SHELL: the news site on loopback. What it serves depends on the play's time alone."""

import hashlib
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from monitor.demo.pages import render_path
from monitor.demo.script import Script


class DemoSite:
    """The three outlets behind one loopback port; a context manager that serves from threads of its own."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._now = script.starts_at
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def play_until(self, now: datetime) -> None:
        """From here on the site shows what stood at `now`."""
        self._now = now

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Content type and body for `path` at the site's time."""
        return render_path(self._script, path, site=self.url, now=self._now)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer = site.answer(self.path)
                if answer is None:
                    self.send_error(404)
                    return
                content_type, body = answer
                etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
                is_known = self.headers.get("If-None-Match") == etag
                self.send_response(304 if is_known else 200)
                self.send_header("ETag", etag)
                if not is_known:
                    self.send_header("Content-Type", content_type)
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if not is_known:
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Keep the terminal for the play."""

        return Handler
