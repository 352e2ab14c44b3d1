"""`storywatch why`: why an article belongs to a story, or does not."""

from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.articles import find_one
from monitor.cli.context import opened_database
from monitor.cli.output import console, print_json, print_table
from monitor.stories.matching import THRESHOLD, Matcher
from storage import articles, stories
from storage.records import Match, MatchState


def why_command(
    article: Annotated[str, typer.Argument(help="Number or address of a stored article.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
) -> None:
    """Why an article belongs to a story, or does not: every name that was found, where it counts, and the score."""
    with opened_database() as database, database.read() as session:
        found = articles.get_article(session, find_one(article))
        version = articles.find_newest_version(session, found.article_id)
        stored = {match.story: match for match in articles.list_matches(session, found.article_id)}
        watched = stories.list_stories(session)
    title, text = (version.title, version.text) if version is not None else (found.title, "")
    explained = Matcher(watched).explain(title=title, text=text, published=found.published, lang=found.lang)
    judged = [_with_judgement(match, stored.get(match.story)) for match in explained]
    if as_json:
        print_json({"article": found, "threshold": THRESHOLD, "matches": judged})
        return
    console().print(Text(f"{found.title}  {found.url}", style="bold"), soft_wrap=True)
    if not judged:
        console().print("No name of any story stands in it.")
    for match in judged:
        _show(match)


def _with_judgement(match: Match, stored: Match | None) -> Match:
    """Return the match as a person has decided it, if one has."""
    if stored is None or stored.state == MatchState.AUTOMATIC:
        return match
    is_match = stored.state == MatchState.ACCEPTED
    return Match(story=match.story, score=match.score, hits=match.hits, is_match=is_match, state=stored.state)


def _show(match: Match) -> None:
    verdict = "belongs to" if match.is_match else "does not belong to"
    decided = "" if match.state == MatchState.AUTOMATIC else f", {match.state.value} by a person"
    print_table(
        ("evidence", "name", "found", "times", "adds"),
        [[hit.evidence, hit.name, hit.found, str(hit.count), f"{hit.weight:.2f}"] for hit in match.hits],
        title=f"{verdict} {match.story}: score {match.score:.2f}, {THRESHOLD:g} needed{decided}",
        empty="Published before the story began.",
    )
