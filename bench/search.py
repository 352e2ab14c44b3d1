"""How fast queries are answered on a filled database (bench.ingest --fill): newest first and by rank, with snippets.

    python -m bench.search --database URL [--count 100000] [--queries 1000]

`--count` is the number of articles that the database was filled with: the queries use the words of that corpus.
"""

import argparse
import statistics
import time

from bench.corpus import Corpus
from storage.articles import count_articles
from storage.database import Database
from storage.search import count_facets, search_articles


def main() -> None:
    """Print the median, p95, p99 and worst time of each way to search, in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--slowest", type=int, default=0, help="show so many of the slowest queries")
    arguments = parser.parse_args()
    database = Database(arguments.database)
    database.check()
    queries = Corpus(arguments.count).queries(arguments.queries)
    with database.read() as session:
        print(f"{count_articles(session)} articles, {len(queries)} queries, 20 hits a page")
    for name, options in (("newest first", {}), ("by rank", {"rank": True})):
        report(name, database, queries, options, arguments.slowest)
    started = time.perf_counter()
    with database.read() as session:
        facets = count_facets(session, queries[1])
    print(f"facets of {facets.total} hits: {(time.perf_counter() - started) * 1e3:.1f} ms")


def report(name: str, database: Database, queries: list[str], options: dict[str, bool], slowest: int) -> None:
    """Answer each query twice and take the second, as on a service that has run for a while; print the spread."""
    times = []
    hits, processor = 0, 0.0
    for query in queries:
        for _ in range(2):
            started, used = time.perf_counter(), time.process_time()
            with database.read() as session:
                found = search_articles(session, query, rank=options.get("rank", False))
            taken = (time.perf_counter() - started) * 1e3
        processor += time.process_time() - used
        hits += len(found)
        times.append((taken, query))
    times.sort()
    spread = [taken for taken, _ in times]
    print(
        f"{name:>14}: median {statistics.median(spread):.1f} ms, p95 {spread[int(len(spread) * 0.95)]:.1f} ms, "
        f"p99 {spread[int(len(spread) * 0.99)]:.1f} ms, worst {spread[-1]:.1f} ms; "
        f"{processor / len(queries) * 1e3:.1f} ms of our own processor time and {hits / len(queries):.1f} hits a query"
    )
    for taken, query in times[len(times) - slowest :]:
        print(f"{taken:>18.1f} ms  {query}")


if __name__ == "__main__":
    main()
