"""PURE: which sentences the rules leave open, and which of a second reader's proposals for them may stand.

A proposal counts as an unconfirmed claim under the rule `second-reader`: it may widen what is reported, never move it.
It is refused unless its quote stands in the sentence letter by letter and holds the very number that it proposes.
"""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from monitor.claims.bounds import bounds_of
from monitor.claims.explain import explain_text
from monitor.claims.lexicon import LEXICON_VERSION, supported_languages
from monitor.claims.metrics import builtin_metrics
from storage.records import Claim, ClaimStatus, Qualifier

RULE = "second-reader"
CONFIDENCE = 0.3
_OPEN_REASON = "no trigger"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSentence:
    """A sentence with a number that the rules took for a count and tied to no metric. `start`: where it begins."""

    field: str
    start: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A proposal that may not stand, and why (`no_json`, `bad_reading`, `not_in_sentence`, `number_not_in_quote`)."""

    reason: str
    proposal: str


class _Reading(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=False)

    metric: str
    value: float
    qualifier: Qualifier = Qualifier.EXACT
    quote: str


def find_open_sentences(
    *, title: str, text: str, lang: str | None, claims: Iterable[Claim]
) -> tuple[OpenSentence, ...]:
    """Return the sentences that a second reader could help with, in order; none in a language without a pack."""
    code = (lang or "").split("-")[0].lower()
    if code not in supported_languages():
        return ()
    taken = {(claim.field, claim.sentence_start) for claim in claims}
    found = []
    for name, body in (("title", title), ("text", text)):
        position = 0
        for reading in explain_text(body, code):
            start = body.find(reading.text, position)
            position = start + len(reading.text)
            is_open = any(figure.metric is None and figure.reason == _OPEN_REASON for figure in reading.figures)
            if is_open and not any(field == name and start - 2 <= at < position for field, at in taken):
                found.append(OpenSentence(field=name, start=start, text=reading.text))
    return tuple(found)


def write_question(sentence: OpenSentence) -> tuple[str, str]:
    """Return the system's and the user's words for one sentence."""
    words = _words()
    asked = words["user"].format(
        metrics=", ".join(sorted(builtin_metrics())),
        qualifiers=", ".join(one.value for one in Qualifier if one is not Qualifier.RANGE),
        sentence=sentence.text,
    )
    return words["system"].strip(), asked.strip()


def accept_proposals(
    answer: str, sentence: OpenSentence, *, lang: str
) -> tuple[tuple[Claim, ...], tuple[Refused, ...]]:
    """Return the claims of an answer that may stand, and what was refused. Never raises: an answer is anyone's text."""
    try:
        held: Any = json.loads(answer)
        items = list(held["readings"])
    except (ValueError, TypeError, KeyError):
        return (), (Refused(reason="no_json", proposal=answer[:200]),)
    claims, refused = [], []
    for item in items:
        claim = _accept(item, sentence, lang)
        if isinstance(claim, Claim):
            claims.append(claim)
        else:
            refused.append(Refused(reason=claim, proposal=json.dumps(item, ensure_ascii=False)[:200]))
    return tuple(claims), tuple(refused)


def _accept(item: object, sentence: OpenSentence, lang: str) -> Claim | str:
    """The claim of one proposal, or the reason against it."""
    try:
        reading = _Reading.model_validate(item)
    except ValidationError:
        return "bad_reading"
    metric = builtin_metrics().get(reading.metric)
    if metric is None or reading.value < 0:
        return "bad_reading"
    at = sentence.text.find(reading.quote) if reading.quote.strip() else -1
    if at < 0:
        return "not_in_sentence"
    values = {figure.value for one in explain_text(reading.quote, lang) for figure in one.figures}
    if reading.value not in values:
        return "number_not_in_quote"
    low, high = bounds_of(reading.value, None, reading.qualifier)
    start = sentence.start + at
    return Claim(
        metric=reading.metric,
        unit=metric.unit,
        value=reading.value,
        low=low,
        high=high,
        qualifier=reading.qualifier,
        status=ClaimStatus.UNCONFIRMED,
        confidence=CONFIDENCE,
        field=sentence.field,
        start=start,
        end=start + len(reading.quote),
        quote=reading.quote,
        sentence_start=sentence.start,
        sentence_end=sentence.start + len(sentence.text),
        rule=RULE,
        lexicon_version=LEXICON_VERSION,
    )


@cache
def _words() -> dict[str, str]:
    source = files("monitor.claims") / "lexicons" / "second_reader.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
