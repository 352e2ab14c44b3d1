"""What hosts asked of us, in mind and ready to be kept: no request before a time, a pause between two."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from storage.errors import HostRestsError
from storage.records import HostManners

# A longer rest is a slip of the pen, or a refusal: then we ask once a week whether it still holds.
_LONGEST_REST = timedelta(days=7)
# A crawl delay that is as it was is noted anew after so long, so that what is in use is not forgotten.
_STALE = timedelta(days=7)


class HostBook:
    """Remembers what hosts asked; `take_changes` gives what a store has to keep, so that a restart forgets none."""

    def __init__(self, held: Iterable[HostManners] = (), *, clock: Callable[[], datetime]) -> None:
        """`held` is what was kept; `clock` gives aware times."""
        self._hosts = {one.host: one for one in held}
        self._clock = clock
        self._changed: set[str] = set()

    def now(self) -> datetime:
        """The time by our clock."""
        return self._clock()

    def learn(self, held: Iterable[HostManners]) -> None:
        """Take over what others of us were asked since: a longer rest holds for all."""
        for one in held:
            known = self._hosts.get(one.host)
            if known is None or (
                one.quiet_until and (known.quiet_until is None or known.quiet_until < one.quiet_until)
            ):
                self._hosts[one.host] = one

    def check(self, host: str, url: str) -> None:
        """Raise HostRestsError while `host` wants no request; `url` is what would be asked for."""
        known = self._hosts.get(host)
        until = known.quiet_until if known is not None else None
        left = (until - self._clock()).total_seconds() if until is not None else 0.0
        if until is not None and left > 0:
            raise HostRestsError(
                f"{url}: {host} asked for no request before {until:%Y-%m-%d %H:%M:%S} UTC; it is asked again then",
                seconds=left,
            )

    def note_rest(self, host: str, seconds: float) -> None:
        """The host wants no request for so long (Retry-After of a 429 or 503)."""
        if seconds <= 0:
            return
        now = self._clock()
        until = now + min(timedelta(seconds=seconds), _LONGEST_REST)
        known = self._hosts.get(host) or HostManners(host=host, noted_at=now)
        if known.quiet_until is None or known.quiet_until < until:
            self._put(replace(known, quiet_until=until, noted_at=now))

    def note_crawl_delay(self, host: str, seconds: float) -> None:
        """What the host's robots.txt asks for between two requests now; 0 where it asks for nothing."""
        now = self._clock()
        known = self._hosts.get(host)
        if known is None and not seconds:
            return
        known = known or HostManners(host=host, noted_at=now)
        if known.crawl_delay != seconds or now - known.noted_at > _STALE:
            self._put(replace(known, crawl_delay=seconds, noted_at=now))

    def crawl_delays(self) -> Iterator[tuple[str, float]]:
        """The hosts that asked for a pause between two requests, in seconds."""
        return ((host, one.crawl_delay) for host, one in self._hosts.items() if one.crawl_delay)

    def take_changes(self) -> tuple[HostManners, ...]:
        """What was noted since the last call, to be kept."""
        changed, self._changed = self._changed, set()
        return tuple(self._hosts[host] for host in sorted(changed))

    def put_back(self, changes: Iterable[HostManners]) -> None:
        """Changes that could not be kept: they are due again."""
        self._changed.update(one.host for one in changes)

    def _put(self, manners: HostManners) -> None:
        self._hosts[manners.host] = manners
        self._changed.add(manners.host)
