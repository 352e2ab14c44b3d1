"""Made-up articles for benchmarks: words by Zipf's law, sentences dealt again and again, over four years."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from storage.records import Claim, Match, NewArticle, Span, StampedClaim, Story

STORY = Story(slug="bench", title="Benchmark")
START = datetime(2022, 1, 1, tzinfo=UTC)
YEARS = 4
VOCABULARY = 120_000
SENTENCES = 60_000
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"] + ["ка", "то", "ев", "ск", "ль", "ня", "ст"]


class Corpus:
    """Articles by number: the same seed gives the same articles. About 3 kB of text each."""

    def __init__(self, count: int, seed: int = 7) -> None:
        self.count = count
        chance = random.Random(seed)
        spelt: dict[str, None] = {}
        while len(spelt) < VOCABULARY:
            spelt["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4)))] = None
        self.words = list(spelt)
        total, weights = 0.0, []
        for place in range(1, VOCABULARY + 1):
            total += 1 / (place + 2.7)
            weights.append(total)
        self.sentences = [
            " ".join(chance.choices(self.words, cum_weights=weights, k=chance.randint(12, 28))).capitalize() + "."
            for _ in range(SENTENCES)
        ]
        self._seed = seed

    def articles(self, first: int = 0, last: int | None = None) -> Iterator[NewArticle]:
        """Articles by number, in the order of publication."""
        step = timedelta(days=365 * YEARS) / self.count
        for number in range(first, self.count if last is None else last):
            chance = random.Random(self._seed * 1_000_003 + number)
            parts = chance.choices(self.sentences, k=chance.randint(16, 32))
            moment = START + number * step
            yield NewArticle(
                url=f"https://site{number % 50}.example/news/{number}",
                title=parts[0][:80],
                text="\n".join(parts[1:]),
                text_hash=f"t1-{number:032x}",
                fetched_at=moment + timedelta(minutes=7),
                source=f"Source {number % 50}",
                lang="en" if number % 3 else "ru",
                published=Span(not_before=moment, not_after=moment),
                matches=(Match(story=STORY.slug, score=1.0, hits=()),) if number % 4 == 0 else (),
                aliases=(f"guid:{number % 50}:{number}",),
            )

    def claim(self, number: int, article_id: int, recorded_at: datetime) -> StampedClaim:
        """The one claim of an article that has one."""
        return StampedClaim(
            claim_id=f"c1-{number:032x}",
            claim=Claim(metric="killed", value=float(number % 500)),
            story=STORY.slug,
            article_id=article_id,
            recorded_at=recorded_at,
        )

    def queries(self, count: int, seed: int = 11) -> list[str]:
        """Queries as people put them: words of all frequencies, phrases, prefixes, fields, dates, figures."""
        chance = random.Random(seed)
        found = []
        for _ in range(count):
            first, second = (self.words[int(VOCABULARY ** chance.random())] for _ in range(2))
            phrase = " ".join(chance.choice(self.sentences).rstrip(".").split()[2:4])
            common = self.words[chance.randint(0, 40)]
            found.append(
                chance.choice(
                    [
                        first,
                        first,
                        common,
                        f"{common} {first}",
                        f"{first} {second}",
                        f'"{phrase}"',
                        f"{common} -{first}",
                        f"{first} OR {second}",
                        f"{first[:4]}*",
                        f'{common} source:"source {chance.randint(0, 49)}"',
                        f"{first} after:{chance.randint(2022, 2025)}-03 before:{chance.randint(2023, 2026)}",
                        f"story:bench lang:ru {common}",
                        f"{common} killed>{chance.randint(100, 490)}",
                    ]
                )
            )
        return found
