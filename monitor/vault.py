"""SHELL: evidence: answers of sites kept as they came, in WARC files that only grow, with a register in the store."""

import fnmatch
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlmodel import Session

from monitor.sources.answers import Exchange
from monitor.sources.warc import (
    WarcAnswer,
    WarcError,
    hash_bytes,
    read_answers,
    write_exchanges,
    write_revisit,
    write_warcinfo,
)
from storage import exhibits
from storage.errors import StorywatchError
from storage.exhibits import REVISITED
from storage.keys import stable_hash
from storage.records import Exhibit

_LOG = logging.getLogger(__name__)

SOFTWARE = "Storywatch/0.1"
_LARGEST_FILE = 1_000_000_000  # bytes, as ISO 28500 advises


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a kept answer, in words."""

    exhibit: Exhibit
    words: str


class Vault:
    """Keeps answers below `folder`. One process writes its own files, one thread at a time; all may read."""

    def __init__(self, folder: Path, *, feeds: Sequence[str] = (), stories: Sequence[str] = ()) -> None:
        """`feeds` are addresses, `stories` slugs, of which everything is kept; `*` stands for any letters."""
        self.folder = folder
        self._feeds = tuple(feeds)
        self._stories = tuple(stories)
        self._file: BinaryIO | None = None
        self._day = ""

    @property
    def wants_any_story(self) -> bool:
        """Whether a page may have to be kept, which is known only once it is read."""
        return bool(self._stories)

    def wants_feed(self, url: str) -> bool:
        """Whether the documents of this feed, and the pages of its entries, are to be kept."""
        return any(fnmatch.fnmatchcase(url, pattern) for pattern in self._feeds)

    def wants_stories(self, slugs: Iterable[str]) -> bool:
        """Whether pages that belong to one of these stories are to be kept."""
        return any(fnmatch.fnmatchcase(slug, pattern) for slug in slugs for pattern in self._stories)

    def keep(
        self,
        session: Session,
        exchanges: Sequence[Exchange],
        *,
        now: datetime,
        feed_id: int | None = None,
        article_id: int | None = None,
        again: bool = False,
    ) -> Exhibit | None:
        """Keep the hops of one fetch and enter them in the register; the body that was kept last is not kept twice.

        `again`: it is, since somebody asked. Returns None where nothing could be kept. A disk that takes no more is
        logged, and harms nothing but the evidence.
        """
        last = exchanges[-1]
        payload = hash_bytes(last.body)
        newest = exhibits.find_newest_exhibit(session, last.url, is_whole=True)
        if not again and newest is not None and (newest.payload_hash, newest.status) == (payload, last.status):
            return newest
        blob = write_exchanges(exchanges, now=now)
        return self._enter(session, last, blob, payload, now=now, feed_id=feed_id, article_id=article_id)

    def keep_same(
        self,
        session: Session,
        exchanges: Sequence[Exchange],
        *,
        now: datetime,
        is_same: Callable[[bytes], bool],
        feed_id: int | None = None,
        article_id: int | None = None,
    ) -> Exhibit | None:
        """Keep that an address answered as it did when its body was kept last: a revisit record, without the body.

        `is_same` tells whether a body, its compression undone, is the one that we hold now: the answer may repeat a
        newer one than was kept. None where the body that is repeated was not kept, or the disk takes no more.
        """
        last = exchanges[-1]
        held = exhibits.find_newest_exhibit(session, last.url, is_whole=True)
        if held is None or not self._holds(held, is_same):
            return None
        payload = held.payload_hash
        if last.status != REVISITED and hash_bytes(last.body) != payload:
            return self.keep(session, exchanges, now=now, feed_id=feed_id, article_id=article_id)
        blob = write_revisit(exchanges, now=now, payload_hash=payload, seen_at=held.fetched_at)
        kept = replace(last, status=REVISITED)
        return self._enter(session, kept, blob, payload, now=now, feed_id=feed_id, article_id=article_id)

    def _holds(self, held: Exhibit, is_same: Callable[[bytes], bool]) -> bool:
        try:
            return is_same(self.open_answer(held).text)
        except WarcError as error:
            _LOG.error("%s", error)
            return False

    def _enter(
        self,
        session: Session,
        last: Exchange,
        blob: bytes,
        payload: str,
        *,
        now: datetime,
        feed_id: int | None,
        article_id: int | None,
    ) -> Exhibit | None:
        try:
            name, start = self._append(blob, now)
        except OSError as error:
            _LOG.error("%s: evidence of %s cannot be kept (%s)", self.folder, last.url, error.strerror or error)
            self.close()
            return None
        exhibit = Exhibit(
            exhibit_id=stable_hash("x1", last.url, now.isoformat(), payload),
            url=last.url,
            status=last.status,
            fetched_at=now,
            payload_hash=payload,
            record_hash=hash_bytes(blob),
            file=name,
            start=start,
            size=len(blob),
            feed_id=feed_id,
            article_id=article_id,
        )
        exhibits.add_exhibit(session, exhibit)
        return exhibit

    def read(self, exhibit: Exhibit) -> bytes:
        """The records of one kept answer, as they stand in their file. Raises WarcError where they do not."""
        path = self.folder / exhibit.file
        try:
            with path.open("rb") as file:
                file.seek(exhibit.start)
                return file.read(exhibit.size)
        except OSError as error:
            raise WarcError(f"{path}: {error.strerror or error}; put the file back from a copy") from error

    def open_answer(self, exhibit: Exhibit) -> WarcAnswer:
        """What answered last in a kept fetch (before it stand redirects). Raises WarcError where it is damaged."""
        answers = read_answers(self.read(exhibit))
        if not answers:
            raise WarcError(f"{self.folder / exhibit.file}: no answer stands at byte {exhibit.start}")
        return answers[-1]

    def close(self) -> None:
        """Close the file that is written; the next answer begins a new one."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _append(self, blob: bytes, now: datetime) -> tuple[str, int]:
        """Write and sync; returns the file's name and where the bytes begin."""
        day = now.astimezone(UTC).strftime("%Y%m%d")
        if self._file is not None and (day != self._day or self._file.tell() + len(blob) > _LARGEST_FILE):
            self.close()
        if self._file is None:
            self._file = self._begin(now)
            self._day = day
        start = self._file.tell()
        self._file.write(blob)
        self._file.flush()
        os.fsync(self._file.fileno())
        return Path(self._file.name).name, start

    def _begin(self, now: datetime) -> BinaryIO:
        """A new file: nobody ever writes to one that another process began, so a torn end spoils no record after it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = f"storywatch-{now.astimezone(UTC):%Y%m%d-%H%M%S}"
        number = 0
        while True:
            name = f"{stem}-{number}.warc.gz"
            try:
                file = (self.folder / name).open("xb")
            except FileExistsError:
                number += 1
                continue
            file.write(write_warcinfo(name, SOFTWARE, now=now))
            return file


def find_problems(vault: Vault, kept: Iterable[Exhibit]) -> Iterator[Problem]:
    """Hold kept answers against their hashes, the register's and the records' own; yields what is wrong."""
    for exhibit in kept:
        try:
            blob = vault.read(exhibit)
            if hash_bytes(blob) != exhibit.record_hash:
                yield Problem(exhibit=exhibit, words="the file is not as it was written: the register has another hash")
                continue
            answers = read_answers(blob)
        except StorywatchError as error:
            yield Problem(exhibit=exhibit, words=str(error))
            continue
        if not answers or (answers[-1].repeats or hash_bytes(answers[-1].body)) != exhibit.payload_hash:
            yield Problem(exhibit=exhibit, words="the body is another than the register says")
        elif not all(answer.is_proved for answer in answers):
            yield Problem(exhibit=exhibit, words="the digests in the record's head are not those of its content")
