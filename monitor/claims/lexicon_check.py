"""The strict validator of language packs: `storywatch lexicon check` and the test of every pack run it."""

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.claims.grammar import load_rules
from monitor.claims.lexicon import (
    LEXICONS,
    PACK_FILES,
    TRIGGER_FORMS,
    LexiconError,
    build_lexicon,
    expand_all,
    read_pack,
    split_words,
)
from monitor.claims.metrics import builtin_metrics
from monitor.claims.quantities import conventions, default_convention
from storage.records import Qualifier

_REQUIRED = {
    "numbers": ("decimal", "thousands", "words", "scales", "vague", "qualifiers", "not_counts"),
    "words": ("classes",),
    "people": ("whole", "others", "things"),
    "status": ("previous", "retracted", "denied", "unconfirmed", "other_event"),
    "attribution": ("say", "according"),
    "states": ("subjects", "actions", "allowed"),
    "dates": ("months", "weekdays", "relative", "words"),
}
_AXES = ("role", "age", "sex", "nationality", "condition")
_SIDES = frozenset(("adjacent", "near", "before", "after", "after_level", "next_sentence"))
_NO_METRICS = frozenset(("victims",))
_TRIGGER_KEYS = frozenset((*TRIGGER_FORMS, "weak", "wanted", "thing", "context", "generic_toll", "counted"))


def check_lexicon(lang: str) -> None:
    """Raises LexiconError that names every wrong file and key of a language's pack; returns for a sound one."""
    pack = read_pack(lang)
    problems = list(_problems(lang, pack))
    if not problems:
        try:
            build_lexicon(lang, pack)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            problems.append(f"{lang}: the pack cannot be built: {error!r}")
    if problems:
        raise LexiconError("\n".join(problems))


def _problems(lang: str, pack: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    folder = LEXICONS / lang
    for name in PACK_FILES:
        if name.removesuffix(".toml") not in pack:
            yield f"{folder / name}: the file is missing; docs/languages.md says what it holds"
    for stem, keys in _REQUIRED.items():
        for key in keys:
            if stem in pack and key not in pack[stem]:
                yield f"{folder / stem}.toml: key {key!r} is missing"
    for stem, document in pack.items():
        for path, value in _leaves(document, ()):
            yield from _check_phrase(f"{folder / stem}.toml: {'.'.join(path)}", stem, value)
    yield from _check_numbers(f"{folder}/numbers.toml", pack.get("numbers", {}))
    yield from _check_triggers(f"{folder}/triggers.toml", pack.get("triggers", {}))
    yield from _check_tables(folder.as_posix(), pack)
    yield from _check_examples(lang, pack)


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    else:
        yield path, value


def _check_phrase(where: str, stem: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or stem in ("grammar", "examples", "notices"):
        return
    if value.count("{") != value.count("}"):
        yield f"{where}: braces do not match in {value!r}"
        return
    if not value.strip():
        if where.endswith("thousands"):
            return
        yield f"{where}: an empty word"
    for form in expand_all([value]):
        if value != value.lower() and stem != "numbers":
            yield f"{where}: {value!r} is not in lower case"
            return
        if form.strip() and not split_words(form) and stem != "numbers":
            yield f"{where}: {form!r} holds no word"


def _check_numbers(where: str, numbers: Mapping[str, Any]) -> Iterator[str]:
    for key in ("words", "scales", "suffixes"):
        for word, value in numbers.get(key, {}).items():
            if not isinstance(value, int | float) or value < 0:
                yield f"{where}: {key}.{word} is not a number"
    tables = ("qualifiers", "qualifiers_after", "qualifiers_behind")
    for name in (name for table in tables for name in numbers.get(table, {})):
        if name not in set(Qualifier):
            yield f"{where}: qualifiers.{name} is no qualifier; one of {', '.join(Qualifier)}"
    known = conventions()[default_convention()]
    for word, key in numbers.get("vague", {}).items():
        if key not in known:
            yield f"{where}: vague.{word} names {key!r}, which conventions.toml does not know"
    if numbers.get("decimal") in numbers.get("thousands", ()):
        yield f"{where}: the decimal mark stands among `thousands` too"


def _check_triggers(where: str, triggers: Mapping[str, Any]) -> Iterator[str]:
    for metric, table in triggers.items():
        if metric not in builtin_metrics() and metric not in _NO_METRICS:
            yield f"{where}: [{metric}] is no metric of metrics.toml"
        for key in table:
            if key not in _TRIGGER_KEYS:
                yield f"{where}: {metric}.{key} is no form; one of {', '.join(sorted(_TRIGGER_KEYS))}"
    for needed in ("killed", "injured", "missing", "detained"):
        if needed not in triggers:
            yield f"{where}: [{needed}] is missing; every pack covers the core metrics"


def _check_tables(folder: str, pack: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, table in pack.get("status", {}).items():
        if name in ("boundary",):
            continue
        for key in table:
            known = _SIDES | {
                "neutral",
                "by_then",
                "late_verbs",
                "perfect_auxiliary",
                "existential",
                "besides",
                "when_another",
                "settled",
                "year_prepositions",
                "since",
            }
            known = known if name != "lowered" else frozenset(("to", "after"))
            if key not in known:
                yield f"{folder}/status.toml: {name}.{key} is unknown; sides are {', '.join(sorted(_SIDES))}"
    known_people = {"whole", "others", "things", "idioms", "singular", *_AXES}
    for key in pack.get("people", {}):
        if key not in known_people:
            yield f"{folder}/people.toml: {key} is unknown; axes are {', '.join(_AXES)}"
    states = pack.get("states", {})
    for subject, actions in states.get("allowed", {}).items():
        if subject not in states.get("subjects", {}):
            yield f"{folder}/states.toml: allowed.{subject} has no subject"
        for action in actions:
            if action not in states.get("actions", {}):
                yield f"{folder}/states.toml: allowed.{subject} names {action!r}, which has no [actions] words"


def _check_examples(lang: str, pack: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    where = f"{LEXICONS / lang}/examples.toml"
    rules = {rule.id for rule in load_rules(lang, LEXICONS / "grammar.toml")}
    if "grammar" in pack:
        rules |= {rule.id for rule in load_rules(lang, LEXICONS / lang / "grammar.toml")}
    for row, example in pack.get("examples", {}).items():
        if row not in rules:
            yield f"{where}: [{row}] is no rule of the grammar"
        if not isinstance(example, Mapping) or not example.get("match"):
            yield f"{where}: [{row}] needs `match`, sentences that the rule must read"
