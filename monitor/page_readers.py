"""SHELL: pages are read in processes beside the service when many wait; few are read here, which needs no process.

Reading a page is pure work of some 15 ms that holds the interpreter. A process takes a second to start and 60 MB to
keep: it is started when a number of pages wait at once, and ended when none has come for a while.
"""

import asyncio
import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import BinaryIO, cast

from monitor.page_process import read_frame, write_frame
from monitor.reading.articles import read_article
from storage.codec import decode
from storage.errors import ArticleParseError
from storage.records import ReadArticle

_LOG = logging.getLogger(__name__)

# So many pages at once are worth a process that is not there yet.
MANY = 6
IDLE_SECONDS = 60.0
# No page takes a twentieth of it.
PATIENCE = 60.0

Compute = Callable[[Callable[[], ReadArticle]], Awaitable[ReadArticle]]


class PageReaders:
    """Reads pages, wherever there is room: in the service's own thinking thread first, then in up to `most` processes.

    Used from one event loop.
    """

    def __init__(
        self,
        compute: Compute,
        *,
        most: int,
        many: int = MANY,
        idle_seconds: float = IDLE_SECONDS,
        patience: float = PATIENCE,
    ) -> None:
        """`compute` runs pure work in the thinking thread; `most` 0: everything is read there. `many` pages that wait
        at once start a process, `idle_seconds` without any end them all; a page that takes one longer than `patience`
        (seconds) is given up.
        """
        self._compute = compute
        self._most = most
        self._many = many
        self._idle = idle_seconds
        self._patience = patience
        self._free: list[_Process] = []
        self._all: set[_Process] = set()
        self._threads = ThreadPoolExecutor(max_workers=max(1, most), thread_name_prefix="storywatch-pages")
        self._at_hand = 0
        self._is_thinking = False
        self._queue: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def processes(self) -> int:
        """How many processes there are now."""
        return len(self._all)

    async def read(
        self, body: bytes, *, url: str, content_type: str | None = None, lang: str | None = None
    ) -> ReadArticle:
        """Read a page as `read_article` does. Raises ArticleParseError, also where the page brought its reader down."""
        self._at_hand += 1
        try:
            process = await self._take_place()
            try:
                if process is not None:
                    return await self._ask(process, body, {"url": url, "type": content_type, "lang": lang})
                return await self._compute(lambda: read_article(body, url=url, content_type=content_type, lang=lang))
            finally:
                self._give_back(process)
        finally:
            self._at_hand -= 1

    async def _take_place(self) -> "_Process | None":
        """A process for one page, or None for the thinking thread; waits until one of them is free."""
        while True:
            if not self._is_thinking:
                self._is_thinking = True
                return None
            if self._free:
                return self._free.pop()
            if len(self._all) < self._most and self._at_hand >= self._many:
                process = _Process(self._patience)
                self._all.add(process)
                return process
            turn = asyncio.get_running_loop().create_future()
            self._queue.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._call_next()
                raise

    def _give_back(self, process: "_Process | None") -> None:
        if process is None:
            self._is_thinking = False
        elif process.is_ended:
            self._all.discard(process)
        else:
            self._free.append(process)
            self._end_later()
        self._call_next()

    def _call_next(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def _ask(self, process: "_Process", body: bytes, head: dict[str, str | None]) -> ReadArticle:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, process.read, body, head)
        except asyncio.CancelledError:
            process.end()  # its answer is wanted by nobody, and must not become that to the next question
            raise
        except OSError as error:
            _LOG.warning("no process can be started to read pages (%s); they are read by the service itself", error)
            self._most = 0
            process.end()
            url, content_type, lang = head["url"] or "", head["type"], head["lang"]
            return await self._compute(lambda: read_article(body, url=url, content_type=content_type, lang=lang))

    def _end_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._idle, self._end_idle)

    def _end_idle(self) -> None:
        for process in self._free:
            process.end()
            self._all.discard(process)
        self._free.clear()

    def close(self) -> None:
        """End all processes; what they are at is given up."""
        if self._timer is not None:
            self._timer.cancel()
        for process in self._all:
            process.end()
        self._all.clear()
        self._free.clear()
        self._threads.shutdown()


class _Process:
    """One process, begun with its first page; `read` is called from one thread at a time, `end` from any."""

    def __init__(self, patience: float) -> None:
        self.is_ended = False
        self._patience = patience
        self._lock = threading.Lock()
        self._popen: subprocess.Popen[bytes] | None = None

    def read(self, body: bytes, head: dict[str, str | None]) -> ReadArticle:
        """The page as read over there. Raises ArticleParseError for what is none, or where it brought the process down.

        Raises OSError where no process can be started.
        """
        popen = self._start()
        frame = None
        if popen is not None:
            with suppress(OSError, ValueError):  # it died, or was ended
                frame = self._exchange(popen, body, head)
        if frame is None:
            self.end()
            raise ArticleParseError(
                f"{head['url'] or 'the document'}: the process that read this page {_end_of(popen)}; the page is left "
                "out, others go on"
            )
        if "error" in frame:
            raise ArticleParseError(str(frame["error"]))
        return decode(ReadArticle, frame["article"])

    def _exchange(
        self, popen: subprocess.Popen[bytes], body: bytes, head: dict[str, str | None]
    ) -> dict[str, object] | None:
        asking, answering = cast(BinaryIO, popen.stdin), cast(BinaryIO, popen.stdout)
        write_frame(asking, head, body)
        ready = select.poll()
        ready.register(answering, select.POLLIN)
        if not ready.poll(self._patience * 1000):
            self.end()
            raise ArticleParseError(
                f"{head['url'] or 'the document'}: reading the page took more than {self._patience:g} s; "
                "it is left out, others go on"
            )
        frame = read_frame(answering)
        return frame[0] if frame is not None else None

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self.is_ended:
                return None
            if self._popen is None:
                paths = os.pathsep.join(path for path in sys.path if path)
                self._popen = subprocess.Popen(
                    [sys.executable, "-P", "-m", "monitor.page_process"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env={**os.environ, "PYTHONPATH": paths},
                )
            return self._popen

    def end(self) -> None:
        """End the process, whatever it is at; it keeps nothing that could be lost."""
        with self._lock:
            self.is_ended = True
            popen = self._popen
        if popen is None:
            return
        popen.kill()
        popen.wait()
        for stream in (popen.stdin, popen.stdout):
            with suppress(OSError):
                cast(BinaryIO, stream).close()


def _end_of(popen: subprocess.Popen[bytes] | None) -> str:
    """How a process ended, in words."""
    code = popen.returncode if popen is not None else None
    if code is None or code >= 0:
        return "ended"
    return f"was ended by {signal.Signals(-code).name}"
