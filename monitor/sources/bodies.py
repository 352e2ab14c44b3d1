"""Undo a body's compression in small steps, never past a limit."""

import zlib
from collections.abc import Iterator
from io import BytesIO

from storage.errors import BodyTooLargeError, FetchError

_STEP = 64 * 1024
_GZIP_FILE = b"\x1f\x8b\x08"


class BodyError(FetchError):
    """The body's encoding is damaged, or is one that was not asked for."""


class BodyDecoder:
    """Collects the chunks of one body, decompressed, and stops at `max_bytes`.

    Only gzip is asked for; deflate is understood since some servers send it unasked, and a gzipped file is read as what
    is in it. Anything else is an error, because two kilobytes of it may hold gigabytes.
    """

    def __init__(self, encoding: str, *, url: str, max_bytes: int, keep_raw: bool = False) -> None:
        """`encoding` is the Content-Encoding header (BodyError if not understood); `url` goes into messages.

        `keep_raw`: `raw` holds the body as it came, which then may not be larger than `max_bytes` either.
        """
        self._url = url
        self._max_bytes = max_bytes
        self._body = BytesIO()  # grows in place, and is handed out without a copy
        self._size = 0
        self._raw = bytearray() if keep_raw else None
        self._has_begun = False
        self._is_output_waiting = False
        self._inflate: zlib._Decompress | None = None
        name = encoding.strip().lower()
        self._may_be_raw = name == "deflate"
        if name in {"gzip", "x-gzip", "deflate"}:
            self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        elif name not in {"", "identity"}:
            raise BodyError(
                f"{url}: the server sent the body as {name!r} although only gzip was asked for; "
                "report it to the site, or watch another address of it"
            )

    def add(self, chunk: bytes) -> None:
        """Take the next chunk as it came from the network. Raises BodyTooLargeError or BodyError."""
        for _ in self.take(chunk):
            pass

    def take(self, chunk: bytes) -> Iterator[int]:
        """Take the next chunk in small steps; yields the size so far after each, so that the caller may wait between.

        Raises BodyTooLargeError or BodyError.
        """
        if self._raw is not None:
            self._raw += chunk
            self._check_size(len(self._raw))
        if not self._size and self._inflate is None and chunk.startswith(_GZIP_FILE):
            # A compressed file (sitemap.xml.gz), sent as it is: no header tells.
            self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        if self._inflate is None:
            self._keep(chunk)
            yield self._size
            return
        data = chunk
        self._has_begun = self._has_begun or bool(chunk)
        while data:
            data = self._step(data)
            yield self._size
            while self._is_output_waiting:
                self._drain()
                yield self._size

    def _drain(self) -> None:
        assert self._inflate is not None
        try:
            piece = self._inflate.decompress(b"", _STEP)
        except zlib.error as error:
            raise BodyError(
                f"{self._url}: the compressed body is damaged ({error}); it will be asked for again"
            ) from error
        self._is_output_waiting = len(piece) == _STEP
        self._keep(piece)

    def _step(self, data: bytes) -> bytes:
        assert self._inflate is not None
        try:
            piece = self._inflate.decompress(data, _STEP)
            self._is_output_waiting = len(piece) == _STEP and not self._inflate.unconsumed_tail
            self._keep(piece)
        except zlib.error as error:
            if not (self._may_be_raw and not self._size):
                raise BodyError(
                    f"{self._url}: the compressed body is damaged ({error}); it will be asked for again"
                ) from error
            self._inflate = zlib.decompressobj(
                wbits=-zlib.MAX_WBITS
            )  # deflate without its header, as some servers send it
            self._may_be_raw = False
            return data
        if self._inflate.eof:
            rest = self._inflate.unused_data
            if not rest.startswith(b"\x1f\x8b"):
                return b""  # bytes after the end of the stream mean nothing
            self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip members may follow one another
            return rest
        return self._inflate.unconsumed_tail

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        self._check_size(self._size)
        self._body.write(piece)

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            # The error holds on to this frame for as long as it is told: it should not hold the body as well.
            self._body = BytesIO()
            if self._raw is not None:
                self._raw.clear()
            raise BodyTooLargeError(
                f"{self._url}: the body is larger than {self._max_bytes:,} bytes once decompressed; "
                "it is not read further (feeds and pages of that size are not news)"
            )

    @property
    def raw(self) -> bytes:
        """The body as it came, if it was to be kept."""
        return bytes(self._raw or b"")

    def finish(self) -> bytes:
        """The whole body. Raises BodyError when the compressed stream ended early."""
        if self._inflate is not None and self._has_begun and not self._inflate.eof:
            raise BodyError(f"{self._url}: the compressed body ends too early; it will be asked for again")
        return self._body.getvalue()
