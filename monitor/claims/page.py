"""One field of a document while it is read: its sentences, tokens and voices on demand, and what was told so far."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.claims.draft import Draft
from monitor.claims.gates import fold
from monitor.claims.lexicon import Lexicon
from monitor.claims.speakers import Voice
from monitor.claims.tokens import Tokens, split_sentences, tokenize
from monitor.claims.voices import find_opener, find_voices
from storage.records import ClaimKind, Span

_QUOTE_REACH = 12
# Of so many figures of a text it is remembered whether others add up to them.
_REMEMBERED = 12
_DIGIT = re.compile(r"\d")
# Every digit of ASCII as 0: quicker to find than by a search.
_DIGITS = bytes(48 if 48 <= code < 58 else code for code in range(256))
_CLOCK = re.compile(
    r"\W*(?P<hour>[01]?\d|2[0-3])(?:[:.h](?P<minute>[0-5]\d)(?!\d)(?: ?(?P<half>[ap])\.?m)?|(?P<sharp>[ap])m\b)",
    re.IGNORECASE,
)
# "- Missing: 15", "Deaths (confirmed): 65"
_LINE = re.compile(r"\s*(?:[•*–—·▪-]\s|[^\d.:;\n]{2,50}:\s*\d)")
_NOON = 12
_CLOSING = 3
_AT_END = 6
_SOLID = re.compile(r"\S")


@dataclass(slots=True)
class Page:
    """One field of a document on its way: its sentences, what was told so far, and the drafts.

    `gates` holds for each sentence the bits of what may stand in it, `told` the metrics that figures were given of,
    `counted` the sentences that gave some.
    """

    name: str
    body: str
    lexicon: Lexicon
    published: Span | None
    years: frozenset[int]
    spans: list[tuple[int, int]]
    paragraphs: list[int]
    gates: list[int]
    # The text with every digit as 0, where it is of ASCII alone.
    digits: bytes | None
    context: str | None = None
    latest: str | None = None
    headline: str | None = None
    told: set[str] = field(default_factory=set)
    titles: list[Draft] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    clocks: list[int | None] = field(default_factory=list)
    passed_on: dict[int, Voice | None] = field(default_factory=dict)
    tokens: dict[int, Tokens] = field(default_factory=dict)
    voices: dict[int, list[Voice]] = field(default_factory=dict)
    counted: set[int] = field(default_factory=set)
    heard_to: int = 0
    only: Voice | None = None
    has_several: bool = False

    def wholes(self) -> list[tuple[str, float]]:
        """The counts of nobody in particular that headline and text gave last, the latest first."""
        last = (*reversed(self.drafts[-_REMEMBERED:]), *self.titles[:_REMEMBERED])
        return [
            (draft.claim.metric, draft.claim.value)
            for draft in last
            if not draft.is_subset and draft.claim.value and draft.claim.kind is ClaimKind.LEVEL
        ]

    def tokens_of(self, number: int) -> Tokens:
        """The tokens of a sentence, made when they are first asked for."""
        tokens = self.tokens.get(number)
        if tokens is None:
            start, end = self.spans[number]
            tokens = self.tokens[number] = tokenize(self.body, start, end, self.lexicon.vocabulary)
        return tokens

    def voices_of(self, number: int) -> list[Voice]:
        """Who speaks in a sentence, found when it is first asked for; nobody beyond the last one."""
        voices = self.voices.get(number)
        if voices is None and number >= len(self.spans):
            return []
        if voices is None:
            voices = self.voices[number] = find_voices(self.tokens_of(number), self.lexicon)
        return voices

    def sentence(self, number: int) -> str:
        """The text of a sentence."""
        start, end = self.spans[number]
        return self.body[start:end]

    def has_digit(self, number: int) -> bool:
        """Whether a digit stands in a sentence."""
        start, end = self.spans[number]
        if self.digits is None:
            return _DIGIT.search(self.body, start, end) is not None
        return self.digits.find(b"0", start, end) >= 0

    def entry(self, number: int) -> int | None:
        """The clock, in minutes, of the live blog's entry that a sentence stands in; None outside of one."""
        if not self.clocks:
            self.clocks.extend(_clocks(self.body, self.spans, self.paragraphs))
        return self.clocks[number]

    def opener_of(self, number: int) -> Voice | None:
        """The office or person with whose name a sentence begins."""
        return find_opener(self.tokens_of(number), self.lexicon)

    def entry_start(self, number: int) -> int:
        """The first sentence of the live blog's entry that a sentence stands in; 0 outside of one."""
        if self.entry(number) is None:
            return 0
        while number and self.entry(number - 1) == self.entry(number):
            number -= 1
        return number

    def only_voice(self, number: int) -> Voice | None:
        """The one speaker of all that a text tells up to a sentence, if figures are theirs: what follows is so too."""
        while self.heard_to < number and not self.has_several:
            for voice in self.voices_of(self.heard_to):
                if not voice.is_pronoun:
                    self.only = self.only or voice
                    self.has_several = self.has_several or voice.speaker != self.only.speaker
            self.heard_to += 1
        if self.has_several or self.only is None:
            return None
        return self.only if any(draft.claim.speaker is not None for draft in self.drafts) else None

    def closing_voice(self, number: int) -> Voice | None:
        """Who closes the paragraph's news behind a sentence that names nobody: "… The road is closed, *police said*."

        It is the first who speaks behind it there, at the very end of a sentence.
        """
        for later in range(number + 1, min(number + 1 + _CLOSING, len(self.spans))):
            if self.paragraphs[later] != self.paragraphs[number]:
                return None
            named = self.voices_of(later)
            if named:
                voice, tokens = named[-1], self.tokens_of(later)
                is_behind = voice.start > len(voice.speaker.split()) + 1
                is_closing = is_behind and len(tokens.lower) - voice.end <= _AT_END and not tokens.quotes
                is_plain = len(named) == 1 and voice.kind == "say" and not voice.is_pronoun
                return voice if is_closing and is_plain else None
        return None

    def list_start(self, number: int) -> int:
        """The first line of the list that a sentence is a line of; the sentence itself outside of lists."""
        while number and self._is_line(number) and self._is_line(number - 1):
            number -= 1
        return number

    def _is_line(self, number: int) -> bool:
        is_first = not number or self.paragraphs[number - 1] != self.paragraphs[number]
        return is_first and _LINE.match(self.body, self.spans[number][0]) is not None

    def opening(self, number: int) -> str:
        """The first character of a sentence behind its space; "" in an empty one."""
        found = _SOLID.search(self.body, self.spans[number][0])
        return found.group() if found else ""


