"""Articles of 500 words matched and read for claims on one core, beside spaCy; memory of that process.

    python -m bench.claims [--size quick] [--articles N] [--news FILE]

Made-up articles of the seed's story (bench/sentences.toml): all of them match, so all are read. Three kinds, since the
cost follows what there is to read: a sentence in twelve states figures, one in four, every one. What is asked is asked
of the first two together: a stream of news in which some articles are all about figures and most mention a few.
`--news` reads real news besides, a JSON object with "text" a line, by its "kind" if it has one: paragraphs joined to
articles of 500 words, each read once and whether or not it matches.

The peer: no package of spaCy's small English model comes from its makers through the package index, so its pipeline is
built anew with the same components and sizes (tok2vec of width 96 and depth 4, tagger, parser, entities with a tok2vec
of their own) and untrained weights, which cost as much to multiply. Lemmas and the attribute ruler are left out. Its
tokenizer with the rule-based sentence splitter, which is only the first part of any pipeline, is told beside it.
"""

import json
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bench.figures import Figure, bounded, chosen, cpu, leave, memory, more, options
from bench.peers import peer_python, run_peer
from monitor.claims import __path__ as room_path
from monitor.claims.compiled import form_at_work
from monitor.stories.seed import load_seed
from monitor.watch import Watch
from storage.records import Span, Story

HERE = Path(__file__).parent
SEED = HERE.parent / "seeds" / "kazakhstan-unrest-2022.toml"
WORDS = 500
# How many of all sentences state figures.
KINDS = {"few figures": 1 / 12, "figures in a quarter": 1 / 4, "figures throughout": 1.0}
STREAM = ("few figures", "figures in a quarter")
PUBLISHED = Span(not_before=datetime(2022, 1, 10, tzinfo=UTC), not_after=datetime(2022, 1, 10, tzinfo=UTC))

SPACY = """
import json, random, resource, sys
import spacy
from spacy.training import Example
texts = json.load(open(sys.argv[1], encoding="utf-8"))
width = 96
embed = {"@architectures": "spacy.MultiHashEmbed.v2", "width": width, "rows": [5000, 1000, 2500, 2500, 50, 50],
         "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE", "SPACY", "IS_SPACE"], "include_static_vectors": False}
encode = {"@architectures": "spacy.MaxoutWindowEncoder.v2", "width": width, "depth": 4, "window_size": 1,
          "maxout_pieces": 3}
tok2vec = {"@architectures": "spacy.Tok2Vec.v2", "embed": embed, "encode": encode}
heard = {"@architectures": "spacy.Tok2VecListener.v1", "width": width, "upstream": "tok2vec"}
def transitions(kind, upstream):
    return {"model": {"@architectures": "spacy.TransitionBasedParser.v2", "state_type": kind, "hidden_width": 64,
            "extra_state_tokens": False, "maxout_pieces": 2, "use_upper": True, "nO": None, "tok2vec": upstream}}
small = spacy.blank("en")
small.add_pipe("tok2vec", config={"model": tok2vec})
small.add_pipe("tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "nO": None, "normalize": False,
                                           "tok2vec": heard}})
small.add_pipe("parser", config=transitions("parser", heard))
small.add_pipe("ner", config=transitions("ner", tok2vec))
words = [f"w{n}" for n in range(90)]
gold = {"words": words, "tags": [f"T{n % 50}" for n in range(90)], "heads": [max(n - 1, 0) for n in range(90)],
        "deps": ["ROOT"] + [f"d{n % 45}" for n in range(1, 90)], "entities": [f"U-E{n % 18}" for n in range(90)]}
blank = spacy.blank("en")
small.initialize(lambda: [Example.from_dict(blank.make_doc(" ".join(words)), gold)])
blank.add_pipe("sentencizer")
def cpu():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime
out = []
for pipeline, part in ((small, texts[:max(10, len(texts) // 4)]), (blank, texts)):
    pipeline(texts[0])
    start = cpu()
    for document in pipeline.pipe(part):
        pass
    out.append(len(part) / (cpu() - start))
print(json.dumps(out))
"""


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--articles", type=int, help="articles of each kind")
    parser.add_argument("--news", type=Path, metavar="FILE", help="JSON lines of real news to read besides")
    arguments = parser.parse_args()
    count = arguments.articles or chosen(arguments, 4, 100, 400)
    story = load_seed(SEED)
    watch = Watch([story])
    costs: dict[str, float] = {}
    texts: list[str] = []
    for kind, share in KINDS.items():
        news = [make_article(story, Random(number), share) for number in range(count)]
        texts += news if kind in STREAM else []
        _read(watch, story, news[:3])  # lexicons are built at the first text
        start = cpu()
        found = _read(watch, story, news)
        costs[kind] = (cpu() - start) / count
        print(f"{kind}: {1 / costs[kind]:.0f} articles a second, {found / count:.1f} claims an article", flush=True)
    held = memory()
    rate = len(STREAM) / sum(costs[kind] for kind in STREAM)
    form = form_at_work(room_path).partition(";")[0].partition(":")[0]
    what = f"{len(texts)} articles of {WORDS} words, one core, CPU; reader {form}"
    print(f"the first two together: {rate:.0f} articles a second; memory {held:.0f} MB; reader {form}", flush=True)
    figures = [bounded(what, rate, "/s", at_least=800)]
    if arguments.size != "tiny":
        python = peer_python("spacy", "spacy")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "texts.json"
            path.write_text(json.dumps(texts), encoding="utf-8")
            small, blank = run_peer(python, SPACY, str(path))
        for peer, theirs, asked in (
            ("spaCy, small pipeline's parts, untrained", small, 60),
            ("spaCy's tokenizer and sentencizer alone", blank, None),
        ):
            print(f"  {peer}: {theirs:.1f} a second, ours {rate / theirs:.1f} ×", flush=True)
            figures.append(more("the same", peer=peer, theirs=theirs, ours=rate, unit="/s", at_least=asked))
    figures += [Figure(what=f"of them, {kind}", ours=f"{1 / cost:.4g} /s") for kind, cost in costs.items()]
    for kind, cost in _costs_of_news(watch, story, arguments.news).items() if arguments.news else ():
        figures.append(Figure(what=f"{arguments.news.name}, {kind}", ours=f"{1 / cost:.4g} /s"))
    leave(arguments, [*figures, bounded("memory of the process that reads", held, "MB", at_most=200)])


