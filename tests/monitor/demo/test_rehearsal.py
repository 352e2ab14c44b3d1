"""The demo without its servers: the pages through our own readers, ledger and store give what the script expects."""

from collections import Counter

from monitor.demo.pages import render_path
from monitor.demo.script import Moment, load_script, seed_text
from monitor.demo.verdict import Change
from monitor.intake import take_article, take_version
from monitor.reading.articles import read_article
from monitor.reading.versions import text_hash
from monitor.stories.seed import parse_seed
from monitor.watch import Watch
from storage import articles, claims, stories
from storage.database import Database
from storage.records import Figure, NewArticle, Revision, RevisionKind, Span

SITE = "http://127.0.0.1:8000"
SCRIPT = load_script()


def play(database: Database, watch: Watch, moment: Moment) -> tuple[Revision, ...]:
    """One page as the service takes it in."""
    article = moment.article
    answer = render_path(SCRIPT, article.path, site=SITE, now=moment.at)
    assert answer is not None
    page = read_article(answer[1], url=SITE + article.path, content_type=answer[0])
    published = Span(not_before=article.published_at, not_after=article.published_at)
    reading = watch.read(title=page.title, text=page.text, published=published, lang=page.lang)
    digest = text_hash(page.title, page.text)
    with database.write() as session:
        if moment.is_edit:
            known = articles.get_article(session, SITE + article.path)
            taken = take_version(
                session, watch, known, reading, title=page.title, text=page.text, text_hash=digest, now=moment.at
            )
        else:
            outlet = SCRIPT.outlet(article.outlet)
            new = NewArticle(
                url=SITE + article.path,
                title=page.title,
                text=page.text,
                text_hash=digest,
                fetched_at=moment.at,
                source=outlet.name,
                lang=page.lang,
                published=published,
                matches=reading.matches,
            )
            taken = take_article(session, watch, new, reading)
    return taken.revisions


def as_change(revision: Revision) -> Change:
    if revision.kind in (RevisionKind.EDITED, RevisionKind.REMOVED):
        return Change(kind=revision.kind.value)
    return Change(
        kind=revision.kind.value,
        metric=revision.key.metric,
        population=revision.key.population,
        place=revision.key.place,
        before=_value(revision.before),
        after=_value(revision.after),
    )


def _value(figure: Figure | None) -> float | str | None:
    return None if figure is None else figure.state or figure.value


def test_the_pages_tell_the_story_of_the_script() -> None:
    story = parse_seed(seed_text(SITE), file="seed.toml")
    watch = Watch([story])
    database = Database("sqlite://")
    database.upgrade()
    with database.write() as session:
        stories.add_story(session, story, now=SCRIPT.starts_at)
    told: list[Revision] = []
    for moment in SCRIPT.moments:
        revisions = play(database, watch, moment)
        if moment.article.path == SCRIPT.laggard:
            assert not [revision for revision in revisions if revision.key.metric == "killed"]
        told += [revision for revision in revisions if not revision.is_silent]
    assert Counter(as_change(revision) for revision in told) == Counter(SCRIPT.expected_told)
    with database.read() as session:
        histories = claims.find_histories(session, story.slug)
    database.close()
    (headline,) = [h for key, h in histories.items() if (key.metric, key.population, key.place) == ("killed", "", "")]
    steps = [(step.kind.value, _value(step.before), _value(step.figure)) for step in headline.steps]
    assert steps == [(step.kind, step.before, step.after) for step in SCRIPT.expected_history]
