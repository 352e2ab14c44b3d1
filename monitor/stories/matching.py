"""Which article belongs to which story, and why: one search for the names of all stories at once, then a score.

Evidence has two sides. The *subject* (entities and places) says who and where; the *theme* (topics) says what. An
article must show both, as far as a story defines them: football shows no unrest, a quake elsewhere not this place.

- A name counts by where it stands: 1.5 in the title, 1 (1.5 if repeated) in the first 600 characters, 0.35 for each
  further block of 600 characters that holds it, three at most; times its weight, times its rarity among the stories.
- A name in capitals within the text is a dateline (MOSCOW, May 4 –): no more than a mention in passing.
- A side is capped at 2, so that no name, however often it comes, stands in for the other side.
- The period adds up to 1.6: all of it within the period (60 days from the start, if it has no end), half of it 180
  days after that and next to nothing after two years, half for an unknown date. An article that is surely older than
  the start cannot match.
- The sum must reach THRESHOLD, and each side SIDE_MINIMUM; a central entity must be spoken of, if any is marked.
- Within the period, beside a place or event of the story that is no whole country, words that carry on a count ("toll
  rises") show the theme as well: such reports often say nothing else of what happened.

Within the period one mention of each side at the beginning decides (1.6 + 1 + 1, or 0.8 each where names are shared);
years later both sides must fill the page. A story that defines one side only is judged by that side, counted twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from math import log2

from ahocorasick_rs import AhoCorasick, Implementation

from monitor.stories.evidence import SIDES, Evidence, Found, Occurrence, Target, names_of, widest
from monitor.stories.folding import compose, fold, needs_border
from monitor.stories.forms import Form, is_acronym
from storage.records import Hit, Match, Span, Story

THRESHOLD = 3.2
SIDE_MINIMUM = 0.6
ALONE_MINIMUM = 1.8  # of the one side of a story that defines only one: a title is not enough
SIDE_CAP = 2.0
CENTRAL_MINIMUM = 0.5
PERIOD_OPEN = timedelta(days=60)
PERIOD_HALF = timedelta(days=180)
PERIOD_WEIGHT = 1.6
UNKNOWN_PERIOD = 0.5
TOLL_PLACE_MINIMUM = 0.6
LEAST_RARITY = 0.6


class Matcher:
    """Finds the stories that an article or an entry belongs to. Built once; keeps nothing of the articles."""

    def __init__(self, stories: Iterable[Story]) -> None:
        """Expand the names of the stories into their forms; 1,000 stories with 20 names each are fine."""
        self._stories = tuple(stories)
        self._evidence: list[Evidence] = []
        targets: dict[str, list[Target]] = defaultdict(list)
        for position, story in enumerate(self._stories):
            for form, target in self._forms_of(position, story):
                targets[_pattern(form)].append(target)
        narrowed = [widest(found) for found in targets.values()]
        self._subjects = tuple(self._by_story(found, "subject") for found in narrowed)
        self._themes = tuple(self._by_story(found, "theme") for found in narrowed)
        self._rarity = tuple(map(self._rarity_of, narrowed))
        self._without_subject = {at for at, story in enumerate(self._stories) if "subject" not in _sides(story)}
        self._margins = tuple((pattern.startswith(" "), pattern.endswith(" ")) for pattern in targets)
        self._search = AhoCorasick(tuple(targets), implementation=Implementation.ContiguousNFA) if targets else None

    def match(
        self, *, title: str, text: str, published: Span | None = None, lang: str | None = None
    ) -> tuple[Match, ...]:
        """Return the stories that the article belongs to, best first; the hits of a match are its explanation.

        `published` is as wide as it is known; `lang` (ISO 639-1) keeps plurals of one language
        from being found in another.
        """
        found = self._find(title, text, lang)
        matches = (self._judge(story, hits, published) for story, hits in found.items())
        return tuple(
            sorted((match for match in matches if match.is_match), key=lambda match: (-match.score, match.story))
        )

    def explain(
        self, *, title: str, text: str, published: Span | None = None, lang: str | None = None
    ) -> tuple[Match, ...]:
        """Return every story of which the article shows any evidence, those that it does not belong to included."""
        found = self._find(title, text, lang, everywhere=True)
        matches = [self._judge(story, hits, published) for story, hits in found.items()]
        return tuple(sorted(matches, key=lambda match: (not match.is_match, -match.score, match.story)))

    def could_match(self, *, title: str, summary: str = "") -> bool:
        """Tell whether the page behind an entry is worth fetching: its title or summary shows any name of any story."""
        return any(
            target.accepts(occurrence.words, None)
            for occurrence in self._occurrences(title, summary)
            for side in (self._subjects, self._themes)
            for targets in side[occurrence.pattern].values()
            for target in targets
            if self._evidence[target.evidence].kind != "toll"
        )

    def _forms_of(self, position: int, story: Story) -> Iterator[tuple[Form, Target]]:
        """Yield each form of each name of a story; a place that is also an entity counts as the entity alone."""
        taken: set[str] = set()
        for name in names_of(story):
            number = len(self._evidence)
            self._evidence.append(
                Evidence(
                    story=position,
                    kind=name.kind,
                    name=name.name,
                    weight=name.weight,
                    central=name.central,
                    is_spot=name.is_spot(),
                )
            )
            own: set[str] = set()
            for spelling in name.spellings:
                in_capitals = is_acronym(spelling)
                for form in sorted(name.forms(spelling, story.languages), key=lambda form: form.text):
                    if form.text not in taken:
                        own.add(form.text)
                        yield form, Target(evidence=number, language=form.language, in_capitals=in_capitals)
            if SIDES[name.kind] == "subject":
                taken |= own

    def _by_story(self, targets: Sequence[Target], side: str) -> dict[int, list[Target]]:
        """Return those targets of one form that are evidence on one side, by story."""
        stories: dict[int, list[Target]] = defaultdict(list)
        for target in targets:
            evidence = self._evidence[target.evidence]
            if SIDES[evidence.kind] == side:
                stories[evidence.story].append(target)
        return dict(stories)

    def _rarity_of(self, targets: Sequence[Target]) -> float:
        """Return 1 for a form of one story, less for one that many share (0.8 for two, never below LEAST_RARITY)."""
        sharing = len({self._evidence[target.evidence].story for target in targets})
        return max(LEAST_RARITY, 1 / (1 + log2(sharing) / 4))

    def _find(
        self, title: str, text: str, lang: str | None, *, everywhere: bool = False
    ) -> dict[int, dict[int, Found]]:
        """Return what was found: by story, by number of the evidence.

        Words of topics are shared by many stories: they are only entered for stories whose subject was found (or that
        define none), unless `everywhere`.
        """
        stories: dict[int, dict[int, Found]] = defaultdict(dict)
        occurrences = list(self._occurrences(title, text))
        for occurrence in occurrences:
            for story, targets in self._subjects[occurrence.pattern].items():
                self._enter(stories[story], targets, occurrence, lang)
        candidates = set(range(len(self._stories))) if everywhere else self._without_subject | set(stories)
        for occurrence in occurrences if candidates else ():
            themes = self._themes[occurrence.pattern]
            for story in candidates & themes.keys() if themes else ():
                self._enter(stories[story], themes[story], occurrence, lang)
        return {story: found for story, found in stories.items() if found}

    def _occurrences(self, title: str, text: str) -> Iterator[Occurrence]:
        """Yield where any form of any name stands in an article, by the end of the form."""
        if self._search is None:
            return
        title = compose(title)
        whole = f" {title} \n {compose(text)} "
        for pattern, start, end in self._search.find_matches_as_indexes(fold(whole), overlapping=True):
            before, after = self._margins[pattern]
            words = whole[start + before : end - after]
            yield Occurrence(pattern, words, start, end, len(title) + 2)

    def _enter(
        self, found: dict[int, Found], targets: Iterable[Target], occurrence: Occurrence, lang: str | None
    ) -> None:
        for target in targets:
            if target.accepts(occurrence.words, lang):
                place = found.setdefault(target.evidence, Found())
                place.rarity = max(place.rarity, self._rarity[occurrence.pattern])
                place.note(occurrence, is_acronym=target.in_capitals)

    def _judge(self, position: int, found: dict[int, Found], published: Span | None) -> Match:
        """Return the match of one story with its score, by the rules at the head of this module."""
        story = self._stories[position]
        period = _period_share(story, published)
        found = self._without_stray_tolls(found, is_within=period == PERIOD_WEIGHT)
        raw = {number: self._evidence[number].weight * place.strength() for number, place in found.items()}
        sides: dict[str, float] = defaultdict(float)
        for number, strength in raw.items():
            sides[SIDES[self._evidence[number].kind]] += strength
        defined = _sides(story)
        doubled = 2 if len(defined) == 1 else 1
        scale = {side: doubled * min(total, SIDE_CAP) / total for side, total in sides.items() if total}
        hits = [self._hit(number, place, raw[number], scale) for number, place in found.items()]
        if period:
            hits.append(Hit(evidence="period", name=story.slug, found="", weight=round(period, 3)))
        score = (period or 0) + sum(doubled * min(total, SIDE_CAP) for total in sides.values())
        least = ALONE_MINIMUM if len(defined) == 1 else SIDE_MINIMUM
        is_match = (
            period is not None
            and score >= THRESHOLD
            and all(sides[side] >= least for side in defined)
            and self._has_kinds(story, found)
            and self._has_central(story, raw)
        )
        hits.sort(key=lambda hit: (-hit.weight, hit.evidence, hit.name))
        return Match(story=story.slug, score=round(score, 3), hits=tuple(hits), is_match=is_match)

    def _without_stray_tolls(self, found: dict[int, Found], *, is_within: bool) -> dict[int, Found]:
        """Return what was found, but for words of a count with no place or event of the story beside them."""
        spots = (place.strength() for number, place in found.items() if self._evidence[number].is_spot)
        if is_within and max(spots, default=0.0) >= TOLL_PLACE_MINIMUM:
            return found
        return {number: place for number, place in found.items() if self._evidence[number].kind != "toll"}

    def _hit(self, number: int, place: Found, strength: float, scale: dict[str, float]) -> Hit:
        evidence = self._evidence[number]
        weight = strength * scale[SIDES[evidence.kind]]
        words = ", ".join(list(place.words)[:5])
        return Hit(evidence=evidence.kind, name=evidence.name, found=words, weight=round(weight, 3), count=place.count)

    def _has_kinds(self, story: Story, found: dict[int, Found]) -> bool:
        """Tell whether there are two kinds of evidence among entities, topics and places, if the story defines two."""
        kinds = {self._evidence[number].kind for number in found}
        defined = [bool(story.entities), bool(story.topics), bool(story.places)]
        return len(kinds) >= min(2, sum(defined))

    def _has_central(self, story: Story, raw: dict[int, float]) -> bool:
        """Tell whether a central entity is spoken of, if the story marks any."""
        if not any(entity.central for entity in story.entities):
            return True
        return sum(strength for number, strength in raw.items() if self._evidence[number].central) >= CENTRAL_MINIMUM


def _pattern(form: Form) -> str:
    """Return a form with the spaces that set words apart, where its script has them."""
    before = " " if needs_border(form.text[0]) else ""
    after = " " if needs_border(form.text[-1]) else ""
    return f"{before}{form.text}{after}"


def _sides(story: Story) -> tuple[str, ...]:
    """Return the sides of evidence that a story defines."""
    subject = ("subject",) if story.entities or story.places else ()
    return subject + (("theme",) if story.topics else ())


def _period_share(story: Story, published: Span | None) -> float | None:
    """Return what the time of publication adds; None if the article is surely older than the story."""
    if published is None or story.period_start is None:
        return PERIOD_WEIGHT * UNKNOWN_PERIOD
    if published.not_after < story.period_start:
        return None
    end = story.period_end or story.period_start + PERIOD_OPEN
    late = max((published.not_before - end) / PERIOD_HALF, 0.0)
    return PERIOD_WEIGHT / (1 + late * late)
