"""A process that reads pages for the service: a question a page on standard input, an answer each on standard output.

It is no command of its own: `monitor.page_readers` starts it and speaks to it. It ends when its input does, so that it
outlives no service, however that ends; signals that end a whole group of processes are the service's to answer.
"""

import json
import logging
import signal
import struct
import sys
from typing import BinaryIO

from monitor.reading.articles import read_article
from storage.codec import encode
from storage.errors import ArticleParseError

_HEAD = struct.Struct(">II")


def write_frame(stream: BinaryIO, head: object, body: bytes = b"") -> None:
    """Write a head (plain JSON values) and a body as one frame."""
    line = json.dumps(head).encode()
    stream.write(_HEAD.pack(len(line), len(body)) + line)
    stream.write(body)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[dict[str, object], bytes] | None:
    """The next frame's head and body; None at the end of the stream, also within a frame."""
    sizes = stream.read(_HEAD.size)
    if len(sizes) < _HEAD.size:
        return None
    length, size = _HEAD.unpack(sizes)
    line = stream.read(length)
    body = stream.read(size)
    if len(line) < length or len(body) < size:
        return None
    return dict(json.loads(line)), body


def answer(head: dict[str, object], body: bytes) -> dict[str, object]:
    """What became of one page: `article`, or the `error` that says why it is none."""
    url, content_type, lang = (str(head[name]) if head[name] is not None else None for name in ("url", "type", "lang"))
    try:
        return {"article": encode(read_article(body, url=url or "", content_type=content_type, lang=lang))}
    except ArticleParseError as error:
        return {"error": str(error)}


def main() -> None:
    """Answer until the input ends."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        try:
            write_frame(sys.stdout.buffer, answer(*frame))
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
