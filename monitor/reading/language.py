"""PURE: which language a text is in: by script, letters and small words; by py3langid where these are undecided.

The model of py3langid costs 95 MB and half a second, so it is loaded at its first use, which news rarely reaches.
The tables are in languages.toml.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_WORD = re.compile(r"[^\s\d!-/:-@\[-`{-~«»“”„‘’…–—।،؛؟]+")  # marks of Indic scripts are no \w, so by what parts words
_SAMPLE = 2000  # characters: a few paragraphs tell
_MIN_LETTERS = 12
_MIN_SHARE = 0.12  # share of words that the tables of a language must explain
_MIN_LEAD = 1.25  # times the runner-up
_LETTER_WEIGHT = 0.6
_MODEL_MIN_LETTERS = 60


class _Tables(NamedTuple):
    scripts: dict[str, str]
    letters: dict[str, frozenset[str]]
    words: dict[str, frozenset[str]]
    script_of: dict[str, str]


@cache
def _tables() -> _Tables:
    data = tomllib.loads((files("monitor.reading") / "languages.toml").read_text(encoding="utf-8"))
    words = {lang: frozenset(text.split()) for lang, text in data["words"].items()}
    return _Tables(
        scripts=data["scripts"],
        letters={lang: frozenset(text) for lang, text in data["letters"].items()},
        words=words,
        script_of={lang: _script(next(iter(some))[0]) for lang, some in words.items()},
    )


@cache
def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ", 1)[0].split("-", 1)[0]


def detect_language(text: str) -> str | None:
    """The ISO 639-1 code of the language that `text` is written in, or None where it cannot be told."""
    known = _by_tables(text)
    if known is not None or sum(map(str.isalpha, text[:_SAMPLE])) < _MODEL_MIN_LETTERS:
        return known
    return _by_model(text[:_SAMPLE])


def _by_tables(text: str) -> str | None:
    sample = unicodedata.normalize("NFC", text[:_SAMPLE]).lower()
    letters = Counter({char: count for char, count in Counter(sample).items() if char.isalpha()})
    total = letters.total()
    if total < _MIN_LETTERS:
        return None
    script = _main_script(letters)
    tables = _tables()
    if script in tables.scripts:
        return _east_asian(letters) if script in {"CJK", "HIRAGANA", "KATAKANA"} else tables.scripts[script]
    return _by_words(sample, letters, total, script)


def choose_language(declared: str | None, text: str) -> str | None:
    """The language of a text whose page or feed declares one.

    The text's own evidence wins over a declaration that our tables know of (templates lie); a declared language that
    the tables do not know is believed.
    """
    code = (declared or "").strip().lower().replace("_", "-").split("-", 1)[0] or None
    if code is not None and not (len(code) in {2, 3} and code.isascii() and code.isalpha()):
        code = None
    tables = _tables()
    if code is not None and code not in tables.words and code not in tables.scripts.values():
        return code
    return _by_tables(text) or code or detect_language(text)


def _main_script(letters: Counter[str]) -> str:
    scripts: Counter[str] = Counter()
    for char, count in letters.items():
        scripts[_script(char)] += count
    return scripts.most_common(1)[0][0]


def _east_asian(letters: Counter[str]) -> str:
    kana = sum(count for char, count in letters.items() if _script(char) in {"HIRAGANA", "KATAKANA"})
    return "ja" if kana * 20 > letters.total() else "zh"


def _by_words(sample: str, letters: Counter[str], total: int, script: str) -> str | None:
    tables = _tables()
    words = Counter(_WORD.findall(sample))
    count = words.total()
    scores: dict[str, float] = {}
    for lang, known in tables.words.items():
        if tables.script_of[lang] != script:
            continue
        share = sum(words[word] for word in known if word in words) / count
        marks = sum(letters[char] for char in tables.letters.get(lang, ())) / total
        scores[lang] = share + _LETTER_WEIGHT * min(marks * 4, 0.25)
    if not scores:
        return None
    ranked = sorted(scores.items(), key=lambda pair: -pair[1])
    (best, score), second = ranked[0], ranked[1][1] if len(ranked) > 1 else 0.0
    return best if score >= _MIN_SHARE and score >= _MIN_LEAD * second else None


def _by_model(sample: str) -> str | None:
    import py3langid  # loaded here since it costs 95 MB that most runs never need

    language, _ = py3langid.classify(sample)
    return str(language)
