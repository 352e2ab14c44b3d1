"""Search finds the same on both databases, and what a plain reading of the query says it should."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from storage import articles, claims
from storage.database import Database
from storage.errors import QueryError
from storage.folding import words
from storage.query import Both, Either, Neither, Node, Tag, Term, parse_query
from storage.records import Claim, Match, MatchState, NewArticle, RevisionKind, SearchHit
from storage.search import count_facets, search_articles
from storage.snippets import mark_spans
from storage.suggestions import UnknownName, edit_distance, find_unknown_names, suggest_query
from tests.support.stored import HOUR, NOON, at, claim, new_article, revision, store_article, store_story

VOCABULARY = [
    "toll",
    "dead",
    "Almaty",
    "Алматы",
    "ёлка",
    "straße",
    "café",
    "minister",
    "ministry",
    "4,353",
    "said",
    "troops",
    "peacekeepers",
    "Шымкент",
    "re-read",
]
SOURCES = ("Tengrinews", "Al Jazeera", "TASS")


def found(database: Database, query: str, **options: object) -> tuple[SearchHit, ...]:
    with database.read() as session:
        return search_articles(session, query, **options)  # type: ignore[arg-type]  # the test says which options


def urls(hits: Sequence[SearchHit]) -> list[str]:
    return [hit.url.rsplit("/", 1)[-1] for hit in hits]


def fill(database: Database, count: int = 60, seed: int = 5) -> list[NewArticle]:
    """Articles of random words over some years, the newest first in the list that comes back."""
    chance = random.Random(seed)
    news = []
    for number in range(count):
        moment = NOON + timedelta(days=chance.randint(0, 900), seconds=chance.randint(0, 80_000))
        news.append(
            new_article(
                number,
                title=" ".join(chance.choices(VOCABULARY, k=3)),
                text=" ".join(chance.choices(VOCABULARY, k=chance.randint(1, 12))) + ".",
                source=chance.choice(SOURCES),
                lang=chance.choice(["en", "ru"]),
                published=at(moment),
                matches=(Match(story="unrest", score=1.0, hits=(), is_match=bool(number % 2)),),
            )
        )
    with database.write() as session:
        store_story(session)
        articles.add_articles(session, news)
    return sorted(news, key=lambda item: item.published.not_before if item.published else NOON, reverse=True)


def holds(item: NewArticle, node: Node) -> bool:
    """Whether an article is found, by a plain reading of the query."""
    match node:
        case Both(parts):
            return all(holds(item, part) for part in parts)
        case Either(parts):
            return any(holds(item, part) for part in parts)
        case Neither(part):
            return not holds(item, part)
        case Tag(name, is_prefix):
            tags = [
                "~s" + "_".join(words(item.source)),
                f"~l{item.lang}",
                "~snews_example",
                "~tunrest" if item.matches[0].is_match else "",
            ]
            return any(tag.startswith(name) if is_prefix else tag == name for tag in tags)
        case Term(wanted, is_prefix):
            return any(stands(words(text), wanted, is_prefix) for text in (item.title, item.text))


def stands(text: list[str], wanted: tuple[str, ...], is_prefix: bool) -> bool:
    for start in range(len(text) - len(wanted) + 1):
        *whole, last = text[start : start + len(wanted)]
        if tuple(whole) == wanted[:-1] and (last.startswith(wanted[-1]) if is_prefix else last == wanted[-1]):
            return True
    return False


def random_query(chance: random.Random, depth: int = 2) -> str:
    if depth and chance.random() < 0.6:
        parts = [random_query(chance, depth - 1) for _ in range(chance.randint(2, 3))]
        joined = (" OR " if chance.random() < 0.4 else " ").join(parts)
        return f"{'-' if chance.random() < 0.15 else ''}({joined})"
    word = chance.choice(VOCABULARY)
    two = f'"{word} {chance.choice(VOCABULARY)}"'
    three = f'"{word} {chance.choice(VOCABULARY)} {chance.choice(VOCABULARY)[:3]}"*'
    field = f'source:"{chance.choice(SOURCES)}"'
    kinds = [
        word,
        word.upper(),
        f"-{word}",
        f"{word[:4]}*",
        two,
        f"{two}*",
        three,
        field,
        "lang:ru",
        "story:unrest",
        "source:news.example",
        "source:al*",
    ]
    return chance.choice(kinds)


def test_any_query_finds_what_a_plain_reading_finds_newest_first(database: Database) -> None:
    news = fill(database)
    chance = random.Random(11)
    for _ in range(150):
        query = random_query(chance)
        node = parse_query(query).node
        assert node is not None
        expected = [item.url.rsplit("/", 1)[-1] for item in news if holds(item, node)]
        assert urls(found(database, query, limit=100)) == expected, query
        assert sorted(urls(found(database, query, limit=100, rank=True))) == sorted(expected), query


def test_pages_fit_together(database: Database) -> None:
    news = fill(database)
    pages = [hit for offset in range(0, 60, 7) for hit in found(database, "", limit=7, offset=offset)]
    assert [hit.url for hit in pages] == [item.url for item in news]
    assert found(database, "", limit=7, offset=60) == ()
    assert found(database, "", limit=0) == ()


@pytest.mark.parametrize(("first", "looked", "more"), [(3, 5, 0), (3, 5, 1_000), (40, 5, 1_000), (20, 19, 1_000)])
def test_newest_first_reaches_back_over_years_of_other_news(
    database: Database, monkeypatch: pytest.MonkeyPatch, first: int, looked: int, more: int
) -> None:
    """PostgreSQL looks at ever longer stretches: days, months, all; each must begin where the one before ended.

    Of a prefix it looks at the newest texts, and at more behind them, before it asks the index.
    """
    news = fill(database, 120, seed=8)
    monkeypatch.setattr("storage.search_postgres._FIRST_STRETCH", first)
    monkeypatch.setattr("storage.search_postgres._LOOKED_THROUGH", looked)
    monkeypatch.setattr("storage.search_postgres._MOST_LOOKED_THROUGH", more)
    for query in ("toll", "said lang:ru", "-toll", "min*", "alm* toll", '"toll dead"', '-"toll dead"', "-min* said"):
        node = parse_query(query).node
        assert node is not None
        expected = [item.url.rsplit("/", 1)[-1] for item in news if holds(item, node)]
        for limit in (1, 5, 12, 200):
            assert urls(found(database, query, limit=limit)) == expected[:limit]


def test_bounds_of_time_hold_to_the_second(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        for number in range(5):
            store_article(session, number, published=at(NOON + number * HOUR))
    assert urls(found(database, "ministry", since=NOON + HOUR, until=NOON + 3 * HOUR)) == ["2", "1"]
    assert urls(found(database, "after:2022-01-09T13:00 before:2022-01-09T15:00")) == ["2", "1"]
    assert urls(found(database, "before:2022-01-09 ministry")) == []
    assert urls(found(database, "after:2022 -before:2022-01-09T16:00")) == ["4"]


def test_figures_are_compared(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        for number, value in enumerate((26.0, 164.0, 225.0)):
            stored = store_article(session, number)
            claims.add_claims(session, [claim(f"c{number}", value, article_id=stored.article_id)])
        claims.add_claims(
            session, [claim("other", 999, article_id=stored.article_id, claim=Claim(metric="injured", value=999))]
        )
    assert urls(found(database, "killed>100")) == ["2", "1"]
    assert urls(found(database, "killed>=164 killed<200 ministry")) == ["1"]
    assert urls(found(database, "killed=26")) == ["0"]
    assert urls(found(database, "ministry -killed>100", rank=True)) == ["0"]
    assert urls(found(database, "metric:injured")) == ["2"]
    assert urls(found(database, "killed>900")) == []


@pytest.mark.parametrize("most", [0, 400])
def test_conditions_on_one_measure_are_met_by_one_figure(
    database: Database, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Whether the few articles that carry it are looked at themselves, or the figures of those with the words."""
    monkeypatch.setattr("storage.search_postgres._MOST_CARRIERS", most)
    monkeypatch.setattr("storage.search_figures._FEW_CARRIERS", most)
    monkeypatch.setattr("storage.search_postgres._FIRST_STRETCH", 1)
    with database.write() as session:
        store_story(session)
        for number, values in enumerate(((225, 19), (164, 19), (180, 300), (500,), (26, 170))):
            stored = store_article(session, number, published=at(NOON + number * 1_000 * HOUR))
            told = [claim(f"c{number}-{value}", value, article_id=stored.article_id) for value in values]
            told.append(
                claim(f"h{number}", 70, article_id=stored.article_id, claim=Claim(metric="injured", value=70 + number))
            )
            claims.add_claims(session, told)
    for query, expected in (
        ("killed>=164 killed<200", "421"),
        ("killed<200 killed>=164 ministry", "421"),
        ("killed>=164 killed<200 killed>170", "2"),
        ("killed>200 killed<20", ""),
        ("killed>=164 injured<73 killed<200", "21"),
        ("killed>=164 killed<200 -killed>200", "41"),
        ("killed>=164 -killed<200", "3"),
        ("-killed>200 -killed<20", "4"),
        ("killed>200 injured>70", "32"),
    ):
        for limit in (1, 20):
            assert "".join(urls(found(database, query, limit=limit))) == expected[:limit], query
        assert "".join(sorted(urls(found(database, query, rank=True)), reverse=True)) == expected, query


