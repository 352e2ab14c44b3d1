"""A real webhook receiver on loopback, in a thread of its own, that can fail in every way.

    with Receiver() as receiver:
        receiver.answers = [Answer(status=500), Answer()]   # in turn; the last one for ever
        post(receiver.url)
        assert receiver.ids() == ["d1-…"]

What was received whole is kept in `calls`, whether it was answered well or not.
"""

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Call:
    """One request as received; header names are lowercase."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How to answer. `hangs`: never. `cuts`: promise more than is sent, then close. `resets`: close without a word.
    `drips`: a byte now and then, for ever. `after_seconds`: late."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    cuts: bool = False
    resets: bool = False
    drips: bool = False
    after_seconds: float = 0.0


class Receiver:
    """The server; `answers` is a list served in turn (the last one for ever) or a function of the call."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, port: int = 0, host: str = "127.0.0.1") -> None:
        self.calls: list[Call] = []
        self.answers: Sequence[Answer] | Callable[[Call], Answer] = [Answer()]
        self.port = port
        self.most_at_once = 0
        self._at_once = 0
        self._tls = tls
        self._host = host
        self._served = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}/hook"

    def ids(self) -> list[str]:
        return [call.headers["webhook-id"] for call in self.calls]

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the receiver did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, self._host, self.port, ssl=self._tls, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        call = Call(path=head[0].split(" ")[1], headers=headers, body=body)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.calls.append(call)
            return await self._answer(self._choose(call), writer)
        finally:
            self._at_once -= 1

    def _choose(self, call: Call) -> Answer:
        if callable(self.answers):
            return self.answers(call)
        chosen = self.answers[min(self._served, len(self.answers) - 1)]
        self._served += 1
        return chosen

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        if answer.after_seconds:
            await asyncio.sleep(answer.after_seconds)
        if answer.hangs:
            await self._stop.wait()
        if answer.resets:
            return False
        promised = len(answer.body) + (100 if answer.cuts or answer.drips else 0)
        lines = [f"HTTP/1.1 {answer.status} Said", f"Content-Length: {promised}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + answer.body)
        await writer.drain()
        while answer.drips:
            await asyncio.sleep(0.05)
            writer.write(b".")
            await writer.drain()
        return not answer.cuts


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate that nobody trusts, for 127.0.0.1 and localhost, and its key; returns both paths."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "36500", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


def make_server_tls(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a context for a server with such a certificate and one for a client that trusts it alone."""
    certificate, key = make_certificate(folder)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
