"""Feeds parsed a second, beside feedparser, with the share of the fast path and a check that nothing was lost.

python -m bench.parsing [--feeds FOLDER]        FOLDER of feed files; without it, 200 made ones of 20 entries with HTML
"""

import io
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import feedparser

from bench.corpus import Corpus
from bench.feedserver import make_feed
from bench.figures import Figure, chosen, leave, more, options
from monitor.reading.feeds import parse_feed
from storage.errors import FeedParseError

URL = "https://news.example/feed"


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--feeds", type=Path)
    arguments = parser.parse_args()
    folder = arguments.feeds
    bodies = _from_folder(folder) if folder else _made(chosen(arguments, 4, 100, 200))
    warnings.simplefilter("ignore")
    judged, judged_seconds = _timed(bodies, _judge)
    _, raw_seconds = _timed(bodies, _judge_raw)
    ours, our_seconds = _timed(bodies, _ours)
    paths = Counter(path for path, _ in ours)
    lost = sum(bool(theirs) and theirs != fields for theirs, (_, fields) in zip(judged, ours, strict=True))
    size = sum(map(len, bodies)) / 1e6
    print(f"{len(bodies)} feeds, {size:.1f} MB, one core, CPU time")
    print(f"  feedparser                {len(bodies) / judged_seconds:8.1f} a second")
    print(f"  feedparser, unsanitised   {len(bodies) / raw_seconds:8.1f} a second")
    print(
        f"  storywatch                {len(bodies) / our_seconds:8.1f} a second, "
        f"{judged_seconds / our_seconds:.1f} × feedparser"
    )
    print(f"  paths: {dict(paths)}; feeds whose titles, links, ids or dates differ from feedparser's: {lost}")
    count, fast = len(bodies), paths["fast"]
    what = f"{count} feeds parsed, {size / count * 1e3:.0f} kB each"
    rates = count / judged_seconds, count / our_seconds
    leave(
        arguments,
        [
            more(what, peer="feedparser", theirs=rates[0], ours=rates[1], unit="/s", at_least=15),
            Figure(what="of them lost or read otherwise", ours=str(lost), asked="0", is_met=not lost),
            Figure(what="of them on the fast path", ours=f"{fast / count:.0%}"),
        ],
    )


def _made(count: int) -> list[bytes]:
    corpus = Corpus(100_000)
    return [make_feed(n, list(corpus.articles(n * 20, n * 20 + 20)), "https://news.example") for n in range(count)]


def _from_folder(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def _timed(bodies: list[bytes], read: Any) -> tuple[list[Any], float]:
    start = time.process_time()
    out = [read(body) for body in bodies]
    return out, time.process_time() - start


def _judge(body: bytes) -> list[tuple[Any, ...]]:
    try:
        found = feedparser.parse(
            io.BytesIO(body), response_headers={"content-location": URL, "content-type": "application/xml"}
        )
    except Exception:  # feedparser raises on some hostile files; there is nothing to compare with then
        return []
    return [
        (e.get("id") or "", e.get("link") or "", e.get("title") or "", bool(dict.get(e, "published_parsed")))
        for e in found.entries
    ]


def _judge_raw(body: bytes) -> int:
    try:
        return len(feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False).entries)
    except Exception:  # as above
        return 0


def _ours(body: bytes) -> tuple[str, list[tuple[Any, ...]]]:
    try:
        feed = parse_feed(body, url=URL)
    except FeedParseError:
        return "refused", []
    return feed.path, [(e.entry_id, e.link, e.title, e.published_at is not None) for e in feed.entries]


if __name__ == "__main__":
    main()