def test_a_figure_that_few_carry_is_found_wherever_it_stands(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those few are looked at, once the newest stretch has hardly any."""
    monkeypatch.setattr("storage.search_postgres._FIRST_STRETCH", 3)
    news = fill(database, 120, seed=8)
    for place in (119, 60, 58):
        with database.write() as session:
            stored = articles.find_article(session, news[place].url)
            assert stored is not None
            claims.add_claims(session, [claim(f"c{place}", place, article_id=stored.article_id)])
    names = {place: news[place].url.rsplit("/", 1)[-1] for place in (58, 60, 119)}
    for query, places in (
        ("killed>0", (58, 60, 119)),
        ("killed=60", (60,)),
        ("killed>=60 (lang:en OR lang:ru)", (60, 119)),
        ("killed>200", ()),
        ("killed>0 -killed=60", (58, 119)),
        (f"killed<60 before:{news[100].published.not_before:%Y-%m-%d}", ()),  # type: ignore[union-attr]  # all have one
    ):
        for limit in (1, 200):
            assert urls(found(database, query, limit=limit)) == [names[place] for place in places][:limit], query


def test_one_article_with_many_figures_hides_no_other(database: Database) -> None:
    """The few articles that carry a figure were taken from as many of its claims, all of which one article may have."""
    with database.write() as session:
        store_story(session)
        rare, rich = (store_article(session, number).article_id for number in (0, 1))
        claims.add_claims(session, [claim("rare", 999, article_id=rare)])
        claims.add_claims(session, [claim(f"c{number}", number, article_id=rich) for number in range(1, 451)])
    assert urls(found(database, "killed>0")) == ["1", "0"]


def test_a_query_may_ask_for_twenty_figures_and_no_more(database: Database) -> None:
    twenty = " ".join(f"killed>{number}" for number in range(20))
    assert urls(found(database, f"ministry {twenty}")) == []
    with pytest.raises(QueryError, match="more than 20 figures"):
        found(database, f"{twenty} killed>20")


def test_replaced_versions_are_found_only_on_request(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        stored = store_article(session, title="Toll", text="164 dead")
        articles.add_version(session, stored.article_id, title="Toll", text="44 dead", text_hash="h2", fetched_at=NOON)
        articles.add_version(session, stored.article_id, title="Toll", text="225 dead", text_hash="h3", fetched_at=NOON)
        store_article(session, 2, title="Toll", text="164 injured")
    assert urls(found(database, "164")) == ["2"]
    assert [(hit.url[-1], hit.number) for hit in found(database, "164", all_versions=True)] == [("2", 1), ("1", 1)]
    assert [hit.number for hit in found(database, "dead", all_versions=True)] == [3, 2, 1]
    assert {hit.number for hit in found(database, "dead", all_versions=True, rank=True)} == {1, 2, 3}
    assert [hit.number for hit in found(database, "dead", all_versions=True, limit=1, offset=1)] == [2]
    with database.read() as session:
        assert [count_facets(session, "dead", all_versions=given).total for given in (False, True)] == [1, 3]
        assert count_facets(session, "44 dead").total == 0
        replaced = count_facets(session, "44 dead", all_versions=True)
    assert (replaced.total, sum(count for _, count in replaced.stories)) == (1, 1)


def test_an_index_follows_matches_claims_and_sources(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        number = store_article(session).article_id
    assert urls(found(database, "ministry", story="unrest")) == ["1"]
    with database.write() as session:
        articles.set_match_state(session, number, "unrest", MatchState.REJECTED)
        articles.update_article(session, replace(articles.get_article(session, number), source="TASS", lang="ru"))
    assert found(database, "ministry", story="unrest") == ()
    assert urls(found(database, "", source="tass", lang="ru")) == ["1"]
    assert found(database, "source:tengrinews") == ()


def test_what_a_failed_transaction_wrote_is_not_found(database: Database) -> None:
    def write_and_fail() -> None:
        with database.write() as session:
            store_story(session)
            store_article(session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert found(database, "") == ()


def test_a_hit_shows_where_its_words_stand(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        store_article(session, title="Almaty toll", text="The ministry said: 4,353 people were injured in Алматы.")
    (hit,) = found(database, 'almaty OR 4353 OR алматы OR "ministry said"')
    assert (
        mark_spans(hit.snippet, hit.spans, "<", ">") == "The <ministry said>: <4,353> people were injured in <Алматы>."
    )
    assert mark_spans(hit.title, hit.title_spans, "<", ">") == "<Almaty> toll"
    assert (hit.source, hit.lang, hit.stories, hit.published) == ("Tengrinews", "en", ("unrest",), at(NOON + HOUR))


def test_the_best_come_first_by_rank(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        store_article(session, 1, title="Toll", text="toll toll toll")
        store_article(
            session,
            2,
            title="Weather",
            text="rain and sun and wind and much else, of which one word is toll and others are not",
        )
    assert urls(found(database, "toll", rank=True)) == ["1", "2"]
    assert urls(found(database, "toll")) == ["2", "1"]


def test_rank_is_one_order_on_both_databases(database: Database) -> None:
    fill(database, 40, seed=3)
    orders = [urls(found(database, query, rank=True, limit=6)) for query in ("toll OR dead", '"toll dead" OR min*')]
    assert orders == [["22", "29", "23", "24", "5", "32"], ["23", "5", "17", "0", "22", "27"]]


def test_articles_published_on_one_day_or_in_one_second_are_all_found(database: Database) -> None:
    day = replace(
        at(NOON),
        not_before=datetime.fromisoformat("2021-05-01T00:00Z"),
        not_after=datetime.fromisoformat("2021-05-01T23:59:59Z"),
    )
    with database.write() as session:
        store_story(session)
        articles.add_articles(session, [new_article(n, published=day) for n in range(300)])
        articles.add_articles(session, [new_article(1000 + n, published=at(NOON)) for n in range(300)])
        articles.add_articles(session, [new_article(2000 + n, published=None, fetched_at=NOON) for n in range(150)])
    assert len(found(database, "ministry", limit=1000)) == 750
    assert len(found(database, "after:2021-05-01 before:2021-05-02", limit=1000)) == 300


def test_facets_count_what_was_found(database: Database) -> None:
    news = [item for item in fill(database) if holds(item, Term(("toll",)))]
    with database.read() as session:
        facets = count_facets(session, "toll")
        assert count_facets(session, "nothing").total == 0
    assert facets.total == len(news)
    assert dict(facets.sources) == {
        source: n for source in SOURCES if (n := sum(item.source == source for item in news))
    }
    assert dict(facets.languages) == {
        lang: n for lang in ("en", "ru") if (n := sum(item.lang == lang for item in news))
    }
    assert dict(facets.stories) == {"unrest": sum(item.matches[0].is_match for item in news)}
    assert sum(count for _, count in facets.months) == len(news)
    assert list(facets.months) == sorted(facets.months, reverse=True)


def test_a_mistyped_word_is_put_right(database: Database) -> None:
    with database.write() as session:
        store_story(session)
        store_article(session, title="Peacekeepers leave Kazakhstan", text="Toll.")
    with database.read() as session:
        assert suggest_query(session, "kazakstan toll") == "Kazakhstan toll".lower()
        assert suggest_query(session, "peacekepeers -toll") == "peacekeepers -toll"
        assert suggest_query(session, "kazakhstan") is None
        assert suggest_query(session, "zzzzzzz") is None
        assert suggest_query(session, "unrset") == "unrest"
        with pytest.raises(QueryError):
            suggest_query(session, "(")


def test_names_that_no_article_has_are_told_with_the_nearest(database: Database) -> None:
    with database.read() as session:
        assert find_unknown_names(session, "source:nope") == ()  # nothing is stored: every name is unknown
    with database.write() as session:
        store_story(session)
        stored = store_article(session, source="Al Jazeera", url="https://aljazeera.com/1", lang="en")
        claims.add_claims(session, [claim("c", 5, article_id=stored.article_id)])
        claims.add_revisions(session, [revision("r", 5, kind=RevisionKind.FIRST)])
    told: dict[str, list[tuple[str, str | None]]] = {
        "killed>100 story:unrest source:al_jazeera source:aljazeera.com lang:en metric:killed toll": [],
        "story:unrset (toll OR lang:xx)": [("story:unrset", "story:unrest"), ("lang:xx", None)],
        'source:"Al Jazera" source:nope*': [("source:al_jazera", 'source:"Al Jazeera"'), ("source:nope*", None)],
        "killd>100 killd<300 metric:kiled": [("metric:kiled", "metric:killed"), ("metric:killd", "metric:killed")],
        "-story:nope -killd>100 toll": [],
    }
    for query, expected in told.items():
        with database.read() as session:
            assert find_unknown_names(session, query) == tuple(UnknownName(*pair) for pair in expected), query
    with database.read() as session:
        narrowed = find_unknown_names(session, "toll", source='Al "Jazeer"', lang="!")
        assert narrowed == (UnknownName("source:al_jazeer", 'source:"Al Jazeera"'),)
        with pytest.raises(QueryError):
            find_unknown_names(session, "(")


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("toll", "toll", 0), ("toll", "tol", 1), ("toll", "otll", 1), ("toll", "tall", 1), ("abcdef", "xyz", 3)],
)
def test_distances_count_changes(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other, 2) == edit_distance(other, one, 2) == distance


@pytest.mark.parametrize(
    "strange",
    ["' OR 1=1 --", 'a"; DROP TABLE stories; --"', "\\", "a\\'b", "%_", "\x00toll", "NEAR(a b)", "a:*", "🌋", "* *"],
)
def test_a_strange_query_breaks_nothing(database: Database, strange: str) -> None:
    fill(database, 5)
    try:
        found(database, strange)
    except QueryError:
        return


def test_a_strange_text_is_stored_and_found(database: Database) -> None:
    text = (
        "toll \\ ' \" ~tag _x_ "
        + "слово " * 20_000
        + "конец 'quoted' \ud83c".encode("utf-8", "ignore").decode()
        + " last"
        + "x" * 5_000
    )
    with database.write() as session:
        store_story(session)
        store_article(session, text=text)
    assert urls(found(database, "конец last*")) == ["1"]
    assert found(database, '"~tag"')[0].url.endswith("/1")
