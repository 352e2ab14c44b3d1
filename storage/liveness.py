"""What is known of the parts of the service: who they are, how long each has been silent, who leads. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

RUN, SCHEDULER, WORKER, PAGE = "run", "scheduler", "worker", "page"
ROLES = (RUN, SCHEDULER, WORKER, PAGE)
# Who was heard of within this lives, as far as is known; each says so three times as often.
LIVE_FOR = timedelta(seconds=30)
# Who has been silent for so long was stopped hard, or is no more.
KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A process of the service. `place` is machine and process, `work` the queues that a worker takes from.

    `since` is when it first said that it lives, `leads_since` when it first said that it leads (None: it does not),
    both by the database's clock.
    """

    role: str
    place: str
    work: tuple[str, ...] = ()
    since: datetime | None = None
    leads_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A part, when it was heard of last, and how long it has been silent since, by the database's clock."""

    part: Part
    heard_at: datetime
    silence: timedelta

    @property
    def is_live(self) -> bool:
        """Whether it was heard of lately."""
        return self.silence <= LIVE_FOR


def find_leader(heard: Iterable[Heard]) -> Heard | None:
    """Who leads: of the live ones that say so the last to have begun, since the one before it was given up."""
    leading = [(one.part.leads_since, one) for one in heard if one.is_live and one.part.leads_since is not None]
    return max(leading, key=lambda pair: pair[0])[1] if leading else None
