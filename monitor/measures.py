"""What a process that works counts for Prometheus: pieces of work by kind and outcome, their times, what they found."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


def make_registry() -> CollectorRegistry:
    """A registry for all that one process shows: its own memory, CPU and file handles are in it from the beginning."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


class Measures:
    """Counters in a registry that some page or port shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._seconds = Histogram(
            "storywatch_work_seconds",
            "How long a poll, a page or a re-read took, the wait for its host's turn included",
            ["kind", "outcome"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._found = Counter(
            "storywatch_found", "What work brought: versions, claims, revisions", ["what"], registry=registry
        )

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Count one piece of work with its time; one that raises is counted as failed."""
        started = perf_counter()
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            self._seconds.labels(kind, outcome).observe(perf_counter() - started)

    def count(self, *, versions: int = 0, claims: int = 0, revisions: int = 0) -> None:
        """Add to what was found."""
        for what, number in (("versions", versions), ("claims", claims), ("revisions", revisions)):
            self._found.labels(what).inc(number)
