"""From a text to its claims: the cascade of this room, one sentence at a time.

sentences → trigger gate → tokens → numbers → quantities → noun phrases → links → status, voice, date → scope, ageing
"""

import math
from bisect import bisect_left
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.claims.attribution import Origins, choose_voice, full_name, inherit_voice, with_name
from monitor.claims.bounds import bounds_of
from monitor.claims.dates import day_at, find_as_of, month_at
from monitor.claims.draft import Draft
from monitor.claims.lexicon import (
    CONTEXT,
    LEXICON_VERSION,
    MEASURE,
    NUMBER,
    SINGLE,
    STATE,
    TRIGGER,
    Lexicon,
    build_lexicon,
    kept,
    load_lexicon,
    read_pack,
    supported_languages,
)
from monitor.claims.linking import (
    NAMED_DEAD,
    OF_A_GROUP,
    OF_THEM,
    REPORTED,
    THAT_MAKES,
    THE_REST,
    Link,
    Reading,
    link,
    link_addends,
    read_sentence,
)
from monitor.claims.making import make_claim
from monitor.claims.measures import Measured, find_measures, is_apart, measured_status
from monitor.claims.metrics import builtin_metrics, is_cumulative, told_of_dead
from monitor.claims.nouns import population_key
from monitor.claims.page import Page, open_page, opens_quote, told_after
from monitor.claims.places import Gazetteer, Mention, find_houses, find_mentions
from monitor.claims.placing import is_placed, is_there, mention_for, named_place
from monitor.claims.population import anaphora_metric, condition_axes, person_after, predicate_axes, toll_axes
from monitor.claims.quantities import Quantity, default_convention, find_quantities
from monitor.claims.scope import PART, settle
from monitor.claims.speakers import Voice
from monitor.claims.states import StateFinding, find_states
from monitor.claims.status import (
    LOWERED,
    find_cues,
    find_status,
    is_besides,
    is_lowered,
    next_sentence_status,
    other_year,
)
from monitor.claims.tokens import COLON
from monitor.reading.language import detect_language
from storage.records import Claim, ClaimKind, ClaimStatus, Qualifier, Span, Story

_DEFAULT_LANGUAGE = "en"
_REACH = 8
_ARTICLE_REACH = 3
_DAY_REACH = 6
_THEN_REACH = 10
_DAY_BEHIND = 2
# A day that opens a clause stands at most so many words before the figure.
_OPENING_REACH = 3
_IMPLICIT = frozenset(("killed", "injured", "detained", "missing", "rescued", "hospitalised"))
# What another year sets apart: an earlier figure of that year is another event's too.
_DATED_APART = frozenset((ClaimStatus.CURRENT, ClaimStatus.UNCONFIRMED, ClaimStatus.PREVIOUS))
_HURT = ("injured", "hospitalised")
# Of these, others are a part besides those told of before.
_OTHERS = ("killed", "detained")
_BULLETS = frozenset("•*–—-·▪")


class Voiced(NamedTuple):
    """Who says something: the speaker, the key of their origin, the outlet that quotes them."""

    speaker: str | None
    origin: str | None
    via: str | None


_UNVOICED = Voiced(None, None, None)


