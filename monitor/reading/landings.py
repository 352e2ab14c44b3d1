"""PURE: whether what answers at an address is the article that was asked for, or only where its site sends visitors.

Many sites answer for an article that they took away with their front page, a section's or a page for all that is gone.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from monitor.reading.markup import folded
from monitor.reading.obstacles import ASTRAY, MISSING, wall_of_address
from monitor.reading.urls import canonical_url, is_start_page
from monitor.reading.wire import fingerprint, is_same_text
from storage.records import ReadArticle

_MOST_PLACES = 2_000
_TELLING = 12  # characters: a shorter title within another may be there by chance


@dataclass(slots=True)
class Landings:
    """Remembers where articles that we hold were redirected to, of late: a place of several is none of theirs."""

    _places: dict[str, str] = field(default_factory=dict)

    def is_shared(self, asked: str, found: str) -> bool:
        """Note where a request for the article at `asked` ended; whether that of another article ended there too."""
        place, article = canonical_url(found), canonical_url(asked)
        if place == article:
            return False
        first = self._places.setdefault(place, article)
        if len(self._places) > _MOST_PLACES:
            del self._places[next(iter(self._places))]
        return first != article


def find_astray(page: ReadArticle, *, asked: str, found: str, title: str, is_shared: bool = False) -> str | None:
    """What stood there instead of the article, as an obstacle; None where it may be the article.

    `asked` was redirected to `found` (or answered itself), `title` is what we know as the article's, `is_shared`: so
    were others. MISSING is a removal to be confirmed, ASTRAY says nothing of the article.
    """
    if page.obstacle is not None or canonical_url(asked) == canonical_url(found):
        return page.obstacle
    if wall := wall_of_address(found):
        return wall
    target, wanted = urlsplit(canonical_url(found)), urlsplit(canonical_url(asked))
    is_front, was_front = target.path == "/", wanted.path == "/"
    if is_front and not target.query:
        return None if was_front and not wanted.query else MISSING
    if _is_titled(page.title, title):
        return None
    if (is_front and not was_front) or is_start_page(found, asked):
        return MISSING
    return ASTRAY if is_shared or folded(page.title) == folded(page.source) else None


def is_back(page: ReadArticle, *, title: str, text: str) -> bool:
    """Whether a page at the address of a removed article is that article again, by the title or text that it had."""
    if page.obstacle is not None or not page.text.strip():
        return False
    return _is_titled(page.title, title) or is_same_text(fingerprint(page.text), fingerprint(text))


def _is_titled(title: str, known: str) -> bool:
    """Whether a page has the title that we know, or one of the two with more about it (the outlet's name, a kicker)."""
    one, other = sorted((folded(title), folded(known)), key=len)
    return one == other != "" or (len(one) >= _TELLING and one in other)
