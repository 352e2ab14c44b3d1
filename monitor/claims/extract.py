"""From a text to its claims: the cascade of this room, one sentence at a time.

normalise → sentences → trigger gate → tokens → numbers → quantities → noun phrase → link → status and voice → place and date
"""

from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from monitor.claims.attribution import Voice, choose_voice, find_voices, origin_key
from monitor.claims.bounds import bounds_of
from monitor.claims.dates import find_as_of
from monitor.claims.lexicon import LEXICON_VERSION, Lexicon, build_lexicon, load_lexicon, read_pack, supported_languages
from monitor.claims.linking import Link, Reading, link, read_sentence
from monitor.claims.metrics import builtin_metrics
from monitor.claims.nouns import population_key
from monitor.claims.places import Gazetteer, Mention, find_mentions
from monitor.claims.quantities import default_convention
from monitor.claims.scope import settle_places
from monitor.claims.status import find_cues, find_status, other_year
from monitor.claims.tokens import split_sentences, tokenize
from storage.records import Claim, ClaimKind, ClaimStatus, Qualifier, Span, Story

_STOCK_CONTEXT = ("killed", "injured", "missing", "detained")


@dataclass(slots=True)
class Draft:
    """A claim on its way: the record so far and what later steps still need of its sentence."""

    claim: Claim
    mention: Mention | None
    is_subset: bool
    sentence: int
    paragraph: int


@dataclass(slots=True)
class Progress:
    """What one field's sentences hand on to the next: the metric last told, the last speaker, the drafts so far."""

    context: str | None = None
    speaker: Voice | None = None
    speaker_sentence: int = -9
    drafts: list[Draft] = field(default_factory=list)
    paragraph: int = 0


