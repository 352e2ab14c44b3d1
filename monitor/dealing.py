"""PURE: how the places of what runs at once are dealt among hosts, so that none holds back the others.

A host answers one request at a time, so more than a few pieces of work for it only wait, each in a place that another
host could use. One that rests, or is slow, is given less; what it keeps waiting is due all the same.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Set
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

_T = TypeVar("_T")

# A host whose last piece of work took so long, or that has one under way for so long, is slow (seconds).
SLOW_SECONDS = 10.0
# A host that rests for longer than this is passed over until the next look (seconds).
_SHORT_REST = 1.0


def host_of(url: str) -> str:
    """The host of an address in lower case, without its port; empty for what is no address."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


@dataclass(slots=True, kw_only=True)
class Room:
    """The places that are free at one moment; `take` gives them away."""

    quick: int
    slow: int
    total: int
    share: int
    held: Counter[str]
    slow_hosts: frozenset[str]
    quick_hosts: Set[str]
    pause_of: Callable[[str], float]
    rest_of: Callable[[str, float], float]
    at: float

    @property
    def is_full(self) -> bool:
        """Whether no host at all could be given a place."""
        is_slow_served = self.slow <= 0 or all(self.held[host] for host in self.slow_hosts)
        return self.total <= 0 or (self.quick <= 0 and is_slow_served)

    def take(self, host: str) -> bool:
        """Take a place for a piece of work of `host`; False where it has to wait for a later look."""
        return self._take(host, self.share, kept=0)

    def take_left(self, host: str) -> bool:
        """Take a place that nobody else wants, beyond a host's share: for one that answered quickly before.

        As many places as a share stay free for whoever comes before the next look.
        """
        return host in self.quick_hosts and host not in self.slow_hosts and self._take(host, self.total, self.share)

    def _take(self, host: str, share: int, kept: int) -> bool:
        is_slow = host in self.slow_hosts
        free = -kept + min(self.total, self.slow if is_slow else self.quick)
        most = 1 if is_slow or self.pause_of(host) >= _SHORT_REST else share
        if free <= 0 or self.held[host] >= most or self.rest_of(host, self.at) > _SHORT_REST:
            return False
        self.held[host] += 1
        self.total -= 1
        if is_slow:
            self.slow -= 1
        else:
            self.quick -= 1
        return True


class Dealer:
    """Knows what is under way for which host, and since when. Times are seconds of any steady clock."""

    def __init__(
        self,
        concurrency: int,
        *,
        pause_of: Callable[[str], float] = lambda _: 0.0,
        rest_of: Callable[[str, float], float] = lambda _host, _at: 0.0,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        """`concurrency` pieces at once of hosts that answer, and half as many of slow ones beside them.

        `pause_of` gives the seconds between two requests to a host, `rest_of` those from a moment on until the next
        may begin.
        """
        self._concurrency = concurrency
        self._pause_of = pause_of
        self._rest_of = rest_of
        self._slow_seconds = slow_seconds
        self._under_way: dict[Hashable, tuple[str, float]] = {}
        self._slow: set[str] = set()
        self._quick: set[str] = set()

    def begin(self, key: Hashable, host: str, at: float) -> None:
        """Note that a piece of work of `host` begins."""
        self._under_way[key] = host, at

    def end(self, key: Hashable, at: float) -> None:
        """Note that it ended, however it did."""
        host, began = self._under_way.pop(key)
        if at - began >= self._slow_seconds:
            self._slow.add(host)
            self._quick.discard(host)
        else:
            self._slow.discard(host)
            self._quick.add(host)

    def room(self, at: float) -> Room:
        """The places that are free now: what a slow host keeps waiting takes none of those of the others."""
        late = {host for host, began in self._under_way.values() if at - began >= self._slow_seconds}
        slow_hosts = frozenset(self._slow | late)
        held = Counter(host for host, _ in self._under_way.values())
        slow = sum(count for host, count in held.items() if host in slow_hosts)
        total = sum(held.values())
        return Room(
            quick=self._concurrency - (total - slow),
            slow=max(1, self._concurrency // 2) - slow,
            total=2 * self._concurrency - total,
            share=max(1, self._concurrency // 4),
            held=held,
            slow_hosts=slow_hosts,
            quick_hosts=self._quick,
            pause_of=self._pause_of,
            rest_of=self._rest_of,
            at=at,
        )


def deal(due: Iterable[tuple[str, _T]], most: int, *, share: int) -> list[_T]:
    """At most `most` pieces of what is due, a turn a host after the other, at most `share` of each host.

    `due` names the host of each piece; the order within a host stays, and hosts come in the order of their first.
    """
    by_host: dict[str, list[_T]] = {}
    for host, piece in due:
        of_host = by_host.setdefault(host, [])
        if len(of_host) < share:
            of_host.append(piece)
    turns = (pieces[turn] for turn in range(share) for pieces in by_host.values() if turn < len(pieces))
    return [piece for piece, _ in zip(turns, range(most), strict=False)]
