"""Pages read a second on both cores, beside trafilatura on one, with F1 on a page set where one is given.

python -m bench.pages [--pages FOLDER]

FOLDER (.bench/pages, if it is there) holds html/ID.html.gz and ground-truth.json, {ID: {"articleBody": …, "url": …}},
as Zyte's article extraction benchmark does (https://github.com/scrapinghub/article-extraction-benchmark, 181 pages).
Without it pages are made, and F1 is not measured. F1 is over 4-word shingles, precision and recall averaged over
pages, as in that benchmark.
"""

import asyncio
import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import trafilatura

from bench.corpus import Corpus
from bench.feedserver import make_page
from bench.figures import Figure, bounded, chosen, leave, more, options
from bench.peers import KEPT
from monitor.page_readers import PageReaders
from monitor.reading.articles import read_article
from storage.errors import ArticleParseError
from storage.records import ReadArticle

CORES = 2
WARM = 40  # pages that are read before the clock starts
Page = tuple[bytes, str]


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--pages", type=Path, default=KEPT / "pages")
    arguments = parser.parse_args()
    folder = arguments.pages
    has_truth = arguments.size != "tiny" and folder.is_dir()
    pages, truths = _from_folder(folder) if has_truth else _made(chosen(arguments, 4, 100, 200))
    (default, default_cpu, default_wall), (ours, our_cpu, _) = _by_turns(pages, by_trafilatura, by_storywatch)
    wall = _together(pages)
    count = len(pages)
    alone, each, both = count / default_cpu, count / our_cpu, count / wall
    print(f"{count} pages; a second:")
    print(f"  trafilatura default    {alone:7.1f} a core of CPU  {_said(default, truths)}")
    print(f"  storywatch, metadata   {each:7.1f} a core of CPU  {_said(ours, truths)}")
    print(f"  {CORES} cores of CPU against one: {CORES * each / alone:.2f} × trafilatura")
    print(f"  {CORES} processes: {both:.1f} by the clock, {default_wall / wall:.2f} × trafilatura in one")
    beside = {most: asyncio.run(_by_the_service(pages, most)) for most in (0, 1, 2)}
    for most, (rate, single) in beside.items():
        print(f"  the service with {most} processes beside it: {rate:.1f} by the clock; one page {single * 1e3:.1f} ms")
    kind = "real" if has_truth else "made"
    what, peer = f"{count} {kind} pages read, CPU, {CORES} cores to one", "trafilatura default"
    figures = [more(what, peer=peer, theirs=alone, ours=CORES * each, unit="/s", at_least=2.5)]
    for most in (1, 2):
        what = f"{count} {kind} pages that wait at once, by the clock, {most} processes beside the service"
        alone_rate, rate = beside[0][0], beside[most][0]
        figures.append(more(what, peer="none beside it", theirs=alone_rate, ours=rate, unit="/s", at_least=None))
    if has_truth:
        theirs = Figure(what=f"F1 of {peer}", ours=f"{_f1(default, truths):.3f}")
        figures += [bounded("F1 of the text", _f1(ours, truths), "", at_least=0.955), theirs]
    leave(arguments, figures)


def by_trafilatura(page: Page) -> str:
    return trafilatura.extract(page[0], url=page[1] or None, include_comments=False) or ""


def by_storywatch(page: Page) -> str:
    try:
        return read_article(page[0], url=page[1]).text
    except ArticleParseError:
        return ""


def _by_turns(pages: list[Page], *readers: Callable[[Page], str]) -> list[tuple[list[str], float, float]]:
    """The texts of each reader, its CPU and its time; page by page in turn, so that load meets all of them alike."""
    texts: list[list[str]] = [[] for _ in readers]
    spent = [[0.0, 0.0] for _ in readers]
    for page in pages:
        for number, read in enumerate(readers):
            wall, cpu = time.perf_counter(), time.process_time()
            texts[number].append(read(page))
            spent[number][0] += time.process_time() - cpu
            spent[number][1] += time.perf_counter() - wall
    return [(text, *taken) for text, taken in zip(texts, spent, strict=True)]


def _together(pages: list[Page]) -> float:
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        list(pool.map(by_storywatch, pages[: CORES * 4], chunksize=4))  # imports are not what is measured
        start = time.perf_counter()
        list(pool.map(by_storywatch, pages, chunksize=8))
        return time.perf_counter() - start


async def _by_the_service(pages: list[Page], most: int) -> tuple[float, float]:
    """Pages a second that the service's own readers read with up to `most` processes, and the time of one page alone.

    The processes' start is not measured: they are kept for as long as pages come.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1) as thread:

        async def compute(work: Callable[[], ReadArticle]) -> ReadArticle:
            return await loop.run_in_executor(thread, work)

        readers = PageReaders(compute, most=most)

        async def read(page: Page) -> None:
            with suppress(ArticleParseError):
                await readers.read(page[0], url=page[1])

        start = time.perf_counter()
        for page in pages[:WARM]:
            await read(page)
        single = (time.perf_counter() - start) / min(WARM, len(pages))
        if readers.processes:
            raise SystemExit("a page at a time started a process: the figures would mean nothing")
        await asyncio.gather(*(read(page) for page in pages[:WARM]))
        start = time.perf_counter()
        await asyncio.gather(*(read(page) for page in pages))
        rate = len(pages) / (time.perf_counter() - start)
        if len(pages) >= WARM and readers.processes != most:
            raise SystemExit(f"{readers.processes} processes read, not {most}: the figures would mean nothing")
        readers.close()
    return rate, single


def _made(count: int) -> tuple[list[Page], list[str]]:
    return [
        (make_page(article), f"https://news.example/{n}")
        for n, article in enumerate(Corpus(100_000).articles(0, count))
    ], []


def _from_folder(folder: Path) -> tuple[list[Page], list[str]]:
    truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    names = [name for name in sorted(truth) if (folder / "html" / f"{name}.html.gz").exists()]
    pages = [
        (gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()), truth[name].get("url") or "")
        for name in names
    ]
    return pages, [truth[name]["articleBody"] for name in names]


def _said(texts: list[str], truths: list[str]) -> str:
    return f"F1 {_f1(texts, truths):.4f}" if truths else ""


def _f1(texts: list[str], truths: list[str]) -> float:
    precision, recall, counted = 0.0, 0.0, [0, 0]
    for text, truth in zip(texts, truths, strict=True):
        found, wanted = _shingles(text), _shingles(truth)
        hit = sum((found & wanted).values())
        if found:
            precision, counted[0] = precision + hit / found.total(), counted[0] + 1
        if wanted:
            recall, counted[1] = recall + hit / wanted.total(), counted[1] + 1
    precision, recall = precision / max(counted[0], 1), recall / max(counted[1], 1)
    return 2 * precision * recall / (precision + recall)


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[n : n + 4]) for n in range(max(len(words) - 3, 1)))


if __name__ == "__main__":
    main()