class Extractor:
    """Reads claims from texts, for one story or for none. Build it once for many texts: it keeps no state of one."""

    def __init__(self, story: Story | None = None, *, convention: str | None = None) -> None:
        self._story = story
        self._convention = convention or default_convention()
        self._gazetteer = Gazetteer(story)
        self._origins = Origins(story)
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
            self._own[lang] = kept(build_lexicon(lang, read_pack(lang), extra))
        return self._own[lang]

    def extract(self, *, title: str, text: str, published: Span | None, lang: str | None) -> tuple[Claim, ...]:
        """All claims of a title and a text, in order of place, title first.

        A language without a pack gives none. Where nobody named the language it is detected; a text too short to
        tell is read as _DEFAULT_LANGUAGE.
        """
        code = (lang or detect_language(f"{title}\n{text}") or _DEFAULT_LANGUAGE).split("-")[0].lower()
        if code not in supported_languages():
            return ()
        lexicon = self.lexicon(code)
        years = self._years(published)
        head = open_page("title", title, lexicon, published, years)
        self._read(head)
        body = open_page("text", text, lexicon, published, years)
        body.context, body.latest, body.headline = head.context, head.latest, head.context
        body.titles, body.told = head.drafts, set(head.told)
        self._read(body)
        self._read_others(head)
        self._read_others(body)
        claims = _lend_voices(self._give_to_only_voice(settle(head.drafts + body.drafts, title, self._gazetteer), body))
        return tuple(sorted(claims, key=lambda claim: (claim.field != "title", claim.start, claim.end)))

    def _give_to_only_voice(self, claims: tuple[Claim, ...], body: Page) -> tuple[Claim, ...]:
        """What nobody tells, in a text whose figures are all told by one, is told by them too.

        Once all is settled: who is only assumed to speak gives no rival count.
        """
        given: list[Claim] = []
        for claim in claims:
            if claim.speaker is None and claim.field == body.name:
                number = bisect_left(body.spans, (claim.sentence_start,))
                voice = told_after(body, number, is_within=True) or body.only_voice(number)
                voice = voice or body.closing_voice(number)
                if voice is not None:
                    claim = replace(claim, speaker=voice.speaker, origin=self._origins.key(voice.speaker))
            given.append(claim)
        return tuple(given)

    def _years(self, published: Span | None) -> frozenset[int]:
        if self._story is not None and self._story.period_start is not None:
            last = self._story.period_end or (published.not_after if published else self._story.period_start)
            return frozenset(range(self._story.period_start.year, last.year + 1))
        if published is None:
            return frozenset()
        return frozenset((published.not_before.year, published.not_after.year))

    def _read(self, page: Page) -> None:
        if not page.context and not any(gates & TRIGGER for gates in page.gates):
            return
        last = -1 if page.context else -9
        for number, gates in enumerate(page.gates):
            has_trigger = gates & TRIGGER != 0
            is_near = has_trigger or number - last <= 2
            if not is_near and not (page.context and gates & CONTEXT):
                continue
            if self._read_figures(page, number) or (has_trigger and self._read_implicit(page, number)):
                last = number
            elif page.drafts and number - page.drafts[-1].sentence in (1, 2):
                self._take_back(page, number)

    def _read_figures(self, page: Page, number: int) -> bool:
        lexicon = page.lexicon
        if not page.gates[number] & NUMBER and not page.has_digit(number):
            return False
        reading = read_sentence(page.tokens_of(number), lexicon, self._convention)
        if any(quantity.reason is None for quantity in reading.quantities):
            named = anaphora_metric(reading, page.drafts, lexicon)
            context, latest = named or page.context, named or page.latest
            link(reading, lexicon, context, latest, page.headline, told=page.told)
            if named is None and page.headline not in (None, page.context):
                self._give_to_headline(page, reading)
            link_addends(reading, page.wholes)
            if reading.links:
                self._claims_of(page, number, reading)
        return bool(reading.links)

    def _give_to_headline(self, page: Page, reading: Reading) -> None:
        """A count without a word of its own is the headline's where it comes as near to the last of that.

        "More than 100 are missing. Overnight the ministry's count had been 78", under "Over 100 dead".
        """
        has_count = any("generic_toll" in symbol.classes for symbol in reading.symbols.symbols)
        for quantity, found in reading.links.items():
            is_taken_up = found.rule.metric == "@context" and (has_count or "level" in found.rule.flags)
            if not is_taken_up or found.metric != page.context or _names(reading, found.metric):
                continue
            value = reading.quantities[quantity].value
            if self._distance(page, page.headline, value) <= self._distance(page, page.context, value) < math.inf:
                found.metric = page.headline or found.metric

    def _distance(self, page: Page, metric: str | None, value: float) -> float:
        """How far a number is from the last count of a metric, as the logarithm of their ratio."""
        named = _HURT if metric in _HURT else (metric,)
        last = next(
            (
                draft.claim.value
                for draft in (*reversed(page.drafts), *page.titles)
                if draft.claim.metric in named and draft.claim.value and not draft.is_subset
            ),
            None,
        )
        return abs(math.log(value / last)) if last and value > 0 else math.inf

    def _read_implicit(self, page: Page, number: int) -> bool:
        """One person without a number ("a clerk was shot dead"), where the sentence gives no figure."""
        lexicon = page.lexicon
        if not page.gates[number] & SINGLE:
            return False
        reading = read_sentence(page.tokens_of(number), lexicon, self._convention, implicit=True)
        if not reading.quantities:
            return False
        link(reading, lexicon, None, None)
        for quantity, found in list(reading.links.items()):
            is_person = reading.phrases[quantity].kind == "person"
            if not is_person or found.metric not in _IMPLICIT or found.rule.metric is not None:
                del reading.links[quantity]
        if reading.links:
            context, latest = page.context, page.latest
            self._claims_of(page, number, reading)
            page.context, page.latest = context, latest
        return bool(reading.links)

    def _read_others(self, page: Page) -> None:
        """States and measured values, which need neither a person nor a count."""
        lexicon = page.lexicon
        for number, gates in enumerate(page.gates):
            if gates & STATE:
                for finding in find_states(page.tokens_of(number), lexicon):
                    self._state_claim(page, number, finding)
            if gates & MEASURE and page.has_digit(number):
                self._read_measures(page, number)

    def _read_measures(self, page: Page, number: int) -> None:
        lexicon = page.lexicon
        reading, found = find_measures(page.tokens_of(number), lexicon, self._convention)
        cues = find_cues(reading.tokens, lexicon) if found else []
        for measured in found:
            status = measured_status(reading, measured, found, cues, page.years, lexicon)
            self._measure_claim(page, number, measured, status)

    def _state_claim(self, page: Page, number: int, finding: StateFinding) -> None:
        tokens = page.tokens_of(number)
        start, end = tokens.starts[finding.start], tokens.ends[finding.end - 1]
        day = None
        if page.published is not None:
            day = next(
                (
                    found
                    for probe in range(finding.action[1], min(finding.action[1] + _REACH, len(tokens.lower)))
                    if (found := day_at(tokens, probe, page.lexicon, page.published, self._zone)) is not None
                ),
                None,
            )
        voiced = self._voice_of(page, number, finding.start, [], bool(tokens.quotes))
        claim = make_claim(
            metric=finding.subject,
            unit="state",
            kind=ClaimKind.STATE,
            state=finding.state,
            status=finding.status,
            as_of=day,
            field=page.name,
            start=start,
            end=end,
            quote=page.body[start:end],
            sentence_start=page.spans[number][0],
            sentence_end=page.spans[number][1],
            rule=f"{page.lexicon.lang}.state",
            lexicon_version=LEXICON_VERSION,
            speaker=voiced.speaker,
            origin=voiced.origin,
            via=voiced.via,
        )
        page.drafts.append(Draft(claim, None, False, number))

    def _measure_claim(self, page: Page, number: int, measured: Measured, status: ClaimStatus) -> None:
        quantity = measured.quantity
        tokens = page.tokens_of(number)
        low, high = bounds_of(quantity.value, quantity.high, quantity.qualifier)
        start, end = tokens.starts[quantity.start], tokens.ends[measured.end - 1]
        voiced = self._voice_of(page, number, quantity.number_start, [], bool(tokens.quotes))
        claim = make_claim(
            metric=measured.metric,
            unit=measured.unit,
            value=quantity.value,
            low=low,
            high=high,
            qualifier=quantity.qualifier,
            status=status,
            population=PART if is_apart(tokens, measured, page.lexicon) else None,
            field=page.name,
            start=start,
            end=end,
            quote=tokens.text[start:end],
            sentence_start=page.spans[number][0],
            sentence_end=page.spans[number][1],
            rule=f"{page.lexicon.lang}.measure",
            lexicon_version=LEXICON_VERSION,
            speaker=voiced.speaker,
            origin=voiced.origin,
            via=voiced.via,
        )
        page.drafts.append(Draft(claim, None, False, number))

    def _take_back(self, page: Page, number: int) -> None:
        """ "The post was later deleted" after a figure withdraws it."""
        latest = page.drafts[-1].sentence
        if any(page.has_digit(between) for between in range(latest + 1, number)):
            # It speaks of the number between, though that was not read.
            return
        start, end = page.spans[number]
        status = next_sentence_status(page.body[start:end].lower(), page.lexicon)
        if status is None:
            return
        values = {draft.claim.value for draft in page.drafts if draft.sentence == latest}
        named = {quantity.value for quantity in find_quantities(page.tokens_of(number), page.lexicon, self._convention)}
        if named and values.isdisjoint(named):
            # It speaks of another figure: "withdrew the statement that all 338 were safe".
            return
        for draft in reversed(page.drafts):
            if draft.sentence != latest:
                break
            if draft.claim.status is not ClaimStatus.OTHER_EVENT:
                draft.claim = replace(draft.claim, status=status)

    def _claims_of(self, page: Page, number: int, reading: Reading) -> None:
        lexicon = page.lexicon
        cues = find_cues(reading.tokens, lexicon)
        mentions = find_mentions(reading, lexicon)
        is_in_hospital = any(found.metric == "hospitalised" for found in reading.links.values())
        houses = find_houses(reading, lexicon) if is_in_hospital else []
        as_of = find_as_of(reading.tokens, lexicon, page.published, self._zone)
        olds = {other.old for other in reading.links.values()}
        is_listed = page.name == "text" and page.opening(number) in _BULLETS
        before: ClaimStatus | None = None
        for quantity in sorted(reading.links):
            found = reading.links[quantity]
            status, cue = find_status(reading, found, cues, lexicon)
            is_dated = status is ClaimStatus.OTHER_EVENT and lexicon.is_when(cue)
            if quantity in olds or (is_dated and "level" in found.rule.flags):
                # "Police put the toll at 71 last November" is the same toll, as it was.
                status = ClaimStatus.PREVIOUS
            elif "was" in found.rule.flags and status is ClaimStatus.CURRENT:
                status = ClaimStatus.PREVIOUS
            elif status in _DATED_APART and page.years and other_year(reading, found, page.years, lexicon):
                is_dated = status is ClaimStatus.CURRENT
                status = ClaimStatus.OTHER_EVENT
            elif before is ClaimStatus.OTHER_EVENT and found.rule.id in OF_A_GROUP:
                # "In Ufa, where 19 died in 2015, one of the victims was never found."
                status = before
            before = status
            position = reading.quantities[quantity].number_start
            others = [reading.quantities[other].number_start for other in reading.links if other != quantity]
            voiced = self._voice_of(page, number, position, others, bool(reading.tokens.quotes))
            named = named_place(reading, found) if "named" in found.rule.flags else None
            house = mention_for(reading, found, houses) if houses and found.metric == "hospitalised" else None
            mention = named or house or mention_for(reading, found, _not_of_speaker(mentions, voiced))
            page.drafts.append(
                Draft(
                    self._claim(page, number, reading, found, status, as_of, voiced),
                    mention,
                    found.is_subset,
                    number,
                    "level" in found.rule.flags,
                    is_listed,
                    is_placed=is_placed(reading, found, mention),
                    is_taken_up=found.rule.metric == "@context" and not _is_another(reading, found, lexicon),
                    is_inherited=found.parent is None and (found.rule.metric or "").startswith("@"),
                    is_earlier="level" in found.rule.flags and self._is_of_earlier_day(page, reading, found),
                    is_once=self._was_once(page, reading, found),
                    is_bare="level" not in found.rule.flags and _is_bare(reading, found, lexicon),
                    is_of_them=found.rule.id in OF_THEM,
                    is_there=is_there(reading, found, mention),
                    is_count=_is_count_of(reading, found),
                    is_besides=is_besides(reading, quantity, lexicon),
                    is_present=_is_present(reading, found, page.name, lexicon),
                    is_rest=reading.quantities[quantity].is_rest,
                    is_proven=found.rule.id != THE_REST,
                    is_named=found.rule.id == NAMED_DEAD,
                    is_sum=found.rule.id == THAT_MAKES,
                    is_more=reading.phrases[quantity].is_more or reading.quantities[quantity].is_more,
                    is_dated=is_dated and _tells_which(reading, found),
                    entry=page.entry(number) if page.name == "text" else None,
                )
            )
        metrics = [reading.links[quantity].metric for quantity in sorted(reading.links)]
        page.told.update(metrics)
        page.counted.add(number)
        page.latest = metrics[-1]
        # Who has a grave or a name is told of besides: "Palu accounts for 2,830" is of the dead told before.
        main = [
            reading.links[quantity].metric
            for quantity in sorted(reading.links)
            if reading.links[quantity].metric not in told_of_dead() and not _is_taken_in(reading, quantity)
        ]
        if main or not page.context:
            page.context = "killed" if "killed" in metrics else (main or metrics)[-1]

    def _is_of_earlier_day(self, page: Page, reading: Reading, found: Link) -> bool:
        """Whether a day before the publication stands at what tells the level.

        "On Friday the toll stood at 58", "The count of deaths was 238 on Wednesday", "In August it spoke of 650",
        "On the day of the raid its count was 35".
        """
        last = min(found.trigger[0], reading.quantities[found.quantity].start)
        then = range(max(0, last - _THEN_REACH), last)
        if any(start in then and end <= last for start, end, _ in page.lexicon.of_then.find_in(reading.tokens)):
            return True
        if page.published is None:
            return False
        first = max(0, last - _DAY_REACH, *(index + 1 for index in range(last) if reading.tokens.lower[index] == ";"))
        behind = max(found.trigger[1], reading.quantities[found.quantity].end)
        day = (
            day_at(reading.tokens, first, page.lexicon, page.published, self._zone, reach=_DAY_REACH)
            or month_at(reading.tokens, first, page.lexicon, page.published, self._zone, reach=_DAY_REACH)
            or day_at(reading.tokens, behind, page.lexicon, page.published, self._zone, reach=_DAY_BEHIND)
        )
        return day is not None and day.not_after < page.published.not_before

    def _was_once(self, page: Page, reading: Reading, found: Link) -> bool:
        """Whether a day gone by opens the clause of who was missing then: "On Friday 61 were unaccounted for"."""
        if page.published is None or is_cumulative(found.metric) or {"level", "trigger-left"} & found.rule.flags:
            return False
        last = reading.quantities[found.quantity].start
        first = max(0, last - _OPENING_REACH)
        if first == last:
            return False
        day = day_at(reading.tokens, first, page.lexicon, page.published, self._zone, reach=last - first)
        return day is not None and day.not_after < page.published.not_before

    def _claim(
        self,
        page: Page,
        number: int,
        reading: Reading,
        found: Link,
        status: ClaimStatus,
        as_of: Span | None,
        voiced: Voiced,
    ) -> Claim:
        quantity, phrase = reading.quantities[found.quantity], reading.phrases[found.quantity]
        qualifier = _qualifier_of(reading, found, page.lexicon)
        is_level = "level" in found.rule.flags
        if is_level and quantity.hedge in page.lexicon.level_hedges:
            qualifier = Qualifier.EXACT
        if is_level and status is ClaimStatus.UNCONFIRMED and qualifier is Qualifier.EXACT:
            # "could reach 20,000" sets a ceiling, not a figure.
            qualifier = Qualifier.AT_MOST
        low, high = bounds_of(quantity.value, quantity.high, qualifier)
        axes = phrase.axes or toll_axes(reading, found, page.lexicon)
        lemma = phrase.lemma
        if "attributive" in found.rule.flags:
            axes, lemma = person_after(reading, found.trigger[1], page.lexicon)
        if found.is_subset and not axes and not lemma:
            axes, lemma = predicate_axes(reading, found, page.lexicon)
        axes = axes or condition_axes(reading, found, page.lexicon)
        population = population_key(axes, lemma)
        is_of_others = found.metric in _OTHERS and _is_of_others(reading, found, page.lexicon)
        if population is None and (found.is_subset or quantity.is_implicit or is_of_others):
            population = PART
        tokens = reading.tokens
        first = min(quantity.start, found.trigger[0])
        last = max(phrase.end if phrase.kind == "person" else quantity.end, found.trigger[1])
        start, end = tokens.starts[first], tokens.ends[last - 1]
        metric = builtin_metrics().get(found.metric)
        return make_claim(
            metric=found.metric,
            unit=metric.unit if metric else self._unit(found.metric),
            value=quantity.value,
            low=low,
            high=high,
            qualifier=qualifier,
            kind=_kind(reading, found, status, page.lexicon),
            status=status,
            population=population,
            population_text=phrase.head or None,
            replaces=reading.quantities[found.old].value if found.old is not None else None,
            field=page.name,
            start=start,
            end=end,
            quote=tokens.text[start:end],
            sentence_start=page.spans[number][0],
            sentence_end=page.spans[number][1],
            as_of=as_of,
            speaker=voiced.speaker,
            origin=voiced.origin,
            via=voiced.via,
            implicit=quantity.is_implicit,
            confidence=_confidence(quantity, found),
            rule=f"{page.lexicon.lang}.{found.rule.id}{LOWERED if is_lowered(reading, found, page.lexicon) else ''}",
            lexicon_version=LEXICON_VERSION,
        )

    def _unit(self, name: str) -> str:
        metrics = self._story.metrics if self._story is not None else ()
        return next((metric.unit for metric in metrics if metric.name == name), "people")

    def _voice_of(self, page: Page, number: int, position: int, others: list[int], has_quotes: bool) -> Voiced:
        """Who says what stands at token `position`: speaker, key of the origin, outlet that quotes them."""
        voice, via = choose_voice(page.voices_of(number), position, others, page.tokens_of(number))
        if voice is None:
            voice = told_after(page, number)
        if voice is None and COLON & page.tokens_of(number).marks:
            voice = _opener_before_colon(page, number, position)
        inherit = partial(
            inherit_voice,
            page.list_start(number),
            page.paragraphs,
            page.voices_of,
            page.passed_on,
            page.opener_of,
            floor=page.entry_start(number),
            lexicon=page.lexicon,
            counted=page.counted,
        )
        if via is not None and via.is_pronoun:
            via = inherit(is_pronoun=True, in_quote=False, pronoun=via.speaker)
        if voice is None or voice.is_pronoun:
            in_quote = has_quotes or opens_quote(page, number)
            pronoun = voice.speaker if voice is not None else ""
            voice = inherit(is_pronoun=voice is not None, in_quote=in_quote, pronoun=pronoun)
        if voice is None:
            return _UNVOICED
        speaker = full_name(voice, number, page.voices_of, page.sentence, page.tokens_of, page.lexicon)
        carrier = via.speaker if via is not None and via.speaker != voice.speaker else None
        # The name tells readers more; the origin stays the one whom other texts name by the office alone.
        named = with_name(speaker, voice, number, page.voices_of, page.sentence, page.lexicon)
        return Voiced(named, self._origins.key(speaker), carrier)


