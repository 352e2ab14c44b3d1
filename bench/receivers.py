"""Webhook receivers on loopback in a process of their own, so that their work is not counted as ours.

   with Receivers() as receivers:
       receivers.url("ok", 3); receivers.url("hang", 0); receivers.arrivals()

/ok/N answers 200 at once, /hang/N takes the request and never answers; /log gives what came as JSON, /reset forgets it.
"""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: its path, the idempotency id, and when it was whole (seconds of the machine's monotonic clock, which
    all processes share)."""

    path: str
    message_id: str
    at: float


class Receivers:
    """The process; it ends with the block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "bench.receivers"], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        self._host = self._process.stdout.readline().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def url(self, behaviour: str, number: int) -> str:
        return f"{self._host}/{behaviour}/{number}"

    def arrivals(self) -> list[Arrival]:
        """What came since the last reset, in order."""
        with urllib.request.urlopen(f"{self._host}/log") as answer:
            return [Arrival(*row) for row in json.load(answer)]

    def reset(self) -> None:
        urllib.request.urlopen(f"{self._host}/reset").close()


class _Site:
    def __init__(self) -> None:
        self.log: list[tuple[str, str, float]] = []
        # Held here: what waits for something that nobody holds is swept away, and its connection with it.
        self.never = asyncio.Event()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                pairs = (line.partition(":") for line in head[1:])
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                await reader.readexactly(int(headers.get("content-length", "0")))
                await self._answer(head[0].split(" ")[1], headers.get("webhook-id", ""), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, path: str, message_id: str, writer: asyncio.StreamWriter) -> None:
        if path == "/log":
            body = json.dumps(self.log).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        elif path == "/reset":
            self.log.clear()
            writer.write(_OK)
        else:
            self.log.append((path, message_id, time.monotonic()))
            if path.startswith("/hang/"):
                await self.never.wait()
            writer.write(_OK)
        await writer.drain()


async def _serve() -> None:
    server = await asyncio.start_server(_Site().connected, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
