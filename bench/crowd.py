"""Many processes on one SQLite file: eight read while two write and a backup is taken. No lock error may come.

python -m bench.crowd [--size quick] [--seconds 60] [--articles 2000]
"""

import multiprocessing
import tempfile
import time
from multiprocessing.queues import Queue
from pathlib import Path

from bench.corpus import START, STORY, Corpus
from bench.figures import Figure, chosen, leave, options
from storage import articles, keeping, stories
from storage.database import Database
from storage.errors import DatabaseError
from storage.search import search_articles

Said = tuple[str, int, list[str]]


def main() -> None:
    """Run the crowd on a fresh database; print what was read and written, and every error."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--articles", type=int, help="stored beforehand")
    arguments = parser.parse_args()
    arguments.seconds = arguments.seconds or chosen(arguments, 1, 15, 60)
    readers, writers = (1, 1) if arguments.size == "tiny" else (8, 2)
    spawning = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/crowd.db"
        database = _filled(url, arguments.articles or chosen(arguments, 100, 1_000, 2_000))
        said: Queue[Said] = spawning.Queue()
        crowd = [
            spawning.Process(target=_read, args=(url, arguments.seconds, number, said)) for number in range(readers)
        ]
        crowd += [
            spawning.Process(target=_write, args=(url, arguments.seconds, number, said)) for number in range(writers)
        ]
        for process in crowd:
            process.start()
        time.sleep(arguments.seconds / 3)
        started = time.perf_counter()
        size = keeping.backup(database, Path(folder) / "backup.db")
        taken = time.perf_counter() - started
        heard = [said.get() for _ in crowd]
        for process in crowd:
            process.join()
        errors, problems = _report(heard), 0
        copy = Database(f"sqlite:///{folder}/backup.db")
        for name, checked in (("database", database), ("backup", copy)):
            with checked.read() as session:
                broken = list(keeping.find_problems(session))
                problems += len(broken)
                print(f"{name}: {articles.count_articles(session)} articles, {len(broken)} problems")
            checked.close()
        print(f"backup of {size / 1e6:.0f} MB in {taken:.1f} s while all went on")
    what = f"errors, {readers} reading, {writers} writing, {arguments.seconds:g} s"
    leave(
        arguments,
        [
            Figure(what=what, ours=str(errors), asked="0", is_met=not errors),
            Figure(what="problems in it and in its backup", ours=str(problems), asked="0", is_met=not problems),
        ],
    )


def _filled(url: str, count: int) -> Database:
    database = Database(url)
    database.upgrade()
    with database.write() as session:
        stories.add_story(session, STORY, now=START)
        articles.add_articles(session, list(Corpus(100_000).articles(0, count)))
    return database


def _report(heard: list[Said]) -> int:
    for kind in ("reads", "writes"):
        counts = [count for said, count, _ in heard if said == kind]
        print(f"{kind}: {sum(counts)} by {len(counts)} processes")
    errors = [error for _, _, found in heard for error in found]
    print(f"errors: {len(errors)}")
    for error in errors[:5]:
        print(f"  {error}")
    return len(errors)


def _read(url: str, seconds: float, number: int, said: "Queue[Said]") -> None:
    database, count, errors = Database(url), 0, []
    queries = Corpus(100_000).queries(50, seed=number)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with database.read() as session:
                search_articles(session, queries[count % 50])
            count += 1
        except DatabaseError as error:
            errors.append(str(error))
    said.put(("reads", count, errors))


def _write(url: str, seconds: float, number: int, said: "Queue[Said]") -> None:
    database, count, errors = Database(url), 0, []
    first = 10_000 + number * 40_000
    news = Corpus(100_000).articles(first, first + 40_000)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with database.write() as session:
                articles.add_article(session, next(news))
            count += 1
        except DatabaseError as error:
            errors.append(str(error))
    said.put(("writes", count, errors))


if __name__ == "__main__":
    main()