def _lend_voices(claims: tuple[Claim, ...]) -> list[Claim]:
    """A headline's figure without a speaker is told by whoever tells it in the text, and the other way round."""
    tellers: dict[tuple[str, str, float | None], Claim] = {}
    for claim in claims:
        if claim.speaker is not None:
            tellers.setdefault((claim.field, claim.metric, claim.value), claim)
    lent: list[Claim] = []
    for claim in claims:
        other = "text" if claim.field == "title" else "title"
        teller = tellers.get((other, claim.metric, claim.value)) if claim.speaker is None else None
        if teller is not None:
            claim = replace(claim, speaker=teller.speaker, origin=teller.origin, via=teller.via)
        lent.append(claim)
    return lent


def _not_of_speaker(mentions: list[Mention], voiced: Voiced) -> list[Mention]:
    """The places that do not only say where a speaker is: "police in Valais said 12 people had died"."""
    speaker = voiced.speaker or ""
    return [mention for mention in mentions if mention.is_generic or f" {mention.text}" not in speaker]


def _names(reading: Reading, metric: str) -> bool:
    """Whether a word of the sentence names a metric."""
    return any(metric == name for symbol in reading.symbols.symbols for _, name in symbol.metrics)


def _opener_before_colon(page: Page, number: int, position: int) -> Voice | None:
    """Who gave what follows a colon: "Chief Constable Ian Hopkins broke the news at 7am: three more had died"."""
    opener = page.opener_of(number)
    is_before = opener is not None and ":" in page.tokens_of(number).lower[opener.end : position]
    return opener if is_before else None


