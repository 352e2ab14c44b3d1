"""SHELL: pieces of work that ended, and of which the queue was never told: it would hold their hosts for ever.

Where the server goes away just as a piece ends, its library leaves the piece as being done, by a worker that lives; of
its host nothing more would be handed out until that worker is started anew.
"""

import logging

from monitor.queueing import Queue

_LOG = logging.getLogger(__name__)

# A piece that ends is taken out of the queue in a moment; one that is seen so at two looks was forgotten (seconds).
LOOK_SECONDS = 10.0


class UnderWay:
    """What one worker is really doing, beside what the queue says of it."""

    def __init__(self) -> None:
        self._worker: int | None = None
        self._doing: set[int] = set()
        self._suspects: frozenset[int] = frozenset()

    def begin(self, worker: int | None, number: int | None) -> None:
        """A piece of this number was begun by the worker of that number."""
        if worker != self._worker:
            self._worker, self._suspects = worker, frozenset()
        if number is not None:
            self._doing.add(number)

    def end(self, number: int | None) -> None:
        """It has ended, however."""
        if number is not None:
            self._doing.discard(number)

    async def look(self, queue: Queue) -> int:
        """Take out what the queue says that we do, and we did not at the last look either; returns how much.

        Raises DatabaseError.
        """
        if self._worker is None:
            return 0
        idle = await queue.list_doing(self._worker) - self._doing
        forgotten = idle & self._suspects
        self._suspects = idle - forgotten
        for number in forgotten:
            await queue.drop(number)
        if forgotten:
            _LOG.warning("%d pieces had ended and the queue was not told; they are taken out of it", len(forgotten))
        return len(forgotten)
