"""Versioned, stable identities: one function a noun, the same on every machine, database and order of arrival.

A key is a short prefix with the version of its recipe (`c1-`, `r1-` …) and 128 bits of BLAKE2b over
length-prefixed parts, so that no two lists of parts can run into one another. A recipe that changes
gets a new version; old keys stay what they were. Nothing here reads a clock, a row number or a
random source: row numbers depend on the order of arrival, addresses do not.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from storage.records import Claim, Figure, RecordKey

_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "`": "'"})
_DASHES = str.maketrans({"–": "-", "—": "-", "‑": "-", "−": "-"})


def stable_hash(prefix: str, *parts: str) -> str:
    """Return `prefix` and 32 hexadecimal digits that depend on every part and on their borders."""
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    framed = b"".join([piece for part in raw for piece in (len(part).to_bytes(8, "big"), part)])
    return f"{prefix}-{hashlib.blake2b(framed, digest_size=16).hexdigest()}"


def normalise_sentence(sentence: str) -> str:
    """Return a sentence without cosmetic differences: white space, kinds of quotes and dashes, case. Digits stay."""
    composed = unicodedata.normalize("NFC", sentence)
    return " ".join(composed.translate(_QUOTES).translate(_DASHES).split()).casefold()


def number_text(number: float | None) -> str:
    """Return a number as a key writes it: `225` whether it came as 225 or 225.0; empty for None."""
    return "" if number is None else f"{number:.12g}"


def claim_id(
    article: str, field: str, sentence: str, rule: str, value: float | None, *, metric: str = "", occurrence: int = 0
) -> str:
    """Return the identity of a claim: the article's address, field, normalised sentence, rule and value.

    `occurrence` counts claims that share all of these within one sentence ("5 died in A and 5 in B").
    An edit elsewhere in the article leaves the identity as it was.
    """
    parts = (article, field, normalise_sentence(sentence), rule, number_text(value), metric, str(occurrence))
    return stable_hash("c1", *parts)


def claim_ids(article: str, claims: Sequence[Claim], *, title: str, text: str) -> tuple[str, ...]:
    """Return the identity of each claim of one version of one article, in the order given.

    `article` is the article's canonical address; `title` and `text` are those that the claims were extracted from.
    """
    seen: Counter[tuple[str, str, str, str, str]] = Counter()
    ids = []
    for claim in claims:
        sentence = sentence_of(claim, title=title, text=text)
        value = claim.value if claim.state is None else None
        rule = claim.rule if claim.state is None else f"{claim.rule}:{claim.state}"
        shared = (claim.field, normalise_sentence(sentence), rule, number_text(value), claim.metric)
        ids.append(claim_id(article, claim.field, sentence, rule, value, metric=claim.metric, occurrence=seen[shared]))
        seen[shared] += 1
    return tuple(ids)


def returned_claim_id(claim_id: str) -> str:
    """Return the identity of a claim that an edit brought back in the place of what had replaced it: its next one."""
    return stable_hash("c1", claim_id, "returned")


def sentence_of(claim: Claim, *, title: str, text: str) -> str:
    """Return the sentence around a claim's quote, from the field that the claim names; the quote if none is marked."""
    field = title if claim.field == "title" else text
    return field[claim.sentence_start : claim.sentence_end] or claim.quote


def key_text(key: RecordKey) -> str:
    """Return a record key as one line that `parse_key` reads back: `story/metric/unit/population/place/period`."""
    fields = (key.story, key.metric, key.unit, key.population, key.place, key.period)
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in fields)


def parse_key(line: str) -> RecordKey:
    """Return the record key that `key_text` wrote; missing trailing parts are the whole. Else raises ValueError."""
    parts = [part.replace("%2F", "/").replace("%25", "%") for part in line.split("/")]
    if not 2 <= len(parts) <= 6:
        raise ValueError(f"{line!r} is no record key: write story/metric[/unit[/population[/place[/period]]]]")
    parts += [""] * (6 - len(parts))
    story, metric, unit, population, place, period = parts
    return RecordKey(
        story=story, metric=metric, unit=unit or "people", population=population, place=place, period=period
    )


def figure_text(figure: Figure | None) -> str:
    """Return one side of a change as a key writes it."""
    if figure is None:
        return ""
    numbers = (figure.value, figure.low, figure.high)
    return "|".join((*(number_text(number) for number in numbers), figure.qualifier.value, figure.state or ""))


def revision_id(
    key: RecordKey,
    kind: str,
    before: Figure | None,
    after: Figure | None,
    evidence: Iterable[str],
    *,
    corrects: str = "",
    occurrence: int = 0,
) -> str:
    """Return the identity of an entry of the change log.

    When it was learned is no part of it: a replayed commit tells nothing twice. `evidence` are claim ids in any
    order; `occurrence` counts how often this very entry was taken back by a correction before.
    """
    sides = (figure_text(before), figure_text(after))
    return stable_hash("r1", key_text(key), kind, *sides, corrects, str(occurrence), *sorted(set(evidence)))


def event_id(story: str, article: str, kind: str, detail: str) -> str:
    """Return the identity of an article event (`edited`, `removed`).

    `article` is its address; `detail` tells this event from the next: a version's text hash, the time of a removal.
    """
    return stable_hash("e1", story, article, kind, detail)


def alert_id(revision: str, subscription: str) -> str:
    """Return the identity of an alert: one revision, one subscription."""
    return stable_hash("a1", revision, subscription)


def delivery_id(channel: str, alert_ids: Iterable[str]) -> str:
    """Return the identity of a delivery, sent as the idempotency id: the same alerts, in any order, on one channel."""
    return stable_hash("d1", channel, *sorted(set(alert_ids)))


def silence_id(matchers: Iterable[tuple[str, str]], starts_at: datetime, ends_at: datetime) -> str:
    """Return the identity of a silence: its matchers in any order and its two ends."""
    pairs = [f"{name}={value}" for name, value in sorted(matchers)]
    return stable_hash("s1", starts_at.isoformat(), ends_at.isoformat(), *pairs)


def wire_group_id(fingerprints: Iterable[str]) -> str:
    """Return the identity of a group of copies of one wire text: that of its first text's fingerprints."""
    return stable_hash("w1", *sorted(set(fingerprints)))


def trace_id(*parts: str) -> str:
    """Return the id that follows what one poll or re-read found up to its delivery: 32 hexadecimal digits, as W3C Trace
    Context has them. `parts` say what was looked at, and when.
    """
    return stable_hash("t1", *parts).removeprefix("t1-")


def place_key(name: str) -> str:
    """Return the key of a place of a story's gazetteer: its name in lowercase, marks stripped, words joined by
    hyphens.
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return "-".join("".join(c if c.isalnum() else " " for c in bare).split())