def _is_taken_in(reading: Reading, quantity: int) -> bool:
    """Whether a figure is a part of what was told before: "4,340 died. That takes in 667 who were never found"."""
    place = next(place for place, number in reading.symbols.figures.items() if number == quantity)
    return place > 0 and "including" in reading.symbols.symbols[place - 1].classes


def _confidence(quantity: Quantity, found: Link) -> float:
    """How sure the reading is: lower where the metric was taken over from a neighbour or no number was stated."""
    if quantity.is_implicit:
        return 0.5
    return 0.8 if found.rule.metric is not None and found.rule.metric.startswith("@") else 1.0


def _is_present(reading: Reading, found: Link, field: str, lexicon: Lexicon) -> bool:
    """Whether those counted happened to be there or live there: "50 worshippers", "81 Oregonians".

    A headline may write all its words with capitals.
    """
    phrase = reading.phrases[found.quantity]
    if phrase.lemma in lexicon.present:
        return True
    is_name = phrase.lemma != "" and field == "text" and not lexicon.has_capital_nouns
    return is_name and reading.tokens.is_capital(phrase.end - 1)


def _tells_which(reading: Reading, found: Link) -> bool:
    """Whether a figure stands in a clause that says which event is meant: "the fire *that* killed 104 in 2018".

    Not in one that tells of the year: "since 2009, *when* 71 died".
    """
    symbols = reading.symbols
    figure = next(place for place, number in symbols.figures.items() if number == found.quantity)
    opening = max((place for place in range(figure) if "who" in symbols.symbols[place].classes), default=None)
    if opening is None or any("sub" in symbol.classes for symbol in symbols.symbols[opening:figure]):
        return False
    start = symbols.places[opening][0]
    start -= reading.tokens.lower[start - 1] == ","
    return not any(other.reason == "year" and other.end == start for other in reading.quantities)


