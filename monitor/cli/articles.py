"""`storywatch articles`: stored articles, their versions and what changed between them."""

from typing import Annotated

import typer
from rich.text import Text

from monitor.cli.context import opened_database
from monitor.cli.output import console, print_json, print_table, show_span, show_time
from monitor.cli.parse import articles_parse_command
from monitor.ledger.live_pages import by_post
from monitor.reading.versions import diff_words
from storage import articles
from storage.records import Article

app = typer.Typer(no_args_is_help=True, help="Stored articles, their versions and what changed between them.")
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Which = Annotated[str, typer.Argument(help="Number or address of the article.")]


@app.command("list")
def list_command(
    story: Annotated[str | None, typer.Option(help="Only this story.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this outlet.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 30,
    as_json: Json = False,
) -> None:
    """Stored articles, last published first."""
    with opened_database() as database, database.read() as session:
        found = articles.list_articles(session, story=story, source=source, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("no", "published", "source", "title"),
        [[str(one.article_id), show_span(one.published), one.source, one.title] for one in found],
        empty="No article is stored yet.",
    )


@app.command("show")
def show_command(article: Which, as_json: Json = False) -> None:
    """One article as it stands, and the stories that it belongs to."""
    with opened_database() as database, database.read() as session:
        found = articles.get_article(session, find_one(article))
        version = articles.find_newest_version(session, found.article_id)
        matches = articles.list_matches(session, found.article_id)
    if as_json:
        print_json({"article": found, "version": version, "matches": matches})
        return
    console().print(Text(found.title, style="bold"))
    console().print(Text(f"{found.source}, {show_span(found.published)}  {found.url}", style="dim"), soft_wrap=True)
    for match in matches:
        console().print(f"story {match.story}: score {match.score:.1f} ({match.state.value})")
    if version is not None:
        console().print(f"version {version.number} of {show_time(version.fetched_at)}\n")
        for at, text in by_post(version.text, version.parts):
            if at is not None:
                console().print(Text(show_span(at), style="bold"))
            console().print(Text(text))


@app.command("versions")
def versions_command(article: Which, as_json: Json = False) -> None:
    """All versions of one article."""
    with opened_database() as database, database.read() as session:
        found = articles.get_article(session, find_one(article))
        versions = articles.list_versions(session, found.article_id)
    if as_json:
        print_json(versions)
        return
    print_table(
        ("no", "fetched", "characters", "title"),
        [[str(one.number), show_time(one.fetched_at), str(len(one.text)), one.title] for one in versions],
    )


@app.command("diff")
def diff_command(
    article: Which,
    old: Annotated[int | None, typer.Argument(help="Version, the last but one by default.")] = None,
    new: Annotated[int | None, typer.Argument(help="Version, the last by default.")] = None,
) -> None:
    """What changed between two versions, word by word."""
    with opened_database() as database, database.read() as session:
        found: Article = articles.get_article(session, find_one(article))
        versions = articles.list_versions(session, found.article_id)
        after = articles.get_version(session, found.article_id, new or versions[-1].number)
        before = articles.get_version(session, found.article_id, old or max(1, after.number - 1))
    if before.number == after.number:
        console().print(f"There is one version only, of {show_time(after.fetched_at)}.")
        return
    console().print(
        f"version {before.number} ({show_time(before.fetched_at)}) → {after.number} ({show_time(after.fetched_at)})"
    )
    shown = Text()
    for part in diff_words(f"{before.title}\n{before.text}", f"{after.title}\n{after.text}"):
        if part.old == part.new:
            shown.append(part.old)
            continue
        if part.old:
            shown.append(f"[-{part.old}-]", style="red strike")
        if part.new:
            shown.append(f"{{+{part.new}+}}", style="green bold")
    console().print(shown)


app.command("parse")(articles_parse_command)


def find_one(text: str) -> int | str:
    """An article as the user names it: its number or its address."""
    return int(text) if text.isdigit() else text
