"""How fast queries are answered on a filled database: newest first and by rank, with snippets.

    python -m bench.search [--size quick]                                 fills a SQLite file first
    python -m bench.search --database URL --count N [--queries 1000]      on one filled by bench.ingest --fill

`--count` is the number of articles that the database was filled with: the queries use the words of that corpus. Each
query is answered several times and its least cost counts, so that the spread is that of the queries and not of what
else the machine does.
"""

import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from bench.corpus import Corpus
from bench.figures import bounded, chosen, leave, options
from bench.ingest import fill
from storage.articles import count_articles
from storage.database import Database
from storage.search import count_facets, search_articles


def main() -> None:
    """Print the median, p95, p99 and worst time of each way to search, in milliseconds."""
    parser = options(__doc__)
    parser.add_argument("--database", help="a database filled by `python -m bench.ingest --fill`")
    parser.add_argument("--count", type=int)
    parser.add_argument("--queries", type=int)
    parser.add_argument("--repeats", type=int, default=3, help="answers to each query, of which the least cost counts")
    parser.add_argument("--ways", nargs="+", choices=("newest", "rank"), default=["newest", "rank"])
    parser.add_argument("--slowest", type=int, default=0, help="show so many of the slowest queries")
    arguments = parser.parse_args()
    count = arguments.count or chosen(arguments, 200, 10_000, 100_000)
    queries = Corpus(count).queries(arguments.queries or chosen(arguments, 20, 300, 1_000))
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        database = Database(arguments.database or f"sqlite:///{folder}/search.db")
        if not arguments.database:
            share = fill(database, count)
            figures.append(bounded(f"{count:,} articles on disk, of their raw text", share, "×", at_most=2.5))
        database.check()
        with database.read() as session:
            print(f"{count_articles(session)} articles, {len(queries)} queries, 20 hits a page")
        bounds = (20.0, None) if count > 100_000 else (5.0, 300.0)
        for way, name, bound in (("newest", "newest first", bounds[0]), ("rank", "by rank", bounds[1])):
            if way not in arguments.ways:
                continue
            clock, used = report(
                name, database, queries, arguments.slowest, by_rank=way == "rank", repeats=max(2, arguments.repeats)
            )
            what = f"search of {count:,}, {name}, p99"
            if bound is not None:
                figures.append(bounded(f"{what}, CPU", used, "ms", at_most=bound))
            if bound is not None:
                figures.append(bounded(f"{what}, clock", clock, "ms", at_most=bound))
        started = time.perf_counter()
        with database.read() as session:
            facets = count_facets(session, queries[1])
        print(f"facets of {facets.total} hits: {(time.perf_counter() - started) * 1e3:.1f} ms")
        database.close()
    leave(arguments, figures)


def report(
    name: str, database: Database, queries: list[str], slowest: int, *, by_rank: bool, repeats: int
) -> tuple[float, float]:
    """Answer each query some times, the first of which does not count, as on a service that has run for a while.

    Returns p99 in ms by the clock and of CPU, to which a busy machine adds little. SQLite works within this process; of
    PostgreSQL the process that serves us is counted too, where it runs on this machine.
    """
    times, costs = [], []
    server = _server(database)
    hits = 0
    for query in queries:
        clock, cpu = [], []
        for _ in range(repeats):
            used, started = time.process_time() + _used(server), time.perf_counter()
            with database.read() as session:
                found = search_articles(session, query, rank=by_rank)
            clock.append((time.perf_counter() - started) * 1e3)
            cpu.append((time.process_time() + _used(server) - used) * 1e3)
        hits += len(found)
        times.append((min(clock[1:]), query))
        costs.append((min(cpu[1:]), query))
    times.sort()
    costs.sort()
    used_by = [cost for cost, _ in costs]
    p99 = used_by[int(len(costs) * 0.99)]
    spread = [taken for taken, _ in times]
    print(
        f"{name:>14}: median {statistics.median(spread):.1f} ms, p95 {spread[int(len(spread) * 0.95)]:.1f} ms, "
        f"p99 {spread[int(len(spread) * 0.99)]:.1f} ms, worst {spread[-1]:.1f} ms; "
        f"of CPU median {statistics.median(used_by):.1f} ms, p99 {p99:.1f} ms;"
        f" {hits / len(queries):.1f} hits a query"
    )
    for cost, query in costs[len(costs) - slowest :]:
        print(f"{cost:>18.1f} ms of CPU  {query}")
    return spread[int(len(spread) * 0.99)], p99


def _server(database: Database) -> Path | None:
    """Where the system tells the CPU of PostgreSQL's process for our one connection."""
    if database.is_sqlite:
        return None
    with database.read() as session:
        number = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    place = Path(f"/proc/{number}/schedstat")
    return place if place.exists() else None


def _used(server: Path | None) -> float:
    return int(server.read_text(encoding="ascii").split()[0]) / 1e9 if server else 0.0


if __name__ == "__main__":
    main()