def _qualifier_of(reading: Reading, found: Link, lexicon: Lexicon) -> Qualifier:
    """How exact a figure is told, by what stands before it or behind those counted: «trois personnes au moins»."""
    quantity, phrase = reading.quantities[found.quantity], reading.phrases[found.quantity]
    if quantity.qualifier is not Qualifier.EXACT:
        return quantity.qualifier
    lower = reading.tokens.lower
    for end in (max(quantity.end, phrase.end), found.trigger[1]):
        behind = lexicon.qualifiers_behind.at(lower, end) if quantity.end <= end < len(lower) else None
        if behind is not None and not any(
            other.start <= behind[0] <= other.number_start for other in reading.quantities
        ):
            return behind[1]
    return quantity.qualifier


def _is_count_of(reading: Reading, found: Link) -> bool:
    """Whether a figure is given as somebody's count: "its figure of 769 dead", "the government says 61"."""
    place = next(place for place, number in reading.symbols.figures.items() if number == found.quantity)
    before = [symbol.classes for symbol in reading.symbols.symbols[max(0, place - 2) : place]]
    is_told = len(before) > 1 and "of" in before[1] and not before[0].isdisjoint(("generic_toll", "toll"))
    return is_told or (found.rule.id == REPORTED and _is_said(reading, found))


