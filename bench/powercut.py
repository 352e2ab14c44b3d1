"""Killed in the middle of commits, and copied at any moment of a write: is all that was committed there, and whole?

python -m bench.powercut [--size quick] [--kills 200] [--copies 100]

A writer stores articles with their claims, a commit each, and says after each which it was. It is killed (kill -9) at
chance moments, again and again on one file; then one is stopped at chance moments while the file and its log are copied
as a power cut would leave them. After each: SQLite's own proof of the file and of the full-text index, every reference,
every claim's place in its text; and what was said to be committed is there, with at most the one commit under way.
"""

import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from bench.corpus import START, STORY, Corpus
from bench.figures import Figure, chosen, leave, options
from storage import articles, claims, keeping, stories
from storage.database import Database
from storage.search_parts import prove_parts

_FORKING = multiprocessing.get_context("fork")
_CORPUS = Corpus(100_000)


def main() -> None:
    """Kill and copy as often as asked; print what was found."""
    parser = options(__doc__)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--copies", type=int)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    kills = arguments.kills or chosen(arguments, 2, 25, 200)
    copies = arguments.copies or chosen(arguments, 2, 15, 100)
    chance = Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        killed, inside = _kill(Path(folder) / "killed.db", kills, chance)
        copied = _copy(Path(folder) / "copied.db", copies, chance)
    print(f"{kills} kills, {inside} with a commit under way that is there though nobody was told")
    figures = []
    for what, found in ((f"{kills} × kill -9 among commits", killed), (f"{copies} copies amid writes", copied)):
        for problem in found[:5]:
            print(f"  {problem}")
        figures.append(Figure(what=what, ours=f"{len(found)} problems", asked="0", is_met=not found))
    leave(arguments, figures)


def _kill(path: Path, kills: int, chance: Random) -> tuple[list[str], int]:
    """What was found wrong, and how often the commit that was cut had been made."""
    _make(path)
    committed, problems, inside = 0, list[str](), 0
    for _ in range(kills):
        with _writing(path, committed) as (said, pid):
            last, pace = _follow(said, committed, chance.randint(1, 5))
            time.sleep(chance.random() * 2 * pace)
            os.kill(pid, signal.SIGKILL)
            last = _hear(said, last)
        count, found = _prove(path)
        problems += found
        if count not in (last, last + 1):
            problems.append(f"{count} articles, but {last} were said to be committed")
        inside += count == last + 1
        committed = count
    return problems, inside


def _copy(path: Path, copies: int, chance: Random) -> list[str]:
    _make(path)
    problems = []
    with _writing(path, 0) as (said, pid):
        last, pace = _follow(said, 0, 3)
        for number in range(copies):
            time.sleep(chance.random() * 4 * pace)
            last = _hear(said, last)
            os.kill(pid, signal.SIGSTOP)
            copy = path.with_name(f"copy{number}") / path.name
            copy.parent.mkdir()
            for suffix in ("", "-wal"):
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
            os.kill(pid, signal.SIGCONT)
            count, found = _prove(copy)
            problems += found
            if count < last:
                problems.append(f"a copy of {count} articles, but {last} were said to be committed before it")
            shutil.rmtree(copy.parent)
        os.kill(pid, signal.SIGKILL)
    return problems


def _make(path: Path) -> None:
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    with database.write() as session:
        stories.add_story(session, STORY, now=START)
    database.close()


@contextmanager
def _writing(path: Path, first: int) -> Iterator[tuple[Connection, int]]:
    """A process that writes from this article on, and the end of the pipe on which it says how many there are."""
    said, saying = _FORKING.Pipe(duplex=False)
    process = _FORKING.Process(target=_write, args=(f"sqlite:///{path}", first, saying), daemon=True)
    process.start()
    saying.close()
    assert process.pid is not None
    try:
        yield said, process.pid
    finally:
        process.join()
        said.close()


def _write(url: str, first: int, saying: Connection) -> None:
    database = Database(url)
    for number, new in enumerate(_CORPUS.articles(first), start=first):
        with database.write() as session:
            stored = articles.add_article(session, new)
            claims.add_claims(session, [_CORPUS.claim(number, stored.article_id, stored.first_seen_at)])
        saying.send(number + 1)


def _follow(said: Connection, committed: int, commits: int) -> tuple[int, float]:
    """Wait for some commits; how many articles there are then, and how long a commit takes, in seconds."""
    last = int(said.recv())
    started = time.perf_counter()
    while last < committed + 1 + commits:
        last = int(said.recv())
    return last, (time.perf_counter() - started) / commits


def _hear(said: Connection, last: int) -> int:
    """The newest that was said."""
    try:
        while said.poll():
            last = int(said.recv())
    except EOFError:
        pass
    return last


def _prove(path: Path) -> tuple[int, list[str]]:
    """How many articles a file holds, and everything that is wrong with it."""
    database = Database(f"sqlite:///{path}")
    with database.write() as session:
        problems = [f"{found.where}: {found.message}" for found in keeping.find_problems(session)]
        prove_parts(session)
        count = articles.count_articles(session)
        claimed = len(claims.list_claims(session, STORY.slug))
    database.close()
    if claimed != count:
        problems.append(f"{count} articles with {claimed} claims: half a commit was stored")
    return count, problems


if __name__ == "__main__":
    main()
