"""SHELL: evidence that need not be kept any longer is dropped once a day: by age, by story, and down to a size.

WARC files only grow while they are written. What is to go is taken out of files that nobody writes any more: a file of
which all is to go is deleted, any other is written anew with what stays, byte for byte, and the register follows.
"""

import logging
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from monitor.sources.warc import WarcError, write_warcinfo
from monitor.vault import SOFTWARE, Vault
from storage import articles, exhibits
from storage.database import Database
from storage.records import Exhibit

_LOG = logging.getLogger(__name__)

# A file with a younger answer may still be written.
_SETTLED = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRules:
    """For how long evidence is kept: `keep_for`, in stories of `by_story` for that time; zero is for ever.

    `most_bytes` bounds all of it, zero does not: the oldest goes first.
    """

    keep_for: timedelta = timedelta(0)
    by_story: Mapping[str, timedelta] = field(default_factory=dict)
    most_bytes: int = 0

    @property
    def drops_anything(self) -> bool:
        """Whether any of it may ever go."""
        return bool(self.keep_for or any(self.by_story.values()) or self.most_bytes)


def choose_dropped(
    kept: Iterable[Exhibit], stories_of: Mapping[int, Sequence[str]], rules: EvidenceRules, now: datetime
) -> frozenset[str]:
    """PURE: the ids of the answers that may go. A body stays as long as an answer that repeats it does.

    `stories_of` gives an article's stories; of several the longest time holds. Nothing goes out of a file that may
    still be written.
    """
    kept = tuple(kept)
    busy = {one.file for one in kept if now - one.fetched_at < _SETTLED}
    groups: dict[tuple[str, str], list[Exhibit]] = {}
    for one in kept:
        groups.setdefault((one.url, one.payload_hash), []).append(one)
    ordered = sorted(groups.values(), key=lambda group: max(one.fetched_at for one in group))
    left = sum(one.size for group in ordered for one in group)
    dropped: set[str] = set()
    for group in ordered:
        if not busy.isdisjoint(one.file for one in group):
            continue
        age = now - max(one.fetched_at for one in group)
        times = [_kept_for(one, stories_of, rules) for one in group]
        is_old = all(times) and age > max(times)
        is_too_much = bool(rules.most_bytes) and left > rules.most_bytes
        if is_old or is_too_much:
            dropped.update(one.exhibit_id for one in group)
            left -= sum(one.size for one in group)
    return frozenset(dropped)


def prune_evidence(database: Database, folder: Path, rules: EvidenceRules, now: datetime) -> int:
    """Drop what the rules let go, from the files and the register; returns how many answers. Raises DatabaseError.

    A file that is damaged, or cannot be written anew, stays as it is, and the log says so.
    """
    if not rules.drops_anything:
        return 0
    with database.read() as session:
        kept = exhibits.list_exhibits(session)
        numbers = {one.article_id for one in kept if one.article_id is not None} if rules.by_story else set()
        stories_of = {number: articles.list_stories_of(session, number) for number in numbers}
    dropped = choose_dropped(kept, stories_of, rules, now)
    by_file: dict[str, list[Exhibit]] = {}
    for one in kept:
        by_file.setdefault(one.file, []).append(one)
    count = 0
    for name, held in by_file.items():
        if dropped.isdisjoint(one.exhibit_id for one in held):
            continue
        try:
            count += _prune_file(database, folder, name, held, dropped, now)
        except (OSError, WarcError) as error:
            _LOG.error("%s: evidence that could go stays (%s)", folder / name, error)
    return count


def _kept_for(one: Exhibit, stories_of: Mapping[int, Sequence[str]], rules: EvidenceRules) -> timedelta:
    """For how long an answer is kept; zero is for ever."""
    slugs = stories_of.get(one.article_id, ()) if one.article_id is not None else ()
    times = [rules.by_story[slug] for slug in slugs if slug in rules.by_story] or [rules.keep_for]
    return max(times) if all(times) else timedelta(0)


def _prune_file(
    database: Database, folder: Path, name: str, held: Sequence[Exhibit], dropped: Collection[str], now: datetime
) -> int:
    going = [one.exhibit_id for one in held if one.exhibit_id in dropped]
    staying = sorted((one for one in held if one.exhibit_id not in dropped), key=lambda one: one.start)
    moved = _write_anew(folder, name, staying, now) if staying else ()
    with database.write() as session:
        exhibits.move_exhibits(session, moved)
        exhibits.forget_exhibits(session, going)
    # Only now: a crash before leaves a file too many, and loses nothing.
    (folder / name).unlink(missing_ok=True)
    return len(going)


def _write_anew(folder: Path, name: str, staying: Sequence[Exhibit], now: datetime) -> tuple[Exhibit, ...]:
    """What stays of a file in a new one; returns where each answer stands there."""
    vault = Vault(folder)
    blobs = [vault.read(one) for one in staying]
    stem = name.removesuffix(".warc.gz").partition("-kept")[0]
    fresh = f"{stem}-kept-{now:%Y%m%d%H%M%S}.warc.gz"
    moved = []
    with (folder / fresh).open("xb") as file:
        file.write(write_warcinfo(fresh, SOFTWARE, now=now))
        for one, blob in zip(staying, blobs, strict=True):
            moved.append(replace(one, file=fresh, start=file.tell()))
            file.write(blob)
        file.flush()
        os.fsync(file.fileno())
    return tuple(moved)
