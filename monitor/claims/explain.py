"""How each figure of a text was read: words and their classes, numbers taken and refused, rules, cues, voices.

A reader's answer to "why is this number a claim, and that one not?". The same functions run here as in
`extract`; nothing is decided anew.
"""

from dataclasses import dataclass

from monitor.claims.lexicon import Lexicon, load_lexicon
from monitor.claims.linking import Link, Reading, link, read_sentence
from monitor.claims.quantities import default_convention
from monitor.claims.status import FoundCue, find_cues, find_status
from monitor.claims.tokens import split_sentences, tokenize
from monitor.claims.voices import find_voices


@dataclass(frozen=True, slots=True)
class FigureReading:
    """One number of a sentence: a figure (metric, rule, trigger, status and its cue), or the reason against it."""

    quote: str
    value: float
    qualifier: str
    noun: str
    metric: str | None
    rule: str | None
    trigger: str | None
    status: str | None
    cue: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class SentenceReading:
    """One sentence with the classes of its words, its numbers and the voices in it."""

    text: str
    classes: tuple[tuple[str, tuple[str, ...]], ...]
    figures: tuple[FigureReading, ...]
    voices: tuple[tuple[str, str], ...]


def explain_text(text: str, lang: str, *, convention: str | None = None) -> tuple[SentenceReading, ...]:
    """Readings of all sentences of a text. LexiconError if the language has no pack."""
    lexicon = load_lexicon(lang)
    readings: list[SentenceReading] = []
    context: str | None = None
    for start, end in split_sentences(text, lexicon.abbreviations):
        tokens = tokenize(text, start, end, lexicon.vocabulary)
        if not tokens.lower:
            continue
        reading = read_sentence(tokens, lexicon, convention or default_convention(), whole=True)
        link(reading, lexicon, context, context)
        cues = find_cues(tokens, lexicon)
        figures = tuple(
            _figure(reading, number, reading.links.get(number), lexicon, cues)
            for number in range(len(reading.quantities))
        )
        context = next((found.metric for found in reading.links.values()), context)
        voices = tuple((voice.kind, voice.speaker) for voice in find_voices(tokens, lexicon))
        classes = tuple(
            (tokens.surface(*place), tuple(sorted(symbol.classes)))
            for place, symbol in zip(reading.symbols.places, reading.symbols.symbols, strict=True)
        )
        readings.append(SentenceReading(text[start:end].strip(), classes, figures, voices))
    return tuple(readings)


def _figure(reading: Reading, number: int, found: Link | None, lexicon: Lexicon, cues: list[FoundCue]) -> FigureReading:
    quantity, phrase = reading.quantities[number], reading.phrases[number]
    status, cue = find_status(reading, found, cues, lexicon) if found is not None else (None, None)
    reason = quantity.reason
    if found is None and reason is None:
        reason = "thing" if phrase.kind == "thing" else "no trigger"
    return FigureReading(
        quote=reading.tokens.surface(quantity.start, max(quantity.end, phrase.end)),
        value=quantity.value,
        qualifier=quantity.qualifier.value,
        noun=phrase.kind,
        metric=found.metric if found else None,
        rule=f"{lexicon.lang}.{found.rule.id}" if found else None,
        trigger=reading.tokens.surface(*found.trigger) if found else None,
        status=status.value if status is not None else None,
        cue=cue or None,
        reason=reason,
    )
