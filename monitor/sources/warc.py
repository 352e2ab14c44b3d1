"""PURE: answers as WARC records (ISO 28500), written and read by warcio: bytes in, bytes out; files are the vault's."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from monitor.sources.answers import Exchange, Pairs
from storage.errors import StorywatchError

_VERSION = "1.1"
# Chunked transfer is undone when a body is read: its header would make readers of the file look for chunks.
_UNDONE = frozenset({"transfer-encoding"})
_ANSWERS = frozenset({"response", "revisit"})
_NOT_MODIFIED = 304
_RENAMED = "X-Archive-Orig-"
_DAMAGED = (ArchiveLoadFailed, ValueError, EOFError, AssertionError, AttributeError, OSError)


class WarcError(StorywatchError):
    """Bytes that should be WARC records are not."""


class _Head(StatusAndHeaders):  # type: ignore[misc]  # the library has no types
    """The head of an answer, whose letters are the bytes that came: the library's own would rewrite them in ASCII."""

    def to_ascii_bytes(self, filter_func: Any = None) -> bytes:
        """The head as it came."""
        head: bytes = self.to_bytes(filter_func, "latin-1")
        return head


@dataclass(frozen=True, slots=True, kw_only=True)
class WarcAnswer:
    """A response record as read back. `body` as it came over the wire, `text` with its compression undone.

    `is_proved`: the digests in the record's head are those of its content. `repeats`: the SHA-256 of an earlier body
    that a revisit record says was answered again; empty for a response, whose body is here.
    """

    url: str
    date: str
    status: str
    headers: Pairs
    body: bytes
    text: bytes
    is_proved: bool
    repeats: str = ""


def write_exchanges(exchanges: Sequence[Exchange], *, now: datetime) -> bytes:
    """The hops of one fetch as compressed records, each response before its request. `now` is aware."""
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version=_VERSION)
    for exchange in exchanges:
        head = _record_head(exchange, now)
        response = writer.create_warc_record(
            exchange.url,
            "response",
            payload=BytesIO(exchange.body),
            length=len(exchange.body),
            http_headers=_Head(
                f"{exchange.status} {exchange.reason}".strip(), _kept_headers(exchange), protocol=exchange.version
            ),
            warc_headers_dict=head,
        )
        path = exchange.url.partition("://")[2].partition("/")[2]
        request = writer.create_warc_record(
            exchange.url,
            "request",
            http_headers=StatusAndHeaders(
                f"GET /{path} {exchange.version}", list(exchange.request_headers), is_http_request=True
            ),
            warc_headers_dict={"WARC-Record-ID": _record_id("request", exchange, now), "WARC-Date": head["WARC-Date"]},
        )
        writer.write_request_response_pair(request, response)
    return out.getvalue()


def write_revisit(exchanges: Sequence[Exchange], *, now: datetime, payload_hash: str, seen_at: datetime) -> bytes:
    """One fetch that found what was kept before: redirects as they came, the last answer as a revisit record.

    `payload_hash` (SHA-256) is that of the body which was kept when it was fetched at `seen_at`.
    """
    last = exchanges[-1]
    profile = "server-not-modified" if last.status == _NOT_MODIFIED else "identical-payload-digest"
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version=_VERSION)
    head = _record_head(last, now) | {
        "WARC-Payload-Digest": f"sha256:{payload_hash}",
        "WARC-Profile": f"http://netpreserve.org/warc/1.1/revisit/{profile}",
        "WARC-Refers-To-Target-URI": last.url,
        "WARC-Refers-To-Date": _date(seen_at),
    }
    status = f"{last.status} {last.reason}".strip()
    record = writer.create_warc_record(
        last.url,
        "revisit",
        http_headers=_Head(status, _kept_headers(last), protocol=last.version),
        warc_headers_dict=head,
    )
    writer.write_record(record)
    return (write_exchanges(exchanges[:-1], now=now) if len(exchanges) > 1 else b"") + out.getvalue()


def write_warcinfo(name: str, software: str, *, now: datetime) -> bytes:
    """The record that begins a file of this name: what wrote it, and in which format."""
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version=_VERSION)
    info = {
        "software": software,
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
    }
    record = writer.create_warcinfo_record(name, info)
    record.rec_headers.replace_header("WARC-Date", _date(now))
    record.rec_headers.replace_header("WARC-Record-ID", f"<{uuid5(NAMESPACE_URL, f'{name} {_date(now)}').urn}>")
    writer.write_record(record)
    return out.getvalue()


def read_answers(blob: bytes) -> tuple[WarcAnswer, ...]:
    """The response records in a stretch of a WARC file. Raises WarcError where it is damaged."""
    try:
        return tuple(_read(blob))
    except _DAMAGED as error:
        raise WarcError(f"the records are damaged ({' '.join(str(error).split()) or type(error).__name__})") from error


def hash_bytes(data: bytes) -> str:
    """SHA-256 in hexadecimal digits, as registers and other tools write it."""
    return hashlib.sha256(data).hexdigest()


def _read(blob: bytes) -> Iterator[WarcAnswer]:
    # Read twice: a stream gives the body either as it came or with its compression undone.
    bodies = [record.raw_stream.read() for record in ArchiveIterator(BytesIO(blob)) if record.rec_type in _ANSWERS]
    number = 0
    for record in ArchiveIterator(BytesIO(blob), check_digests=True):
        content = record.content_stream().read()
        if record.rec_type not in _ANSWERS:
            continue
        head = record.rec_headers
        checked = record.digest_checker
        yield WarcAnswer(
            url=head.get_header("WARC-Target-URI") or "",
            date=head.get_header("WARC-Date") or "",
            status=record.http_headers.statusline if record.http_headers else "",
            headers=tuple(record.http_headers.headers) if record.http_headers else (),
            body=bodies[number],
            text=content,
            # Of a revisit there is no body to prove: what it repeats is proved where that is kept.
            is_proved=record.rec_type == "revisit" or (checked is not None and checked.passed is True),
            repeats=(head.get_header("WARC-Payload-Digest") or "").partition(":")[2]
            if record.rec_type == "revisit"
            else "",
        )
        number += 1


def _record_head(exchange: Exchange, now: datetime) -> dict[str, str]:
    head = {
        "WARC-Record-ID": _record_id("response", exchange, now),
        "WARC-Date": _date(now),
        "WARC-Payload-Digest": f"sha256:{hash_bytes(exchange.body)}",
    }
    if exchange.address:
        head["WARC-IP-Address"] = exchange.address
    if exchange.is_cut:
        head["WARC-Truncated"] = "unspecified"
    return head


def _kept_headers(exchange: Exchange) -> list[tuple[str, str]]:
    return [(f"{_RENAMED}{name}" if name.lower() in _UNDONE else name, value) for name, value in exchange.headers]


def _record_id(kind: str, exchange: Exchange, now: datetime) -> str:
    """The same record has the same id, wherever it is written: no chance is needed."""
    return f"<{uuid5(NAMESPACE_URL, f'{kind} {exchange.url} {_date(now)} {hash_bytes(exchange.body)}').urn}>"


def _date(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
