"""Language packs: TOML folders under lexicons/<lang>/ become one frozen Lexicon, read once and kept.

docs/languages.md says which files a pack has and what each key means. `check_lexicon` (lexicon_check.py)
is the strict validator; loading trusts what it has passed.
"""

import gc
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from monitor.claims.gates import Gate, Gates
from monitor.claims.grammar import MARKS, Grammar, Rule, Symbol, WordSymbols, load_rules
from monitor.claims.phrases import PhraseTable
from monitor.claims.tokens import AMONG, CLAUSE, FIRST_FREE_BIT, LEAD, NUMERIC, PERFECT, PLACE, Vocabulary
from storage.errors import StorywatchError
from storage.records import Qualifier

LEXICON_VERSION = "1"
# Not beside this module, which may be a compiled one.
LEXICONS = Path(str(files("monitor.claims"))) / "lexicons"
PACK_FILES = (
    "numbers.toml",
    "words.toml",
    "triggers.toml",
    "people.toml",
    "status.toml",
    "attribution.toml",
    "states.toml",
    "dates.toml",
    "examples.toml",
)
TRIGGER_FORMS = ("active", "past", "participle", "intransitive", "adjective", "noun", "toll")
# The bits of Lexicon.gates: what a sentence may hold.
TRIGGER, NUMBER, CONTEXT, SINGLE, STATE, MEASURE = (1 << bit for bit in range(6))
# Classes whose words make rules with a metric of their own ("claimed 63 lives"): they open the gate too.
GATE_CLASSES = frozenset(
    (
        "lives",
        "bodies",
        "victims",
        "hospital",
        "custody",
        "soldiers",
        "held",
        "to_death",
        "to_victim",
        "lack",
        "wounds",
        "condition",
        "nothing_of",
        "shelter",
    )
)
# Marks that end a clause in every language.
CLAUSE_MARKS = frozenset((";", "•", "|"))
_BRACES = re.compile(r"\{([^{}]*)\}")
_VOWELS = frozenset("aeiouhàâéèêëîïôûù")
_WORDS = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_](?:\w|['.](?=\w)|-(?=\w))*|[^\w\s]")


class LexiconError(StorywatchError):
    """A language pack is missing or wrong; the message names file and key."""


@dataclass(frozen=True, slots=True)
class WordEntry:
    """What a word or phrase can be: classes of the grammar, and the metric of each trigger form among them.

    `symbol` is that of both in the language's grammar.
    """

    classes: frozenset[str]
    metrics: tuple[tuple[str, str], ...] = ()
    symbol: Symbol | None = None

    def metric_of(self, form: str) -> str | None:
        """The metric that this entry names as `form`, or None."""
        for name, metric in self.metrics:
            if name == form:
                return metric
        return None


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """A noun or adjective of people: its axes ("role", "police"), whether it names everyone, and its lemma."""

    axes: tuple[tuple[str, str], ...] = ()
    is_whole: bool = False
    lemma: str = ""
    is_noun: bool = False


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that says how a figure stands: the status, and the side of the figure that it must stand on."""

    status: str
    side: str


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """A value with a unit: words that must stand in the sentence, units after and before the number."""

    metric: str
    near: PhraseTable[bool]
    units: PhraseTable[str]
    units_before: PhraseTable[str]
    apart: PhraseTable[bool]

    def has_unit(self, words: list[str]) -> bool:
        """Whether any word may belong to a unit."""
        return not (self.units.firsts.isdisjoint(words) and self.units_before.firsts.isdisjoint(words))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language, ready for look-up. All words are lower case with straight apostrophes."""

    lang: str
    decimal: str
    thousands: tuple[str, ...]
    number_words: dict[str, float]
    number_scales: dict[str, float]
    number_suffixes: dict[str, float]
    number_firsts: frozenset[str]
    number_articles: frozenset[str]
    number_ones: frozenset[str]
    collectives: frozenset[str]
    number_halves: frozenset[str]
    number_joiners: frozenset[str]
    joins_tens: bool
    number_parts: dict[str, float]
    dotted_scales: frozenset[str]
    has_bare_scales: bool
    ranges: frozenset[str]
    range_openers: frozenset[str]
    between: frozenset[str]
    articles: frozenset[str]
    vague: PhraseTable[str]
    hedged_scales: frozenset[str]
    about_scales: frozenset[str]
    qualifiers: PhraseTable[Qualifier]
    qualifiers_after: PhraseTable[Qualifier]
    qualifiers_behind: PhraseTable[Qualifier]
    units: PhraseTable[bool]
    not_before: frozenset[str]
    ages_before: frozenset[str]
    age_words: frozenset[str]
    date_joiners: frozenset[str]
    year_nouns: frozenset[str]
    has_year_first: bool
    currency: frozenset[str]
    pronoun_before: frozenset[str]
    pronoun_after: frozenset[str]
    unit_words: frozenset[str]
    has_genitive: bool
    has_capital_nouns: bool
    adjectival: tuple[str, ...]
    others: frozenset[str]
    differences: PhraseTable[bool]
    none_before: PhraseTable[bool]
    all_but: PhraseTable[bool]
    age_hedges: frozenset[str]
    kin: frozenset[str]
    age_verbs: frozenset[str]
    aging_words: frozenset[str]
    fractions: PhraseTable[bool]
    level_hedges: frozenset[str]
    words: PhraseTable[WordEntry]
    adverb_suffixes: tuple[str, ...]
    metric_words: frozenset[str]
    among_words: frozenset[str]
    people: PhraseTable[PersonEntry]
    person_suffixes: tuple[str, ...]
    present: frozenset[str]
    idioms: PhraseTable[bool]
    weak: frozenset[str]
    wanted: dict[str, frozenset[str]]
    contexts: dict[str, tuple[str, ...]]
    place: dict[str, frozenset[str]]
    cues: PhraseTable[tuple[Cue, ...]]
    next_cues: PhraseTable[tuple[Cue, ...]]
    next_gate: Gate
    neutral: PhraseTable[bool]
    boundary_words: frozenset[str]
    meanwhile: frozenset[str]
    turns: frozenset[str]
    settled: PhraseTable[bool]
    besides: PhraseTable[bool]
    when_another: PhraseTable[bool]
    lowered_to: PhraseTable[bool]
    lowered_after: PhraseTable[bool]
    perfect_auxiliary: frozenset[str]
    existential: frozenset[str]
    late_verbs: frozenset[str]
    by_then: PhraseTable[bool]
    year_prepositions: frozenset[str]
    since: str
    say: PhraseTable[str]
    has_speaker_after: bool
    drops_pronouns: bool
    frame_auxiliaries: frozenset[str]
    addressees: PhraseTable[bool]
    documents: PhraseTable[bool]
    document_links: PhraseTable[bool]
    counts: PhraseTable[bool]
    stand_ins: frozenset[str]
    agent_links: PhraseTable[bool]
    name_endings: tuple[tuple[str, str], ...]
    pronouns: frozenset[str]
    person_pronouns: frozenset[str]
    thing_pronouns: frozenset[str]
    persons: frozenset[str]
    bodies: frozenset[str]
    possessives: frozenset[str]
    addressing: frozenset[str]
    first_persons: frozenset[str]
    said_of_nothing: PhraseTable[bool]
    speaker_articles: frozenset[str]
    telling: frozenset[str]
    joints: frozenset[str]
    speaker_stops: frozenset[str]
    speaker_leads: frozenset[str]
    speaker_breaks: frozenset[str]
    speaker_tails: frozenset[str]
    official: frozenset[str]
    offices: PhraseTable[bool]
    elisions: tuple[str, ...]
    nominatives: PhraseTable[str]
    told_so: PhraseTable[bool]
    told_so_within: PhraseTable[bool]
    sources: PhraseTable[str]
    subjects: PhraseTable[str]
    actions: PhraseTable[str]
    allowed_states: dict[str, frozenset[str]]
    planned: PhraseTable[bool]
    state_idioms: PhraseTable[bool]
    measures: tuple[MeasureSpec, ...]
    implicit_articles: frozenset[str]
    implicit_nouns: frozenset[str]
    months: dict[str, int]
    plain_months: frozenset[str]
    weekdays: dict[str, int]
    relative_days: PhraseTable[int]
    day_words: frozenset[str]
    when: PhraseTable[bool]
    of_then: PhraseTable[bool]
    as_of: PhraseTable[bool]
    abbreviations: frozenset[str]
    grammar: Grammar
    symbols: WordSymbols
    gate: Gate
    gates: Gates
    vocabulary: Vocabulary

    def is_when(self, phrase: str) -> bool:
        """Whether a phrase says when: "last November"."""
        words = phrase.split()
        found = self.when.at(words, 0)
        return found is not None and found[0] == len(words)

    def classes_at(self, lower: list[str], index: int) -> frozenset[str]:
        """The classes of the word or phrase that begins at a token; none for an unknown one."""
        entry = self.words.at(lower, index) if index < len(lower) else None
        return frozenset() if entry is None else entry[1].classes


def expand(pattern: str) -> list[str]:
    """All forms of "fatalit{y,ies}" in the order written; several braces multiply."""
    match = _BRACES.search(pattern)
    if match is None:
        return [pattern]
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return [form for choice in match.group(1).split(",") for form in expand(head + choice + tail)]


def expand_all(patterns: Iterable[str]) -> list[str]:
    """All forms of all patterns, lower case, in order."""
    return [form.lower().replace("’", "'") for pattern in patterns for form in expand(pattern)]


def split_words(phrase: str) -> tuple[str, ...]:
    """A phrase as the tokens that the tokenizer would make of it; quotation marks are left out."""
    return tuple(word for word in _WORDS.findall(phrase) if word != '"')


def _table(phrases: Iterable[str]) -> PhraseTable[bool]:
    return PhraseTable((split_words(form), True) for form in expand_all(phrases) if split_words(form))


@cache
def supported_languages() -> tuple[str, ...]:
    """ISO 639-1 codes that have a pack, sorted."""
    return tuple(sorted(path.name for path in LEXICONS.iterdir() if (path / "numbers.toml").is_file()))


def read_pack(lang: str) -> dict[str, dict[str, Any]]:
    """The files of one pack as parsed TOML, by file name without ending.

    LexiconError when the language has no pack or a file cannot be parsed.
    """
    folder = LEXICONS / lang
    if lang not in supported_languages():
        raise LexiconError(f"no language pack for {lang!r}: {folder} has no numbers.toml")
    pack: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            pack[path.stem] = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise LexiconError(f"{path}: {error}; correct the TOML") from error
    return pack


@cache
def load_lexicon(lang: str) -> Lexicon:
    """The lexicon of a language, built once per process. LexiconError when there is none."""
    return kept(build_lexicon(lang, read_pack(lang)))


def kept(lexicon: Lexicon) -> Lexicon:
    """Return a lexicon that lasts as long as the process, set apart from what the collector of cycles goes through.

    Going through its 150,000 objects again and again took a third of the time of the first hundred articles.
    """
    gc.freeze()
    return lexicon


def build_lexicon(
    lang: str, pack: Mapping[str, Mapping[str, Any]], extra_nouns: Mapping[str, Iterable[str]] | None = None
) -> Lexicon:
    """A lexicon from parsed TOML; `extra_nouns` are nouns of a story's own metrics, by metric."""
    numbers, words, status = pack["numbers"], pack["words"], pack["status"]
    attribution, states, dates = pack["attribution"], pack["states"], pack["dates"]
    people, excluded = pack["people"], numbers.get("not_counts", {})
    elisions = tuple(words.get("nouns", {}).get("elisions", ()))
    entries = _word_entries(pack, extra_nouns or {})
    rules = load_rules(lang, LEXICONS / "grammar.toml") + _own_rules(lang, pack)
    grammar = Grammar(rules, {entry.classes for entry in entries.values()} | _suffix_sets(words))
    entries = {
        key: replace(entry, symbol=grammar.symbol(entry.classes, entry.metrics)) for key, entry in entries.items()
    }
    number_words = {key.lower(): float(value) for key, value in numbers["words"].items()}
    scales = {key.lower(): float(value) for key, value in numbers["scales"].items()}
    articles = frozenset(expand_all(numbers.get("article", ())))
    halves = frozenset(expand_all(numbers.get("half", ())))
    vague = [(split_words(form), key) for word, key in numbers["vague"].items() for form in expand_all([word])]
    units = expand_all(excluded.get("units", ()))
    class_suffixes = tuple(
        (suffix, name) for name, suffixes in words.get("suffixes", {}).items() for suffix in suffixes
    )
    relative_days = PhraseTable((split_words(key.lower()), int(value)) for key, value in dates["relative"].items())
    cues = _cue_table(status, ("adjacent", "near", "before", "after", "after_level"))
    perfect_auxiliary = frozenset(expand_all(status.get("previous", {}).get("perfect_auxiliary", ())))
    triggers = _trigger_stems(entries) + _class_words(entries, GATE_CLASSES)
    lexicon = Lexicon(
        lang=lang,
        decimal=numbers["decimal"],
        thousands=tuple(numbers["thousands"]),
        number_words=number_words,
        number_scales=scales,
        number_suffixes={key.lower(): float(value) for key, value in numbers.get("suffixes", {}).items()},
        number_firsts=frozenset(number_words) | frozenset(scales) | articles | halves,
        number_articles=articles,
        collectives=frozenset(expand_all(numbers.get("collectives", ()))),
        number_ones=frozenset(expand_all(numbers.get("ones", ()))),
        number_halves=halves,
        number_parts={key.lower(): float(value) for key, value in numbers.get("parts", {}).items()},
        joins_tens=bool(numbers.get("joins_tens", False)),
        number_joiners=frozenset(numbers.get("joiners", ())),
        dotted_scales=frozenset(numbers.get("dotted_scales", ())),
        has_bare_scales=bool(numbers.get("bare_scales", False)),
        ranges=frozenset(numbers.get("ranges", ())),
        range_openers=frozenset(numbers.get("range_openers", ())),
        between=frozenset(numbers.get("between", ())),
        articles=frozenset(numbers.get("definite", ())),
        vague=PhraseTable(vague),
        hedged_scales=frozenset(expand_all(numbers.get("hedged_scales", ()))),
        about_scales=frozenset(expand_all(numbers.get("about_scales", ()))),
        qualifiers=PhraseTable(_qualifiers(numbers["qualifiers"])),
        qualifiers_after=PhraseTable(_qualifiers(numbers.get("qualifiers_after", {}))),
        qualifiers_behind=PhraseTable(_qualifiers(numbers.get("qualifiers_behind", {}))),
        units=_table(units),
        not_before=frozenset(expand_all(excluded.get("before", ()))),
        ages_before=frozenset(expand_all(excluded.get("ages_before", ()))),
        age_words=frozenset(expand_all(excluded.get("age_words", ()))),
        date_joiners=frozenset((".", "of", *dates.get("words", {}).get("joiners", ()))),
        year_nouns=frozenset(expand_all(dates.get("words", {}).get("year_nouns", ()))),
        has_year_first=bool(dates.get("words", {}).get("year_first", False)),
        currency=frozenset(expand_all(excluded.get("currency", ()))),
        pronoun_before=frozenset(expand_all(excluded.get("pronoun_before", ()))),
        pronoun_after=frozenset(expand_all(excluded.get("pronoun_after", ()))),
        kin=frozenset(expand_all(excluded.get("kin", ()))),
        age_verbs=frozenset(expand_all(excluded.get("age_verbs", ()))),
        aging_words=frozenset(expand_all(excluded.get("aging_words", ()))),
        age_hedges=frozenset(expand_all(excluded.get("age_hedges", ()))),
        fractions=_table(excluded.get("fractions", ())),
        differences=_table(excluded.get("differences", ())),
        none_before=_table(excluded.get("none_before", ())),
        all_but=_table(excluded.get("all_but", ())),
        has_genitive=bool(words.get("nouns", {}).get("genitive", False)),
        has_capital_nouns=bool(words.get("nouns", {}).get("capital", False)),
        adjectival=tuple(words.get("nouns", {}).get("adjectival", ())),
        others=frozenset(expand_all(words.get("part", {}).get("others", ()))),
        unit_words=frozenset(expand_all(excluded.get("pronoun_words", ()))),
        level_hedges=frozenset(expand_all(numbers.get("level_hedges", ()))),
        words=PhraseTable(entries.items()),
        adverb_suffixes=tuple(suffix for suffix, name in class_suffixes if name == "adverb"),
        metric_words=frozenset(phrase[0] for phrase, entry in entries.items() if entry.metrics),
        among_words=frozenset(phrase[0] for phrase, entry in entries.items() if "among" in entry.classes),
        people=PhraseTable(_person_entries(people, frozenset(expand_all(words["classes"].get("in", ()))))),
        person_suffixes=tuple(people.get("others", {}).get("suffixes", ())),
        present=frozenset(people.get("others", {}).get("present", ())),
        idioms=_table(people.get("idioms", {}).get("never", ())),
        wanted={
            metric: frozenset(expand_all(table["wanted"]))
            for metric, table in pack["triggers"].items()
            if "wanted" in table
        },
        weak=frozenset(form for table in pack["triggers"].values() for form in expand_all(table.get("weak", ()))),
        contexts={
            metric: tuple(expand_all(table["context"]))
            for metric, table in pack["triggers"].items()
            if "context" in table
        },
        place={key: frozenset(expand_all(value)) for key, value in words.get("place", {}).items()},
        cues=cues,
        next_cues=_cue_table(status, ("next_sentence",)),
        next_gate=Gate(_next_forms(status)),
        neutral=_table(status.get("previous", {}).get("neutral", ())),
        boundary_words=CLAUSE_MARKS | frozenset(expand_all(status.get("boundary", {}).get("words", ()))),
        meanwhile=frozenset(expand_all(status.get("boundary", {}).get("meanwhile", ()))),
        turns=frozenset(expand_all(status.get("boundary", {}).get("turns", ()))),
        settled=_table(status.get("unconfirmed", {}).get("settled", ())),
        when_another=_table(status.get("other_event", {}).get("when_another", ())),
        besides=_table(status.get("other_event", {}).get("besides", ())),
        lowered_to=_table(status.get("lowered", {}).get("to", ())),
        lowered_after=_table(status.get("lowered", {}).get("after", ())),
        by_then=_table(status.get("previous", {}).get("by_then", ())),
        late_verbs=frozenset(expand_all(status.get("previous", {}).get("late_verbs", ()))),
        perfect_auxiliary=perfect_auxiliary,
        existential=frozenset(status.get("previous", {}).get("existential", ())),
        year_prepositions=frozenset(expand_all(status.get("other_event", {}).get("year_prepositions", ()))),
        since=status.get("other_event", {}).get("since", ""),
        say=_say_table(attribution),
        has_speaker_after=bool(attribution.get("speaker_after", False)),
        drops_pronouns=bool(attribution.get("pro_drop", False)),
        frame_auxiliaries=frozenset(expand_all(attribution.get("frame_auxiliaries", ()))),
        addressees=_table(attribution.get("addressees", ())),
        documents=_table(attribution.get("documents", ())),
        document_links=_table(attribution.get("document_links", ())),
        counts=_table(attribution.get("counts", ())),
        stand_ins=frozenset(expand_all(attribution.get("stand_ins", ()))),
        agent_links=_table(attribution.get("agent_links", ())),
        name_endings=tuple(attribution.get("name_endings", {}).items()),
        pronouns=frozenset(expand_all(attribution.get("pronouns", ()))),
        person_pronouns=frozenset(attribution.get("person_pronouns", ())),
        thing_pronouns=frozenset(attribution.get("thing_pronouns", ())),
        persons=frozenset(expand_all(attribution.get("persons", ()))),
        bodies=frozenset(expand_all(attribution.get("bodies", ()))),
        possessives=frozenset(expand_all(attribution.get("possessives", ()))),
        addressing=frozenset(expand_all(attribution.get("addressing", ()))),
        first_persons=frozenset(attribution.get("first_persons", ())),
        said_of_nothing=_table(attribution.get("said_of_nothing", ())),
        speaker_articles=frozenset(attribution.get("articles", ())),
        telling=frozenset(expand_all(attribution.get("telling", ()))),
        joints=frozenset(expand_all(attribution.get("joints", ()))),
        speaker_stops=frozenset(expand_all(attribution.get("stops", ()))),
        speaker_leads=frozenset(expand_all(attribution.get("lead", ()))),
        speaker_breaks=frozenset(expand_all(attribution.get("breaks", ()))),
        speaker_tails=frozenset(expand_all(attribution.get("tails", ()))),
        official=frozenset(expand_all(attribution.get("official", ()))),
        offices=_table(_elided(expand_all(attribution.get("offices", ())), elisions)),
        elisions=elisions,
        told_so=_table(attribution.get("told_so", ())),
        told_so_within=_table(attribution.get("told_so_within", ())),
        sources=_keyed(attribution.get("sources", {})),
        nominatives=PhraseTable(
            (split_words(form), expand_all([pattern])[0])
            for pattern in attribution.get("nominatives", ())
            for form in expand_all([pattern])
        ),
        subjects=_keyed(states.get("subjects", {})),
        actions=_keyed(states.get("actions", {})),
        allowed_states={key: frozenset(value) for key, value in states.get("allowed", {}).items()},
        planned=_table(states.get("planned", {}).get("words", ())),
        state_idioms=_table(states.get("idioms", {}).get("never", ())),
        measures=_measures(pack.get("measures", {})),
        implicit_articles=frozenset(expand_all(people.get("singular", {}).get("articles", ()))),
        implicit_nouns=frozenset(expand_all(people.get("singular", {}).get("nouns", ()))),
        months={key.lower(): int(value) for key, value in dates["months"].items()},
        plain_months=frozenset(
            name for name in map(str.lower, dates["months"]) if entries[(name,)].classes == {"date"}
        ),
        weekdays={key.lower(): int(value) for key, value in dates["weekdays"].items()},
        relative_days=relative_days,
        day_words=frozenset((*map(str.lower, (*dates["months"], *dates["weekdays"])), *relative_days.firsts)),
        when=_table(dates.get("words", {}).get("when", ())),
        of_then=_table(dates.get("words", {}).get("of_then", ())),
        as_of=_table(dates.get("words", {}).get("as_of", ())),
        abbreviations=frozenset(expand_all(dates.get("words", {}).get("abbreviations", ()))),
        grammar=grammar,
        symbols=WordSymbols(_symbols(entries, grammar), class_suffixes, grammar),
        gate=Gate(triggers),
        gates=Gates(
            triggers,
            [*number_words, *scales, *expand_all(numbers["vague"]), *_ones(numbers)],
            _class_words(entries, frozenset(("generic_toll",))),
            _singulars(people, excluded),
            expand_all(form for forms in states.get("subjects", {}).values() for form in forms),
            [form for row in pack.get("measures", {}).values() for form in expand_all(row["near"])],
        ),
        vocabulary=Vocabulary({}, {}, ()),
    )
    return replace(lexicon, vocabulary=_vocabulary(lexicon))


def _vocabulary(lexicon: Lexicon) -> Vocabulary:
    """What is known of each word. Each phrase table has a bit; words and people, in every sentence, need none."""
    flags: dict[str, int] = defaultdict(int)
    marks: dict[str, int] = defaultdict(int)
    place = lexicon.place
    for words, flag in (
        (lexicon.number_firsts, NUMERIC),
        (place.get("prepositions", frozenset()) | place.get("elsewhere", frozenset()), PLACE),
        (lexicon.boundary_words, CLAUSE),
        (lexicon.perfect_auxiliary, PERFECT),
        (lexicon.words.leads, LEAD),
        (lexicon.among_words, AMONG),
    ):
        for word in words:
            flags[word] |= flag
            marks[word] |= flag
    tables = (getattr(lexicon, one.name) for one in fields(lexicon) if one.name not in ("words", "people"))
    for number, table in enumerate(table for table in tables if isinstance(table, PhraseTable)):
        table.bit = 1 << FIRST_FREE_BIT + number
        for word in table.firsts:
            flags[word] |= table.bit
        for word in table.keys:
            marks[word] |= table.bit
    return Vocabulary(dict(flags), dict(marks), tuple(place.get("possessive", ())))


def _trigger_stems(entries: Mapping[tuple[str, ...], WordEntry]) -> list[str]:
    return [phrase[0] if len(phrase) == 1 else " ".join(phrase) for phrase, entry in entries.items() if entry.metrics]


def _class_words(entries: Mapping[tuple[str, ...], WordEntry], classes: frozenset[str]) -> list[str]:
    return [" ".join(key) for key, entry in entries.items() if entry.classes & classes]


def _suffix_sets(words: Mapping[str, Any]) -> set[frozenset[str]]:
    return {frozenset((name,)) for name in words.get("suffixes", {})}


def _symbols(entries: Mapping[tuple[str, ...], WordEntry], grammar: Grammar) -> dict[str, Symbol]:
    """Symbols of marks, and of single words."""
    symbols = {
        phrase[0]: entry.symbol
        for phrase, entry in entries.items()
        if len(phrase) == 1 and phrase[0][0].isalnum() and entry.symbol is not None
    }
    return symbols | {mark: grammar.symbol(frozenset((name,))) for mark, name in MARKS.items()}


def _own_rules(lang: str, pack: Mapping[str, Mapping[str, Any]]) -> tuple[Rule, ...]:
    return load_rules(lang, LEXICONS / lang / "grammar.toml") if "grammar" in pack else ()


def _word_entries(
    pack: Mapping[str, Mapping[str, Any]], extra_nouns: Mapping[str, Iterable[str]]
) -> dict[tuple[str, ...], WordEntry]:
    classes: dict[tuple[str, ...], set[str]] = {}
    metrics: dict[tuple[str, ...], dict[str, str]] = {}
    elisions = tuple(pack["words"].get("nouns", {}).get("elisions", ()))

    def add(forms: Iterable[str], name: str, metric: str = "") -> None:
        for form in _elided(expand_all(forms), elisions):
            key = split_words(form)
            if key:
                classes.setdefault(key, set()).add(name)
                if metric:
                    metrics.setdefault(key, {})[name] = metric

    for name, forms in pack["words"]["classes"].items():
        add(forms, name)
    for metric, table in pack["triggers"].items():
        for form in TRIGGER_FORMS:
            add(table.get(form, ()), form, metric)
        add(table.get("thing", ()), "thing_" + metric)
        add(table.get("generic_toll", ()), "generic_toll")
    for metric, nouns in extra_nouns.items():
        add(nouns, "noun", metric)
        add(nouns, "toll", metric)
    for forms, name in _people_forms(pack["people"]):
        add(forms, name)
    for form in pack["attribution"]["say"]:
        add([form], "say")
    for key in ("weekdays", "months"):
        add(pack["dates"][key], "date")
    return {
        key: WordEntry(frozenset(names), tuple(sorted(metrics.get(key, {}).items()))) for key, names in classes.items()
    }


def _elided(forms: Iterable[str], elisions: tuple[str, ...]) -> Iterator[str]:
    """Each form, and with an article that its vowel has shortened: "arrestation", "l'arrestation"."""
    for form in forms:
        yield form
        if elisions and form[:1] in _VOWELS:
            yield from (article + form for article in elisions)


def _people_forms(people: Mapping[str, Any]) -> Iterable[tuple[Iterable[str], str]]:
    yield people.get("whole", ()), "person"
    yield people.get("others", {}).get("words", ()), "person"
    yield people.get("things", {}).get("words", ()), "thing"
    for axis in ("role", "age", "sex", "nationality"):
        for forms in people.get(axis, {}).values():
            # "in their twenties" says who, and is no noun.
            yield (form for form in forms if not form.startswith("in ")), "person"


def _person_entries(
    people: Mapping[str, Any], prepositions: frozenset[str]
) -> list[tuple[tuple[str, ...], PersonEntry]]:
    entries: dict[tuple[str, ...], PersonEntry] = {}

    def add(pattern: str, axes: tuple[tuple[str, str], ...], is_whole: bool) -> None:
        forms = expand_all([pattern])
        for form in forms:
            key = split_words(form)
            if not key:
                continue
            old = entries.get(key)
            merged = tuple(dict.fromkeys((old.axes if old else ()) + axes))
            is_noun = (not axes or axes[0][0] != "condition") and key[0] not in prepositions
            entries[key] = PersonEntry(merged, is_whole, forms[0], is_noun or (old is not None and old.is_noun))

    for pattern in people.get("whole", ()):
        add(pattern, (), True)
    for pattern in people.get("others", {}).get("words", ()):
        add(pattern, (), False)
    for axis in ("role", "age", "sex", "nationality", "condition"):
        for value, patterns in people.get(axis, {}).items():
            for pattern in patterns:
                add(pattern, ((axis, value),), False)
    return list(entries.items())


def _qualifiers(table: Mapping[str, Iterable[str]]) -> list[tuple[tuple[str, ...], Qualifier]]:
    return [(split_words(form), Qualifier(name)) for name, forms in table.items() for form in expand_all(forms)]


def _cue_table(status: Mapping[str, Any], sides: Iterable[str]) -> PhraseTable[tuple[Cue, ...]]:
    cues: dict[tuple[str, ...], tuple[Cue, ...]] = {}
    for name in ("previous", "retracted", "denied", "unconfirmed", "other_event"):
        for side in sides:
            for form in expand_all(status.get(name, {}).get(side, ())):
                key = split_words(form)
                cues[key] = (*cues.get(key, ()), Cue(name, side))
    return PhraseTable(cues.items())


def _measures(table: Mapping[str, Any]) -> tuple[MeasureSpec, ...]:
    specs: list[MeasureSpec] = []
    for metric, row in table.items():
        units = dict(row.get("units", {}))
        after = _keyed({**units, metric: row.get("after", ())})
        before = _keyed({**units, metric: row.get("before", ())})
        specs.append(MeasureSpec(metric, _table(row["near"]), after, before, _table(row.get("apart", ()))))
    return tuple(specs)


def _singulars(people: Mapping[str, Any], excluded: Mapping[str, Any]) -> list[str]:
    singular = people.get("singular", {})
    ages = frozenset(expand_all(excluded.get("age_words", ())))
    # Where an article leads, the noun is followed by its verb; without articles it may end the sentence.
    end = " " if singular.get("articles") else ""
    return [f"{'-' if form in ages else ' '}{form}{end}" for form in expand_all(singular.get("nouns", ()))]


def _ones(numbers: Mapping[str, Any]) -> list[str]:
    return [f"{a} {one}" for a in expand_all(numbers.get("article", ())) for one in expand_all(numbers.get("ones", ()))]


def _next_forms(status: Mapping[str, Any]) -> list[str]:
    return [form for table in status.values() for form in expand_all(table.get("next_sentence", ()))]


def _say_table(attribution: Mapping[str, Any]) -> PhraseTable[str]:
    return PhraseTable(
        (split_words(form), kind)
        for kind in ("agents", "say", "weak_say", "weak_according", "according", "quoting", "by_phrases")
        for form in expand_all(attribution.get(kind, ()))
    )


def _keyed(table: Mapping[str, Iterable[str]]) -> PhraseTable[str]:
    return PhraseTable((split_words(form), key) for key, forms in table.items() for form in expand_all(forms))