def _is_said(reading: Reading, found: Link) -> bool:
    """Whether what tied a number to its metric is a verb of speech: "says 61", but not "accounts for 61"."""
    return any(
        "say" in symbol.classes
        for symbol, place in zip(reading.symbols.symbols, reading.symbols.places, strict=True)
        if place == found.trigger
    )


def _is_step(reading: Reading, found: Link, lexicon: Lexicon) -> bool:
    """Whether "more" is a step upwards, "detained four more members", and not those left: "another 145 are missing"."""
    quantity, phrase = reading.quantities[found.quantity], reading.phrases[found.quantity]
    words = (lexicon.words.at(reading.tokens.lower, index) for index in range(quantity.start, phrase.end))
    is_object = "trigger-left" in found.rule.flags and phrase.kind == "person"
    if not is_object and found.rule.id != "counted-noun":
        # "A further 30 people were hurt" and "injuring hundreds more" are besides the dead.
        return False
    has_step = any(entry is not None and "step" in entry[1].classes for entry in words)
    is_beside = any(number < found.quantity for number in reading.links)
    return has_step and not is_beside and is_cumulative(found.metric)


def _is_of_others(reading: Reading, found: Link, lexicon: Lexicon) -> bool:
    """Whether "30 others" are told of besides: a part of their own, and no step."""
    quantity, phrase = reading.quantities[found.quantity], reading.phrases[found.quantity]
    behind = range(quantity.end, max(phrase.end, quantity.end))
    # "Three other people were arrested" besides the one who was charged.
    is_held = found.metric == "detained"
    return any(
        reading.tokens.lower[index] in lexicon.others
        or (is_held and "rest" in lexicon.classes_at(reading.tokens.lower, index))
        for index in behind
    )


