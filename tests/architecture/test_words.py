"""Natural language lives in lexicons and catalogues: no Python file of the packages decides by a word of news copy."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import python_files, syntax

# Words that every casualty report uses: a string constant that is one of them alone is a rule in the wrong place. Names of
# metrics (killed, injured) and of lexicon entries (police, thousands) are identifiers, and not among them.
NEWS_WORDS = re.compile(
    r"deaths?|died|dying|wounded|hurt|arrested|civilians|ministry|officials|authorities|previously|earlier|dozens|millions?|"
    r"at least|more than|nearly|according to|death toll|no longer|was lifted",
    re.IGNORECASE,
)
FOREIGN_LETTERS = re.compile(r"[^\W\d_a-zA-ZÀ-ɏ]")  # letters beyond the Latin blocks
# Tables of letters (folding, transliteration) are about characters, not about words.
ABOUT_LETTERS = {
    "storage/keys.py",
    "monitor/stories/transliteration.py",
    "monitor/reading/language.py",
    "storage/folding.py",
}


def constants(path: Path) -> Iterator[tuple[int, str]]:
    """String constants of a file with their lines, docstrings left out."""
    tree = syntax(path)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


@pytest.mark.parametrize("path", python_files("monitor"), ids=str)
def test_no_word_of_news_copy_stands_alone_in_code(path: Path) -> None:
    assert not [(line, word) for line, word in constants(path) if NEWS_WORDS.fullmatch(word.strip())]


@pytest.mark.parametrize("path", [p for p in python_files() if str(p) not in ABOUT_LETTERS], ids=str)
def test_no_word_of_another_script_stands_in_code(path: Path) -> None:
    assert not [(line, word) for line, word in constants(path) if len(FOREIGN_LETTERS.findall(word)) > 1]
