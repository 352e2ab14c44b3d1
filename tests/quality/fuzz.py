"""Reads texts that nobody wrote, for as long as asked: any Unicode, and real sentences cut up and joined anew.

    python -m tests.quality.fuzz [--minutes 10] [--seed 1]

Ends with 1 at the first text that raises, whose claim quotes something else than stands at its place, or whose
reading takes more CPU time than its length allows; the text is printed so that it can become a test.
"""

import argparse
import json
import random
import sys
import time
from pathlib import Path

from monitor.claims.extract import Extractor
from monitor.claims.lexicon import supported_languages
from monitor.cli.extract import published_span

SPECS = Path(__file__).parents[1] / "data" / "claims"
# A slow machine under load reads far more than this a second; what falls below it does not grow with length alone.
_LEAST_CHARACTERS_A_SECOND = 20_000
_SPARE_SECONDS = 1.0
_PIECES = (
    "\n",
    " ",
    ". ",
    ", ",
    "; ",
    "—",
    "«",
    "»",
    "“",
    "”",
    "‘",
    "’",
    "\u200b",
    "\u202e",
    "\u0301",
    "\ufeff",
    "İ",
    "ß",
    "ǅ",
    "𝟙",
    "٣",
    "½",
    "№",
)


def sentences(language: str) -> list[str]:
    """The sentences of a language's specs."""
    lines = (SPECS / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines if line]


def any_text(random_: random.Random, length: int) -> str:
    """Characters of all planes, letters and digits more often than the rest."""
    spans = (
        (0x20, 0x7E),
        (0x20, 0x7E),
        (0x30, 0x39),
        (0xA0, 0x24F),
        (0x400, 0x4FF),
        (0x600, 0x6FF),
        (0x2000, 0x206F),
        (0x4E00, 0x4FFF),
        (0x1F300, 0x1F6FF),
        (0, 0xD7FF),
    )
    return "".join(chr(random_.randint(*random_.choice(spans))) for _ in range(length))


def joined(random_: random.Random, known: list[str], length: int) -> str:
    """Pieces of real sentences with odd marks, numbers and noise between."""
    parts: list[str] = []
    size = 0
    while size < length:
        sentence = random_.choice(known)
        start = random_.randrange(len(sentence))
        part = sentence[start : start + random_.randint(1, 80)] if random_.random() < 0.5 else sentence
        glue = random_.choice(_PIECES) if random_.random() < 0.8 else any_text(random_, random_.randint(1, 8))
        number = f"{random_.choice((0, 1, 12, 1900, 4500, 10**6, 10**40)):,}" if random_.random() < 0.3 else ""
        parts += (part, glue, number)
        size += len(part) + len(glue) + len(number)
    return "".join(parts)


def fault_of(extractor: Extractor, title: str, text: str, language: str | None) -> str | None:
    """What is wrong with how a text was read; None for nothing."""
    started = time.process_time()
    claims = extractor.extract(title=title, text=text, published=published_span("2025-03-10"), lang=language)
    spent = time.process_time() - started
    for claim in claims:
        source = title if claim.field == "title" else text
        if source[claim.start : claim.end] != claim.quote:
            return f"{claim.rule} quotes {claim.quote!r} for {source[claim.start : claim.end]!r}"
    if spent > _SPARE_SECONDS + (len(text) + len(title)) / _LEAST_CHARACTERS_A_SECOND:
        return f"{spent:.1f} s for {len(text):,} characters"
    return None


def main() -> int:
    """Runs until the minutes are over or a fault is found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random_ = random.Random(arguments.seed)
    known = {language: sentences(language) for language in supported_languages()}
    extractor = Extractor()
    for language in (*known, None):
        # Packs are built and the language detector is loaded at the first text.
        fault_of(extractor, "", " ".join(known[language or "en"][:40]), language)
    until = time.monotonic() + arguments.minutes * 60
    texts = characters = 0
    while time.monotonic() < until:
        language = random_.choice([*known, None])
        length = int(10 ** random_.uniform(0, 4.5))
        pool = known[language] if language else [sentence for all_ in known.values() for sentence in all_]
        text = any_text(random_, length) if random_.random() < 0.3 else joined(random_, pool, length)
        title = random_.choice(("", random_.choice(pool), any_text(random_, 40)))
        try:
            fault = fault_of(extractor, title, text, language)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        if fault is not None:
            sys.stderr.write(f"{fault}\nlanguage {language!r}\ntitle {title!r}\ntext {text!r}\n")
            return 1
        texts += 1
        characters += len(text)
    sys.stdout.write(f"{texts:,} texts, {characters:,} characters in {arguments.minutes:g} minutes: nothing wrong\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