def _is_bare(reading: Reading, found: Link, lexicon: Lexicon) -> bool:
    """Whether the figure has no noun of its own, or none but "others"."""
    return reading.phrases[found.quantity].kind == "bare" or _is_of_others(reading, found, lexicon)


def _is_still(reading: Reading, found: Link, lexicon: Lexicon) -> bool:
    """Whether a word for "more" before a figure of old says "still" there: «am Mittag hatte sie noch sechs genannt»."""
    quantity = reading.quantities[found.quantity]
    before = range(quantity.start, quantity.number_start)
    return any("still" in lexicon.classes_at(reading.tokens.lower, index) for index in before)


def _kind(reading: Reading, found: Link, status: ClaimStatus, lexicon: Lexicon) -> ClaimKind:
    """ "Two more died" is an increment; "another 30 were hurt" beside the dead is a level of its own."""
    if "increment" in found.rule.flags:
        return ClaimKind.INCREMENT
    if not reading.phrases[found.quantity].is_more and not reading.quantities[found.quantity].is_more:
        return ClaimKind.LEVEL
    if _is_added(reading, found):
        return ClaimKind.INCREMENT
    if "level" in found.rule.flags or (found.metric != "killed" and not _is_step(reading, found, lexicon)):
        return ClaimKind.LEVEL
    if status is ClaimStatus.PREVIOUS and _is_still(reading, found, lexicon):
        return ClaimKind.LEVEL
    if status is ClaimStatus.UNCONFIRMED or _is_of_others(reading, found, lexicon):
        return ClaimKind.LEVEL
    if found.rule.id == "counted-noun":
        return ClaimKind.INCREMENT
    others = any(number < found.quantity and other.metric != found.metric for number, other in reading.links.items())
    return ClaimKind.LEVEL if others else ClaimKind.INCREMENT


def _is_added(reading: Reading, found: Link) -> bool:
    """Whether a total of the same follows: "another 2,000 were detained, bringing the total to 5,000"."""
    value = reading.quantities[found.quantity].value
    return "level" not in found.rule.flags and any(
        number > found.quantity
        and other.metric == found.metric
        and {"level", "trigger-left"} <= other.rule.flags
        and reading.quantities[number].value > value
        for number, other in reading.links.items()
    )


def _is_another(reading: Reading, found: Link, lexicon: Lexicon) -> bool:
    """Whether a count is one beside the others: "a separate tally stood at 74"."""
    before = reading.tokens.lower[max(0, found.trigger[0] - _ARTICLE_REACH) : found.trigger[0]]
    return not lexicon.number_articles.isdisjoint(before)