def open_page(name: str, body: str, lexicon: Lexicon, published: Span | None, years: frozenset[int]) -> Page:
    """A field's text cut into sentences; what is told of them is read when it is asked for."""
    spans = split_sentences(body, lexicon.abbreviations)
    paragraphs: list[int] = []
    for start, _ in spans:
        is_new = not paragraphs or "\n" in body[max(0, start - 1) : start + 1]
        paragraphs.append((paragraphs[-1] + 1 if paragraphs else 0) if is_new else paragraphs[-1])

    gates = lexicon.gates.sentences(fold(body), spans)
    digits = body.encode().translate(_DIGITS) if body.isascii() else None
    return Page(name, body, lexicon, published, years, spans, paragraphs, gates, digits)


def _clocks(body: str, spans: list[tuple[int, int]], paragraphs: list[int]) -> Iterator[int | None]:
    """For each sentence the clock that opens its paragraph, or the last one before it that has a clock."""
    clock: int | None = None
    for number, span in enumerate(spans):
        if number == 0 or paragraphs[number - 1] != paragraphs[number]:
            found = _CLOCK.match(body, *span)
            clock = clock if found is None else _minutes(found)
        yield clock


def _minutes(clock: re.Match[str]) -> int:
    """The minutes since midnight of a clock of 24 hours, or of twelve with its half of the day."""
    hour, half = int(clock["hour"]), (clock["half"] or clock["sharp"] or "").lower()
    if half and hour <= _NOON:
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    return hour * 60 + int(clock["minute"] or 0)


def told_after(page: Page, number: int, *, is_within: bool = False) -> Voice | None:
    """Who told what a sentence says, where only the next one names them: «Об этом сообщил губернатор».

    Or, within that sentence, "Governor Ann Lee, who gave the figures, said the search would go on".
    """
    if number + 1 >= len(page.spans):
        return None
    tokens = page.tokens_of(number + 1)
    phrases = page.lexicon.told_so_within if is_within else page.lexicon.told_so
    if not any(is_within or start == 0 for start, *_ in phrases.find_in(tokens)):
        return None
    return next((voice for voice in page.voices_of(number + 1) if not voice.is_pronoun), None)


def opens_quote(page: Page, number: int) -> bool:
    """Whether a sentence stands inside a quotation that its paragraph opened before."""
    first = number
    while first > max(0, number - _QUOTE_REACH) and page.paragraphs[first - 1] == page.paragraphs[number]:
        first -= 1
    before = page.body[page.spans[first][0] : page.spans[number][0]]
    return before.count('"') % 2 == 1 or before.count("“") > before.count("”")