class Extractor:
    """Reads claims from texts, for one story or for none. Build once, use for many texts; it keeps no state of a text."""

    def __init__(self, story: Story | None = None, *, convention: str | None = None) -> None:
        self._story = story
        self._convention = convention or default_convention()
        self._gazetteer = Gazetteer(story)
        self._zone = ZoneInfo(story.timezone) if story is not None else ZoneInfo("UTC")
        self._own: dict[str, Lexicon] = {}

    def lexicon(self, lang: str) -> Lexicon:
        """The language's lexicon, with the nouns of the story's own metrics when it has any."""
        if self._story is None or not self._story.metrics:
            return load_lexicon(lang)
        if lang not in self._own:
            extra = {
                metric.name: [noun for code, nouns in metric.nouns if code == lang for noun in nouns]
                for metric in self._story.metrics
            }
            self._own[lang] = build_lexicon(lang, read_pack(lang), extra)
        return self._own[lang]

    def extract(self, *, title: str, text: str, published: Span | None, lang: str | None) -> tuple[Claim, ...]:
        """All claims of a title and a text, in order of place, title first.

        A language without a pack gives none; an unknown language (None) is read as English, the pack that
        every installation has.
        """
        code = (lang or "en").split("-")[0].lower()
        if code not in supported_languages():
            return ()
        lexicon = self.lexicon(code)
        years = self._years(published)
        drafts: list[Draft] = []
        progress = Progress()
        for name, body in (("title", title), ("text", text)):
            progress = Progress(context=progress.context)
            self._read_field(name, body, lexicon, published, years, progress)
            drafts.extend(progress.drafts)
        return settle_places(drafts, title, self._gazetteer)

    def _years(self, published: Span | None) -> frozenset[int]:
        if self._story is not None and self._story.period_start is not None:
            last = self._story.period_end or (published.not_after if published else self._story.period_start)
            return frozenset(range(self._story.period_start.year, last.year + 1))
        if published is None:
            return frozenset()
        return frozenset((published.not_before.year, published.not_after.year))

    def _read_field(
        self,
        name: str,
        body: str,
        lexicon: Lexicon,
        published: Span | None,
        years: frozenset[int],
        progress: Progress,
    ) -> None:
        previous = -2
        for number, (start, end) in enumerate(split_sentences(body, lexicon.abbreviations)):
            if number and "\n" in body[max(0, start - 1) : start + 1]:
                progress.paragraph += 1
            sentence = body[start:end]
            folded = sentence.lower()
            has_trigger = bool(lexicon.gate.find_matches_as_indexes(folded))
            if not has_trigger and number - previous > 1:
                continue
            if not _has_number(folded, lexicon):
                continue
            reading = read_sentence(tokenize(body, start, end), lexicon, self._convention)
            if not any(quantity.reason is None for quantity in reading.quantities):
                continue
            link(reading, lexicon, progress.context)
            if not reading.links:
                continue
            self._claims_of(name, number, (start, end), reading, lexicon, published, years, progress)
            previous = number

    def _claims_of(
        self,
        name: str,
        number: int,
        bounds: tuple[int, int],
        reading: Reading,
        lexicon: Lexicon,
        published: Span | None,
        years: frozenset[int],
        progress: Progress,
    ) -> None:
        cues = find_cues(reading.tokens, lexicon)
        voices = [voice for voice in find_voices(reading.tokens, lexicon)]
        mentions = find_mentions(reading, lexicon)
        as_of = find_as_of(reading.tokens, lexicon, published, self._zone)
        for quantity in sorted(reading.links):
            found = reading.links[quantity]
            status, _ = find_status(reading, found, cues, lexicon)
            if status is ClaimStatus.CURRENT and other_year(reading, found, years, lexicon) and years:
                status = ClaimStatus.OTHER_EVENT
            if any(other.old == quantity for other in reading.links.values()):
                status = ClaimStatus.PREVIOUS
            claim = self._claim(name, bounds, reading, found, status)
            claim = self._with_voice(claim, reading, found, voices, number, progress)
            mention = _mention_for(reading, found, mentions)
            progress.drafts.append(
                Draft(replace(claim, as_of=as_of), mention, found.is_subset, number, progress.paragraph)
            )
            if found.metric in _STOCK_CONTEXT:
                progress.context = found.metric

    def _claim(
        self, name: str, bounds: tuple[int, int], reading: Reading, found: Link, status: ClaimStatus
    ) -> Claim:
        quantity, phrase = reading.quantities[found.quantity], reading.phrases[found.quantity]
        qualifier = quantity.qualifier
        if "level" in found.rule.flags and quantity.hedge == "up to":
            qualifier = Qualifier.EXACT
        low, high = bounds_of(quantity.value, quantity.high, qualifier)
        population = population_key(phrase.axes, phrase.lemma)
        if population is None and found.is_subset:
            population = "other:part"
        tokens = reading.tokens
        first = min(quantity.start, found.trigger[0])
        last = max(phrase.end if phrase.kind == "person" else quantity.end, found.trigger[1])
        start, end = tokens.starts[first], tokens.ends[last - 1]
        metric = builtin_metrics().get(found.metric)
        return Claim(
            metric=found.metric,
            unit=metric.unit if metric else self._unit(found.metric),
            value=quantity.value,
            low=low,
            high=high,
            qualifier=qualifier,
            kind=_kind(reading, found),
            status=status,
            population=population,
            population_text=phrase.head or None,
            replaces=reading.quantities[found.old].value if found.old is not None else None,
            field=name,
            start=start,
            end=end,
            quote=tokens.text[start:end],
            sentence_start=bounds[0],
            sentence_end=bounds[1],
            rule=f"{found.rule.id}",
            lexicon_version=LEXICON_VERSION,
        )

    def _unit(self, name: str) -> str:
        metrics = self._story.metrics if self._story is not None else ()
        return next((metric.unit for metric in metrics if metric.name == name), "people")

    def _with_voice(
        self, claim: Claim, reading: Reading, found: Link, voices: list[Voice], number: int, progress: Progress
    ) -> Claim:
        voice, via = choose_voice(voices, reading.quantities[found.quantity].number_start)
        if voice is not None and voice.is_pronoun:
            voice = progress.speaker if number - progress.speaker_sentence <= 3 else None
        elif voice is None and number - progress.speaker_sentence == 1:
            voice = progress.speaker
        if voice is None:
            return claim
        progress.speaker, progress.speaker_sentence = voice, number
        return replace(
            claim,
            speaker=voice.speaker,
            origin=origin_key(voice.speaker, self._story),
            via=via.speaker if via is not None and not via.is_pronoun else None,
        )


def _has_number(folded: str, lexicon: Lexicon) -> bool:
    return any(character.isdigit() for character in folded) or bool(
        lexicon.number_gate.find_matches_as_indexes(folded)
    )


def _kind(reading: Reading, found: Link) -> ClaimKind:
    """"Two more died" is an increment; "another 30 were hurt" beside the dead is a level of its own."""
    if "increment" in found.rule.flags:
        return ClaimKind.INCREMENT
    if not reading.phrases[found.quantity].is_more and not reading.quantities[found.quantity].is_more:
        return ClaimKind.LEVEL
    if found.metric != "killed" or "level" in found.rule.flags:
        return ClaimKind.LEVEL
    others = any(number < found.quantity and other.metric != found.metric for number, other in reading.links.items())
    return ClaimKind.LEVEL if others else ClaimKind.INCREMENT


def _mention_for(reading: Reading, found: Link, mentions: list[Mention]) -> Mention | None:
    """The place nearest to the figure, without another figure between."""
    quantity = reading.quantities[found.quantity]
    low, high = min(quantity.start, found.trigger[0]), max(quantity.end, found.trigger[1])
    others = [reading.quantities[number] for number in reading.links if number != found.quantity]
    best: tuple[int, Mention] | None = None
    for mention in mentions:
        distance = mention.start - high if mention.start >= high else low - mention.end
        between = [
            other
            for other in others
            if min(mention.start, quantity.start) < other.number_start < max(mention.start, quantity.start)
        ]
        if between or distance > 8:
            continue
        cost = max(distance, 0) + (2 if mention.start < low else 0)
        if best is None or cost < best[0]:
            best = (cost, mention)
    return best[1] if best else None