def make_article(story: Story, random: Random, share: float) -> str:
    """An article of the story of about 500 words; `share` of its sentences state figures."""
    kinds = tomllib.loads((HERE / "sentences.toml").read_text(encoding="utf-8"))
    names = [entity.name for entity in story.entities if entity.kind == "person"]
    places = [entity.name for entity in story.entities if entity.kind == "place"]
    parts, length = [], 0
    while length < WORDS:
        kind = "figures" if random.random() < share else random.choice(("plain",) * 7 + ("aside",))
        sentence = random.choice(kinds[kind]).format(
            n=random.randint(3, 240),
            m=random.randint(300, 9000),
            name=random.choice(names),
            place=random.choice(places),
        )
        parts.append(sentence + random.choice((" ", " ", "\n")))
        length += len(sentence.split())
    return "".join(parts).strip()


def _costs_of_news(watch: Watch, story: Story, path: Path) -> dict[str, float]:
    """Seconds of CPU an article of real news, by its kind."""
    paragraphs: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        paragraphs.setdefault(row.get("kind", "news"), []).extend(row["text"].split("\n"))
    costs: dict[str, float] = {}
    for kind, texts in sorted(paragraphs.items()):
        Random(1).shuffle(texts)
        news = _joined(texts)
        _read(watch, story, news[:3], forced=True)
        start = cpu()
        found = _read(watch, story, news[3:], forced=True)
        costs[kind] = (cpu() - start) / max(len(news) - 3, 1)
        claims = found / max(len(news) - 3, 1)
        print(f"{kind}: {1 / costs[kind]:.0f} articles a second, {claims:.1f} claims an article", flush=True)
    return costs


def _joined(paragraphs: list[str]) -> list[str]:
    """Articles of WORDS words made of these paragraphs, the last of each cut short."""
    news: list[str] = []
    kept: list[str] = []
    length = 0
    for paragraph in paragraphs:
        words = paragraph.split()[: WORDS - length]
        kept.append(" ".join(words))
        length += len(words)
        if length >= WORDS:
            news.append("\n".join(kept))
            kept, length = [], 0
    return news


def _read(watch: Watch, story: Story, news: list[str], *, forced: bool = False) -> int:
    """Match and extract, as the service does; returns the number of claims. `forced`: read what does not match too."""
    total = 0
    only = (story.slug,) if forced else ()
    for text in news:
        reading = watch.read(title="Unrest in Kazakhstan", text=text, published=PUBLISHED, lang="en", forced=only)
        if story.slug not in reading.claims:
            raise SystemExit("an article did not match its story: the figures would mean nothing")
        total += len(reading.claims[story.slug])
    return total


if __name__ == "__main__":
    main()
