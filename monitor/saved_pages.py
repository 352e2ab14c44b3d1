"""SHELL: pages that somebody saved (a folder of HTML files, a WARC file of a crawler) as reports for the archive.

WARC: ISO 28500, https://iipc.github.io/warc-specifications/. Of it we need records of kind `response` (an HTTP answer)
and `resource` (a bare body).
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from monitor.archive import Report
from monitor.reading.articles import read_article
from monitor.reading.dates import read_span
from monitor.reading.livepages import place_posts
from monitor.reading.urls import parsable
from monitor.sources.bodies import BodyDecoder
from storage.errors import ArticleParseError, FetchError, StorywatchError

PAGES = frozenset({".html", ".htm", ".xhtml"})
ARCHIVES = (".warc", ".warc.gz")
MOST_BYTES = 15 * 1024 * 1024
_LONGEST_LINE = 64 * 1024
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, ValueError)
_KINDS = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPage:
    """One page as it was saved. `name` is for messages; `url` and `captured_at` are empty where nobody noted them."""

    name: str
    url: str
    body: bytes
    content_type: str | None = None
    captured_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedReports:
    """What a folder or a WARC file held: reports, and for each page that is none a line that says why."""

    reports: tuple[Report, ...]
    skipped: tuple[str, ...]


def is_saved(path: Path) -> bool:
    """Whether a path is a folder of pages or a WARC file, by its name."""
    return path.is_dir() or path.name.lower().endswith(ARCHIVES)


def read_saved(path: Path) -> SavedReports:
    """The articles of a folder (all HTML files below it) or a WARC file. Raises StorywatchError for a damaged file."""
    reports: list[Report] = []
    skipped: list[str] = []
    try:
        for page in _folder_pages(path) if path.is_dir() else _warc_pages(path):
            try:
                reports.append(_report(page))
            except ArticleParseError as error:
                skipped.append(f"{page.name}: {error}")
    except OSError as error:
        raise StorywatchError(f"{path}: {error.strerror or error}") from error
    return SavedReports(reports=tuple(reports), skipped=tuple(skipped))


def _report(page: SavedPage) -> Report:
    if not page.body.strip():
        raise ArticleParseError("nothing is in it")
    read = read_article(page.body, url=page.url, content_type=page.content_type)
    if read.obstacle is not None:
        raise ArticleParseError(f"no article text ({read.obstacle})")
    url = parsable(page.url) or read.canonical_url
    return Report(
        report_id=url or page.name,
        title=read.title,
        text=read.text,
        published=read.published,
        source=read.source or urlsplit(url).hostname or "",
        url=url or f"report:{page.name}",
        lang=read.lang,
        parts=place_posts(read),
        captured_at=page.captured_at,
    )


def _folder_pages(folder: Path) -> Iterator[SavedPage]:
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in PAGES and file.is_file():
            yield SavedPage(name=file.relative_to(folder).as_posix(), url="", body=file.read_bytes()[:MOST_BYTES])


# --- WARC -------------------------------------------------------------------------------------


def _warc_pages(path: Path) -> Iterator[SavedPage]:
    """The pages of a WARC file, compressed record by record, as a whole, or not at all."""
    with path.open("rb") as raw:
        is_packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: BinaryIO = gzip.GzipFile(fileobj=raw) if is_packed else raw  # type: ignore[assignment]  # reads like one
        whole = 0
        try:
            while (head := _next_head(stream)) is not None:
                block = _read(stream, int(head.get("content-length", "")))
                whole += 1
                page = _page(head, block, f"{path.name}, record {whole}")
                if page is not None:
                    yield page
        except _DAMAGED as error:
            raise StorywatchError(
                f"{path}: damaged after record {whole}: {error}. {whole} records could be read; nothing was stored: "
                "fetch the file again"
            ) from error


def _next_head(stream: BinaryIO) -> dict[str, str] | None:
    """The headers of the next record, or None at the end. Raises ValueError for what is no WARC."""
    line = b"\r\n"
    while line in (b"\r\n", b"\n"):
        line = stream.readline(_LONGEST_LINE)
    if not line:
        return None
    if not line.startswith(b"WARC/"):
        raise ValueError("no WARC record begins here")
    return _headers(stream)


def _headers(stream: BinaryIO) -> dict[str, str]:
    found: dict[str, str] = {}
    while (line := stream.readline(_LONGEST_LINE)).strip():
        name, _, value = line.decode("utf-8", "replace").partition(":")
        found[name.strip().lower()] = value.strip()
    return found


def _read(stream: BinaryIO, size: int) -> bytes:
    """The next `size` bytes; of a larger record than a page can be, nothing. Raises EOFError for a cut file."""
    kept, left = bytearray(), size
    while left:
        part = stream.read(min(left, 1 << 20))
        if not part:
            raise EOFError("the file ends within a record")
        left -= len(part)
        if size <= MOST_BYTES:
            kept += part
    return bytes(kept)


def _page(head: dict[str, str], block: bytes, name: str) -> SavedPage | None:
    """The page in a record, or None where it holds something else (a request, a picture, an error page)."""
    url = head.get("warc-target-uri", "").strip("<>")
    if not block or not url.startswith(("http://", "https://")):
        return None
    date = read_span(head.get("warc-date", ""))
    at = date.not_after if date is not None else None
    if head.get("warc-type") == "resource":
        kind = head.get("content-type", "")
        return SavedPage(name=name, url=url, body=block, content_type=kind, captured_at=at) if _is_page(kind) else None
    if head.get("warc-type") != "response":
        return None
    top, _, body = block.partition(b"\r\n\r\n")
    lines = top.decode("latin-1").split("\r\n")
    answer = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
    status = lines[0].split()
    kind = answer.get("content-type", "")
    if len(status) < 2 or status[1] != "200" or not _is_page(kind):
        return None
    try:
        if answer.get("transfer-encoding", "").lower() == "chunked":
            body = _unchunk(body)
        decoder = BodyDecoder(answer.get("content-encoding", ""), url=url, max_bytes=MOST_BYTES)
        decoder.add(body)
        return SavedPage(name=name, url=url, body=decoder.finish(), content_type=kind, captured_at=at)
    except (FetchError, ValueError):
        # Some crawlers undo the encodings and keep the headers that told of them.
        return SavedPage(name=name, url=url, body=body, content_type=kind, captured_at=at)


def _is_page(kind: str) -> bool:
    return kind.partition(";")[0].strip().lower() in _KINDS


def _unchunk(body: bytes) -> bytes:
    """An HTTP/1.1 body without the marks of its chunks. Raises ValueError where there are none."""
    kept, at = bytearray(), 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        if size < 0:
            raise ValueError("a chunk of negative size")
        if size == 0:
            return bytes(kept)
        kept += body[end + 2 : end + 2 + size]
        at = end + 2 + size + 2
