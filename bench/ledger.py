"""How fast a story of many claims is folded, and how fast one claim more.

    python -m bench.ledger [--claims 100000] [--more 50]

A made-up story: some hundred records (the whole, places, populations) whose true figures move as tolls do; outlets
quote a dozen origins, round, lag by a day or two, name earlier figures. What counts is CPU time.
"""

import random
import statistics
import time
from datetime import UTC, datetime, timedelta

from bench.figures import bounded, chosen, leave, options
from monitor.ledger.fold import StoryFold
from storage.records import Claim, ClaimStatus, Qualifier, Span, StampedClaim, Story

STORY = Story(slug="bench", title="A long story")
START = datetime(2026, 1, 1, tzinfo=UTC)
METRICS = ("killed", "injured", "missing", "detained", "displaced")
DAYS = 90


class MadeUpStory:
    """Claims of one story, the same for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.records = [
            (metric, population, place)
            for metric in METRICS
            for population in (None, "age=child", "role=police", "other:guest")
            for place in (None, *(f"place-{number}" for number in range(15)))
        ]
        self.weights = [1 / (rank + 2) for rank in range(len(self.records))]
        self.random.shuffle(self.records)
        self.records.sort(key=lambda record: sum(part is not None for part in record[1:]))
        self.paths = [self._path() for _ in self.records]

    def _path(self) -> list[float]:
        """The true figure of a record on each day: fast at first, then rarely."""
        figure, path = float(self.random.randint(2, 40)), []
        for day in range(DAYS):
            if self.random.random() < 3 / (day + 3):
                figure += self.random.randint(1, max(2, int(figure / 4)))
            path.append(figure)
        return path

    def claims(self, count: int) -> list[StampedClaim]:
        """`count` claims, four to an article, more of them in the first days."""
        found = []
        for number, record in enumerate(self.random.choices(range(len(self.records)), self.weights, k=count)):
            if number % 4 == 0:
                day = min(DAYS - 1, int(self.random.expovariate(1 / 20)))
                at = START + timedelta(days=day, minutes=self.random.randint(0, 1439))
            found.append(self.claim(record, number, day, at))
        return found

    def claim(self, record: int, number: int, day: int, at: datetime) -> StampedClaim:
        """One claim on a record, as some outlet has it on a day."""
        metric, population, place = self.records[record]
        lag = self.random.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, 5))
        value = self.paths[record][max(0, day - lag)]
        hedge = self.random.choice([Qualifier.EXACT] * 5 + [Qualifier.AT_LEAST, Qualifier.MORE_THAN, Qualifier.ABOUT])
        if hedge in (Qualifier.MORE_THAN, Qualifier.ABOUT) and value > 20:
            value -= value % 10
        claim = Claim(
            metric=metric,
            value=value,
            low=value,
            qualifier=hedge,
            status=ClaimStatus.PREVIOUS if self.random.random() < 0.08 else ClaimStatus.CURRENT,
            population=population,
            place=place,
            origin=self.random.choice(
                (None, None, None, "ministry", "police", "mayor", "red cross", "officials", "army")
            ),
            quote=f"{value:g} people",
            rule="bench",
        )
        return StampedClaim(
            claim_id=f"c1-{number:032x}",
            claim=claim,
            story=STORY.slug,
            article_id=number // 4,
            url=f"https://example.org/{number // 4}",
            source=f"outlet {number // 4 % 80}",
            sentence=f"In all, {value:g} people were counted so far, said those who keep the list {number % 1000}.",
            asserted_at=Span(not_before=at, not_after=at),
            recorded_at=at,
        )


def main() -> None:
    """Print the time of folding everything, and the spread of folding one claim more at the end and in the middle."""
    parser = options(__doc__)
    parser.add_argument("--claims", type=int)
    parser.add_argument("--more", type=int, default=50)
    arguments = parser.parse_args()
    story = MadeUpStory()
    claims = story.claims(arguments.claims or chosen(arguments, 1_000, 100_000, 100_000))
    fold = StoryFold(STORY)
    started, used = time.perf_counter(), time.process_time()
    fold.add(claims)
    spent, wall = time.process_time() - used, time.perf_counter() - started
    histories = fold.histories()
    largest = max(len(history.refusals) for history in histories.values())
    print(
        f"{len(claims)} claims, {len(histories)} records, the largest of {largest} claims: folded in {spent:.2f} s CPU "
        f"({wall:.2f} s on the clock)"
    )
    figures = [bounded(f"{len(claims):,} claims of one story folded, CPU", spent, "s", at_most=5)]
    for name, day in (("at the end", DAYS - 1), ("in the middle", 20)):
        times = []
        for number in range(arguments.more):
            record = story.random.choices(range(len(story.records)), story.weights)[0]
            at = START + timedelta(days=day, hours=23, minutes=number % 60)
            more = story.claim(record, 10**9 + day * 10**6 + number * 4, day, at)
            used = time.process_time()
            fold.add([more])
            times.append((time.process_time() - used) * 1e3)
        times.sort()
        print(
            f"one claim more {name}: median {statistics.median(times):.1f} ms, "
            f"p95 {times[int(len(times) * 0.95)]:.1f} ms, worst {times[-1]:.1f} ms CPU"
        )
        figures.append(bounded(f"one claim more {name}, p95", times[int(len(times) * 0.95)], "ms", at_most=20))
    leave(arguments, figures)


if __name__ == "__main__":
    main()
