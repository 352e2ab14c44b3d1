"""A seed drafted from any article: names, topics, places, period and baseline figures, for a person to edit."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from monitor.stories.countries import countries, find_capital, find_country
from monitor.stories.draft_lexicon import DraftLexicon, draft_lexicon
from monitor.stories.draft_names import Name, find_names, kind_of
from monitor.stories.event_titles import name_event
from monitor.stories.events import event_words, find_event_kinds, lead_of
from monitor.stories.folding import compose, fold
from storage.keys import place_key, sentence_of
from storage.records import (
    BaselineClaim,
    BaselineState,
    Claim,
    ClaimKind,
    ClaimStatus,
    Entity,
    EntityKind,
    Place,
    Qualifier,
    SeedArticle,
    Span,
    Story,
    StoryState,
    Topic,
)

_MOST_ENTITIES = 8
_MOST_PLACES = 10
_MOST_TERMS = 10
_MOST_OTHERS = 4
_FEW_THEMES = 3
_ENOUGH_ENTITIES = 3
_MOST_SITES = 4
_OFTEN = 2  # so often named, another country has a part in the story
_TITLE_CHARS = 80
_LONGEST_PERIOD = timedelta(days=370)


def draft_seed(
    *,
    title: str,
    text: str,
    published: Span | None,
    url: str,
    source: str,
    claims: Sequence[Claim],
    lang: str | None,
) -> Story:
    """Return the draft of a story; `format_seed` writes it. `claims` are what the extractor read in the article.

    The story is a draft: it is watched when a person has set its state to active.
    """
    lexicon = draft_lexicon(lang)
    quote = partial(_sentence, title, text)
    title = _one_line(title) or _one_line(text)[:_TITLE_CHARS].strip()
    names = [name for name in find_names(title, text, lexicon) if fold(name.text) != fold(source)]
    country = _main_country(title, text, names)
    topics = _topics(title, text, names, lexicon, lang=lang, outlet=source)
    year = published.not_before.year if published is not None else None
    places = _places(names, country, lexicon)
    called = name_event(title, lexicon) or _called(country, topics) or title
    return Story(
        slug=_slug(country or (places[0].name if places else None), topics, called, year),
        title=called,
        languages=(lang,) if lang else (),
        state=StoryState.DRAFT,
        seed=SeedArticle(
            source=_one_line(source),
            title=title,
            url=url if url.startswith(("http://", "https://")) else "",
            published=published,
        ),
        period_start=_first_day(text, published, lexicon),
        entities=_entities(names, country, places, lexicon),
        topics=topics,
        places=places,
        claims=_baseline(claims, published, quote),
        states=_states(claims, published, quote),
    )


def _main_country(title: str, text: str, names: Sequence[Name]) -> str | None:
    """Return the country that the article names most, by its adjectives and capital too.

    One that is named once, behind the first paragraph and by no "in", is where somebody comes from.
    """
    weights: Counter[str] = Counter()
    lead = fold(compose(lead_of(text)))
    for name in names:
        is_passing = name.count < _OFTEN and not name.in_title and fold(compose(name.text)) not in lead
        if is_passing and not name.place_signs:
            continue
        for word in (name.text, *name.text.split()):
            if country := find_country(word):
                weights[country] += 2 * name.count
                break
            if country := find_capital(word):
                weights[country] += name.count
                break
    for word in fold(compose(title)).split():
        if country := find_country(word) or find_capital(word):
            weights[country] += 4
    return min(weights, key=lambda country: (-weights[country], country)) if weights else None


def _entities(
    names: Sequence[Name], country: str | None, places: Sequence[Place], lexicon: DraftLexicon
) -> tuple[Entity, ...]:
    """Return who and what the story is about; an article must speak of its country or of one of its first places.

    Reports from the place itself seldom name the country, those from abroad often nothing else. What the headline
    names, a building or a fire with a name of its own, will do as well.
    """
    found: dict[str, Entity] = {}
    if country is not None:
        found[fold(country)] = Entity(name=country, kind=EntityKind.PLACE, aliases=countries()[country], central=True)
    for site in [place for place in places if not find_country(place.name)][:_MOST_SITES]:
        found[fold(site.name)] = Entity(name=site.name, kind=EntityKind.PLACE, aliases=site.aliases, central=True)
    # Who is named once, in passing, is not who a story is about: they fill up what would be too few.
    known = [name for name in names if kind_of(name, lexicon) != EntityKind.PLACE and not find_country(name.text)]
    main = [name for name in known if name.count > 1 or name.in_title]
    passing = [
        name
        for name in known
        if name not in main and (name.person_signs or (name.in_lead and lexicon.heads & {*fold(name.text).split()}))
    ]
    for name in (*main[:_MOST_ENTITIES], *passing[: max(0, _ENOUGH_ENTITIES - len(main))]):
        aliases = tuple(alias for alias, _ in name.aliases.most_common())
        kind = kind_of(name, lexicon)
        is_central = name.in_title and (kind != EntityKind.PERSON or " " not in name.text)  # "Maui said": the county
        found.setdefault(fold(name.text), Entity(name=name.text, kind=kind, aliases=aliases, central=is_central))
    if not found and names:
        found[fold(names[0].text)] = Entity(name=names[0].text, kind=kind_of(names[0], lexicon))
    return tuple(found.values())


def _places(names: Sequence[Name], country: str | None, lexicon: DraftLexicon) -> tuple[Place, ...]:
    found: dict[str, Place] = {}
    if country is not None:
        found[place_key(country)] = Place(name=country, whole=True)
    for name in names:
        key = place_key(name.text)
        of_country, of_capital = find_country(name.text), find_capital(name.text)
        is_abroad = of_capital not in (None, country) or (of_country is not None and name.count < _OFTEN)
        is_place = kind_of(name, lexicon) == EntityKind.PLACE and of_country in (None, name.text) and not is_abroad
        if is_place and key and key not in found and len(found) < _MOST_PLACES:
            aliases = tuple(alias for alias, _ in name.aliases.most_common())
            found[key] = Place(name=name.text, aliases=aliases, parent=None if of_country else country)
    return tuple(found.values())


def _topics(
    title: str, text: str, names: Sequence[Name], lexicon: DraftLexicon, *, lang: str | None, outlet: str
) -> tuple[Topic, ...]:
    """Return the topics: each kind of event that the article tells of, with all words for it; else its own words."""
    kinds = find_event_kinds(_without_names(title, names), _without_names(text, names), lang, lexicon.heads)
    own = _own_words(title, text, names, lexicon, outlet=outlet)
    if not kinds:
        return (Topic(name=own[0], terms=tuple(own[:_MOST_TERMS])),) if own else ()
    told = event_words(lang)
    themes = [word for word in own if word in lexicon.themes and word not in told]
    first, *others = kinds
    return (
        Topic(name=first.terms[0], terms=(*first.terms, *themes)),
        *(Topic(name=kind.terms[0], terms=kind.terms) for kind in others),
    )


def _own_words(title: str, text: str, names: Sequence[Name], lexicon: DraftLexicon, *, outlet: str) -> list[str]:
    """Return the themes of news that the article dwells on; where those are few, its own words beside them."""
    named = {fold(form) for name in names for form in (name.text, *name.aliases) if " " not in form}
    in_title = set(re.findall(r"\w+", fold(compose(title))))
    lead = set(re.findall(r"\w+", fold(compose(lead_of(text)))))
    counts = Counter(re.findall(r"[^\W\d_]{4,}", _without_names(f"{title}\n{text}", names)))
    weights = {word: counts[word] + 3 * (word in in_title) for word in counts}
    dwelt_on = [word for word in counts if word in in_title or word in lead or counts[word] > 1]
    themes = [word for word in dwelt_on if word in lexicon.themes]
    if len(themes) < _OFTEN:
        passing = sorted(word for word in counts if word in lexicon.themes and word not in themes)
        themes += passing[: _FEW_THEMES - len(themes)]
    dull = lexicon.themes | lexicon.common | lexicon.titles | lexicon.measures | lexicon.toll_verbs | lexicon.tolls
    dull |= lexicon.days | {*lexicon.months} | named | {*fold(outlet).split()}
    others = [word for word in dwelt_on if counts[word] > 1 and word not in dull]
    others = [word for word in others if not find_country(word) and not find_capital(word)]
    ranked = sorted(themes, key=lambda word: (-weights[word], word))[:_MOST_TERMS]
    if len(ranked) < 2:
        ranked += sorted(others, key=lambda word: (-weights[word], word))[:_MOST_OTHERS]
    if not ranked:
        ranked = sorted(
            (word for word in in_title - lexicon.common if len(word) > 3), key=lambda word: (-len(word), word)
        )
    return ranked


def _without_names(text: str, names: Sequence[Name]) -> str:
    """The text, folded, without names of several words: a Fire Service is no fire."""
    folded = fold(compose(text))
    for name in names:
        if " " in name.text:
            folded = folded.replace(fold(compose(name.text)), " ")
    return folded


def _called(country: str | None, topics: Sequence[Topic]) -> str:
    """A title of the country and the theme, where the headline names nothing but figures."""
    return ": ".join(part for part in (country, topics[0].name if topics else None) if part)


def _first_day(text: str, published: Span | None, lexicon: DraftLexicon) -> datetime | None:
    """Return the earliest day of the year before publication that the text names by day and month, in UTC."""
    if published is None:
        return None
    days = [published.not_before.replace(hour=0, minute=0, second=0, microsecond=0)]
    months = "|".join(lexicon.months)
    for found in re.finditer(rf"\b(?:({months}) (\d{{1,2}})|(\d{{1,2}}) ({months}))\b", fold(compose(text))):
        month, day = found[1] or found[4], int(found[2] or found[3])
        for year in (published.not_after.year, published.not_after.year - 1):
            try:
                at = datetime(year, lexicon.months.index(month) + 1, day, tzinfo=UTC)
            except ValueError:
                continue  # no such day: 31 June, 29 February
            if at <= published.not_after and published.not_before - at <= _LONGEST_PERIOD:
                days.append(at)
                break
    return min(days)


def _sentence(title: str, text: str, claim: Claim) -> str:
    return _one_line(sentence_of(claim, title=title, text=text))


def _baseline(
    claims: Sequence[Claim], published: Span | None, quote: Callable[[Claim], str]
) -> tuple[BaselineClaim, ...]:
    """Return one figure a measure and population: those that the article asserts now, of the whole."""
    found: dict[tuple[str, str | None], BaselineClaim] = {}
    for claim in claims:
        is_told = claim.kind == ClaimKind.LEVEL and claim.status == ClaimStatus.CURRENT and not claim.ordinal
        if not is_told or claim.value is None or claim.value < 0 or claim.place is not None:
            continue
        if claim.qualifier == Qualifier.VAGUE or (claim.population or "").startswith("other:"):
            continue
        is_range = claim.qualifier == Qualifier.RANGE
        if is_range and (claim.high is None or claim.high < claim.value):
            continue
        baseline = BaselineClaim(
            metric=claim.metric,
            value=claim.value,
            high=claim.high if is_range else None,
            qualifier=claim.qualifier,
            origin=claim.origin,
            population=claim.population,
            effective_at=claim.as_of or published,
            quote=quote(claim),
        )
        found.setdefault((claim.metric, claim.population), baseline)
    return tuple(found.values())


def _states(
    claims: Sequence[Claim], published: Span | None, quote: Callable[[Claim], str]
) -> tuple[BaselineState, ...]:
    """Return the last state that the article tells of each subject."""
    found: dict[str, BaselineState] = {}
    for claim in claims:
        if claim.kind == ClaimKind.STATE and claim.state and claim.status == ClaimStatus.CURRENT:
            found[claim.metric] = BaselineState(
                subject=claim.metric,
                state=claim.state,
                origin=claim.origin,
                effective_at=claim.as_of or published,
                quote=quote(claim),
            )
    return tuple(found.values())


def _slug(country: str | None, topics: Sequence[Topic], title: str, year: int | None) -> str:
    """Return a slug of country, theme and year; of the title, if that leaves nothing in Latin letters."""
    parts = [part for part in (country, topics[0].name if topics else None) if part]
    for words in (" ".join(parts), title, "story"):
        latin = "".join(letter if letter.isascii() else " " for letter in place_key(words))
        slug = "-".join(re.findall(r"[a-z0-9]+", latin)[:8])[:60].strip("-")
        if slug:
            return f"{slug}-{year}" if year else slug
    raise AssertionError("the last word is in Latin letters")


def _one_line(text: str) -> str:
    return " ".join(text.split())
