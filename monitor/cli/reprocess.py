"""`storywatch reprocess`: read what is stored anew with the present words and seeds."""

from typing import Annotated

import typer

from monitor.cli.context import clock, opened_database, settings
from monitor.cli.output import console, print_table, progress_bars, show_figure, shown_on
from monitor.cli.stories import describe_key
from monitor.reprocessing import Reprocessed, reprocess_story
from monitor.taking_up import make_watch
from storage import stories
from storage.errors import NotFoundError


def reprocess_command(
    story: Annotated[str | None, typer.Option(help="Only this story; all that are watched by default.")] = None,
) -> None:
    """Read all stored articles anew with the present words and seeds; who was told otherwise gets a correction."""
    current = settings()
    with opened_database(current) as database:
        watch = make_watch(database, current)
        if story is not None and story not in watch.stories:
            with database.read() as session:
                state = stories.get_story(session, story).state.value
            raise NotFoundError(
                f"{story}: is {state}, so it is not read; open it with: storywatch stories open {story}"
            )
        done = []
        with progress_bars() as progress:
            for slug in [story] if story is not None else sorted(watch.stories):
                show = shown_on(progress, slug)
                done.append(reprocess_story(database, watch, slug, clock=clock(), on_progress=show))
    _show(done)


def _show(done: list[Reprocessed]) -> None:
    print_table(
        ("story", "articles", "claims", "new", "gone", "changes"),
        [[one.story, *map(str, (one.articles, one.claims, one.begun, one.gone, len(one.revisions)))] for one in done],
        empty="No story is watched.",
    )
    moved = [revision for one in done for revision in one.revisions]
    if moved:
        console().print()
        print_table(
            ("story", "what", "kind", "from", "to", "told"),
            [
                [
                    one.story,
                    describe_key(one.key),
                    one.kind.value,
                    show_figure(one.before) if one.before else "–",
                    show_figure(one.after),
                    "no" if one.is_silent else "yes",
                ]
                for one in moved
            ],
        )
