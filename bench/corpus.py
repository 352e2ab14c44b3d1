"""Made-up articles for benchmarks, over four years: words as often as in news, in two languages.

What a text costs to index and to find depends on how its words are spread, so that they follow what was measured of
real news (decision 0037): a word in sixteen is the most common one, about half the words of a text are different ones,
and 200 texts of one language hold some 12,000 different words. Sentences are dealt again and again, those of one text
from one topic.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from storage.records import Claim, Match, NewArticle, Span, StampedClaim, Story

STORY = Story(slug="bench", title="Benchmark")
START = datetime(2022, 1, 1, tzinfo=UTC)
YEARS = 4
VOCABULARY = 60_000  # words of a language
_EVERYWHERE = 150  # of them, which are short and stand in texts on everything
_TOPICS = 600
_OF_TOPIC = 120  # words of a topic
_SHARE_OF_TOPIC = 0.2  # of a text's words
_SENTENCES = 60  # of a topic
_QUOTING = 0.012  # of all sentences, so that a fourth of the texts quotes somebody
_SYLLABLES = {
    "en": [a + b for a in "bdfgklmnprstvz" for b in "aeiou"],
    "ru": [a + b for a in "бвгдклмнпрст" for b in "аеиоу"],
}


class _Language:
    """Its words, the most common first, and sentences by topic."""

    def __init__(self, syllables: list[str], chance: random.Random) -> None:
        spelt: dict[str, None] = {}
        while len(spelt) < VOCABULARY:
            fewest, most = (1, 2) if len(spelt) < _EVERYWHERE else (2, 4)
            spelt["".join(chance.choices(syllables, k=chance.randint(fewest, most)))] = None
        self.words = list(spelt)
        # Zipf's law as Mandelbrot has it.
        self._weights = list(accumulate((place + 2) ** -1.2 for place in range(1, VOCABULARY + 1)))
        self._of_topic = list(accumulate(1 / (place + 3) for place in range(1, _OF_TOPIC + 1)))
        self.topics = [self._topic(chance) for _ in range(_TOPICS)]

    def word(self, chance: random.Random, *, beyond: int = 1) -> str:
        """One of the words beyond so many most common ones, of all frequencies alike."""
        return self.words[int(beyond * (VOCABULARY / beyond) ** chance.random())]

    def _topic(self, chance: random.Random) -> list[str]:
        own = [self.word(chance, beyond=_EVERYWHERE) for _ in range(_OF_TOPIC)]
        return [self._sentence(own, chance) for _ in range(_SENTENCES)]

    def _sentence(self, own: list[str], chance: random.Random) -> str:
        length = chance.randint(12, 28)
        of_topic = sum(chance.random() < _SHARE_OF_TOPIC for _ in range(length))
        words = chance.choices(self.words, cum_weights=self._weights, k=length - of_topic)
        words += chance.choices(own, cum_weights=self._of_topic, k=of_topic)
        chance.shuffle(words)
        sentence = " ".join(words).capitalize() + "."
        return f"“{sentence}”" if chance.random() < _QUOTING else sentence


class Corpus:
    """Articles by number: the same seed gives the same articles. About 3 kB of text each, a third of them Cyrillic."""

    def __init__(self, count: int, seed: int = 7) -> None:
        self.count = count
        chance = random.Random(seed)
        self._languages = {code: _Language(syllables, chance) for code, syllables in _SYLLABLES.items()}
        self._seed = seed

    def articles(self, first: int = 0, last: int | None = None) -> Iterator[NewArticle]:
        """Articles by number, in the order of publication."""
        step = timedelta(days=365 * YEARS) / self.count
        for number in range(first, self.count if last is None else last):
            chance = random.Random(self._seed * 1_000_003 + number)
            code = "en" if number % 3 else "ru"
            parts = chance.choices(chance.choice(self._languages[code].topics), k=chance.randint(16, 32))
            moment = START + number * step
            yield NewArticle(
                url=f"https://site{number % 50}.example/news/{number}",
                title=parts[0][:80],
                text="\n".join(parts[1:]),
                text_hash=f"t1-{number:032x}",
                fetched_at=moment + timedelta(minutes=7),
                source=f"Source {number % 50}",
                lang=code,
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
        """Queries as people put them: words of all frequencies, phrases, prefixes, fields, dates, figures.

        Each in one language. What is left out is a word that one would leave out, none of those that stand everywhere.
        """
        chance = random.Random(seed)
        found = []
        for _ in range(count):
            code = chance.choice(["en", "en", "ru"])
            language = self._languages[code]
            first, second = language.word(chance), language.word(chance)
            phrase = " ".join(chance.choice(chance.choice(language.topics)).strip("“.”").split()[2:4])
            common = language.words[chance.randint(0, 40)]
            found.append(
                chance.choice(
                    [
                        first,
                        first,
                        common,
                        f"{common} {first}",
                        f"{first} {second}",
                        f'"{phrase}"',
                        f"{common} -{language.word(chance, beyond=_EVERYWHERE)}",
                        f"{first} OR {second}",
                        f"{first[:4]}*",
                        f'{common} source:"source {chance.randint(0, 49)}"',
                        f"{first} after:{chance.randint(2022, 2025)}-03 before:{chance.randint(2023, 2026)}",
                        f"story:bench lang:{code} {common}",
                        f"{common} killed>{chance.randint(100, 490)}",
                    ]
                )
            )
        return found
