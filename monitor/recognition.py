"""SHELL: whether an entry or a page is an article that we hold. Addresses and ids lie now and then: words decide.

Nothing is asked of the network, and nothing is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from monitor.entries import EntryOutcome, guid_alias, is_reused_id, may_be_another
from monitor.reading.identity import plain_id
from monitor.reading.markup import folded, plain_text
from monitor.reading.urls import canonical_url
from monitor.reading.wire import fingerprint, is_same_text
from storage import articles, feeds
from storage.codec import from_json
from storage.records import Article, Entry, NewArticle, SeenEntry, Span

# --- entries ------------------------------------------------------------------------------------


def find_known(
    session: Session, asked: Iterable[tuple[int, Mapping[str, Entry]]]
) -> list[tuple[dict[str, Entry], dict[str, int]]]:
    """The entries of each feed by their keys, and the articles that they surely are of: by address, else by a GUID.

    `asked` are feeds by number, each with its entries by what names them there. An entry whose GUID was used before,
    maybe for another article, is named by its link; its page has to tell.
    """
    names = [
        [(key, entry, canonical_url(entry.link), guid_alias(feed_id, key)) for key, entry in named.items()]
        for feed_id, named in asked
    ]
    numbers = articles.find_articles(
        session, (alias for feed in names for *_, link, guid in feed for alias in (link, guid) if alias)
    )
    if not numbers:  # as nearly always
        return [({key: entry for key, entry, *_ in feed}, {}) for feed in names]
    return [_find_known(session, feed, numbers) for feed in names]


def _find_known(
    session: Session, names: Iterable[tuple[str, Entry, str, str]], numbers: Mapping[str, int]
) -> tuple[dict[str, Entry], dict[str, int]]:
    found, known = {}, {}
    for key, entry, link, guid in names:
        number, by_guid = numbers.get(link), numbers.get(guid)
        name = key
        if number is not None and by_guid is None and _may_be_another(session, number, entry):
            number = None  # an address that it only claimed, or that led there once
        elif by_guid is not None and by_guid != number:
            if number is not None or _may_be_another(session, by_guid, entry):
                name = entry.link or key
            else:
                number = by_guid
        found[name] = entry
        if number is not None:
            known[name] = number
    return found, known


def _may_be_another(session: Session, article_id: int, entry: Entry) -> bool:
    article = articles.get_article(session, article_id)
    return may_be_another(entry, link=article.url, title=article.title)


def find_seen(
    session: Session, asked: Sequence[tuple[int, Mapping[str, Entry]]]
) -> list[tuple[dict[str, Entry], dict[str, SeenEntry]]]:
    """The entries of each feed by their keys, and what is noted under these; `asked` as in `find_known`.

    An entry whose id names another that waits to be read is named by its link.
    """
    seen = feeds.find_entries_seen(session, [(feed_id, key) for feed_id, found in asked for key in found])
    return [_find_seen(session, feed_id, found, seen) for feed_id, found in asked]


def _find_seen(
    session: Session, feed_id: int, found: Mapping[str, Entry], all_seen: Mapping[tuple[int, str], SeenEntry]
) -> tuple[dict[str, Entry], dict[str, SeenEntry]]:
    seen = {key: before for key in found if (before := all_seen.get((feed_id, key))) is not None}
    named = {}
    for key, entry in found.items():
        before = seen.get(key)
        if before is not None and before.outcome == EntryOutcome.WAITING and before.payload:
            held = from_json(Entry, before.payload)
            if may_be_another(entry, link=held.link, title=plain_text(held.title)):
                seen |= feeds.find_seen_entries(session, feed_id, [entry.link])
                key = entry.link
        named[key] = entry
    return named, seen


def used_id(session: Session, entry: Entry, seen: SeenEntry) -> str:
    """The alias of the entry's id, if the entry goes by its link since that id led elsewhere, and not long before."""
    if seen.entry_key != entry.link:
        return ""
    alias = guid_alias(seen.feed_id, plain_id(entry))
    article = articles.find_article(session, alias)
    return alias if article is not None and not is_reused_id(article, entry) else ""


# --- pages --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The article that a page is of, if it is held; `is_by_words`: its names alone did not tell.

    `wrong` are addresses of the page that led to another article, which never stood there. `shared` are doubtful names
    of the page that another article only claimed as well: from now on they name neither.
    """

    article: Article | None = None
    is_by_words: bool = False
    wrong: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


def recognise(session: Session, new: NewArticle, *doubtful: str) -> Recognised:
    """The article that `new` is, by its names. `doubtful` are names that may lie: what a page calls itself, a used id.

    A doubtful name leads to the article only if words or time of publication are the same; so does an address under
    which a page stood that the article only was led to from, or claimed. A name that two articles claimed, and neither
    had, is one that its site gives to all: it names nothing any more (`shared_alias`).
    """
    sure = dict.fromkeys((new.url, *new.aliases))
    numbers = articles.find_articles(session, [*sure, *doubtful, *map(shared_alias, doubtful)])
    believed = [name for name in doubtful if shared_alias(name) not in numbers]
    verdicts: dict[int, bool] = {}
    wrong, shared = [], []
    for name in dict.fromkeys((*sure, *believed)):
        number = numbers.get(name)
        if number is None:
            continue
        article = articles.get_article(session, number)
        if name in sure and _is_its_own(article, name):
            return Recognised(article=article)
        if number not in verdicts:
            verdicts[number] = _is_same(session, article, new)
        if verdicts[number]:
            return Recognised(article=article, is_by_words=True)
        if name in sure:
            wrong.append(name)
        elif not _is_its_own(article, name):
            shared.append(name)
    return Recognised(wrong=tuple(wrong), shared=tuple(shared))


def shared_alias(name: str) -> str:
    """The alias by which an address is remembered that a site's pages call theirs, though they are several articles."""
    return f"shared:{name}"


def _is_its_own(article: Article, name: str) -> bool:
    """Whether a name is the article's by right: its id, or the address where it is read."""
    is_address = name.startswith(("http://", "https://"))
    return not is_address or canonical_url(name) == canonical_url(article.url)


def _is_same(session: Session, article: Article, new: NewArticle) -> bool:
    held = articles.find_newest_version(session, article.article_id)
    if held is None or folded(held.title) == folded(new.title) != "":
        return True
    moment = _moment(article.published)
    if moment is not None and moment == _moment(new.published):
        return True
    return is_same_text(fingerprint(held.text), fingerprint(new.text))


def _moment(published: Span | None) -> object:
    """A publication time that no two articles of an outlet share by chance: to the second, and no mere day."""
    if published is None or published.not_before != published.not_after:
        return None
    at = published.not_before
    return at if (at.minute, at.second) != (0, 0) else None
