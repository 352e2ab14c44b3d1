"""Extract claims from the texts of docs.jsonl and fold them; write revisions for score_replay.py.

    python -m tests.quality.replay_text DOCS TIMELINES OUT_FOLDER

The stories are seeds with what anyone knows of the event: its name, its places, its period.
"""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.claims.extract import Extractor
from monitor.ledger.replay import revision_line
from storage.keys import claim_ids, sentence_of
from storage.records import OriginSpec, Place, StampedClaim, Story
from tests.quality.replay_gold import replay, span_of


def whole(name: str, *aliases: str) -> Place:
    return Place(name=name, aliases=aliases, whole=True)


def part(name: str, *aliases: str) -> Place:
    return Place(name=name, aliases=aliases)


PLACES: dict[str, tuple[Place, ...]] = {
    "kazakhstan": (
        whole("Kazakhstan", "Казахстан", "Kazakh"),
        part("Almaty", "Алматы", "Алма-Ата", "Alma-Ata"),
        part("Almaty region", "Алматинская область"),
        part("Atyrau"),
        part("Taraz"),
        part("Zhambyl", "Zhambyl region"),
        part("Kyzylorda region", "Kyzylorda"),
    ),
    "itaewon": (whole("Itaewon"), whole("Seoul"), whole("South Korea", "Korea"), whole("Yongsan")),
    "beirut": (whole("Beirut"), whole("Lebanon")),
    "crocus": (
        whole("Crocus City Hall", "Crocus"),
        whole("Moscow"),
        whole("Moscow Region"),
        whole("Krasnogorsk"),
        whole("Russia"),
    ),
    "christchurch": (
        whole("Christchurch"),
        whole("New Zealand"),
        part("Al Noor mosque", "Masjid Al Noor", "Deans Avenue", "Central Mosque"),
        part("Linwood mosque", "Linwood"),
        part("Christchurch Hospital"),
    ),
    "sri_lanka": (whole("Sri Lanka"), part("Colombo"), part("Negombo"), part("Batticaloa")),
    "camp_fire": (
        whole("Camp Fire"),
        whole("Butte County"),
        whole("California"),
        whole("Northern California"),
        part("Paradise"),
    ),
    "maui": (whole("Maui"), whole("Lahaina"), whole("Hawaii")),
    "odisha": (whole("Odisha"), whole("Balasore"), whole("Bahanaga"), whole("India")),
    "herat": (whole("Herat"), whole("Afghanistan"), whole("western Afghanistan")),
    "kanjuruhan": (whole("Kanjuruhan"), whole("Malang"), whole("Indonesia"), whole("East Java")),
    "libya": (whole("Libya"), whole("Derna"), whole("eastern Libya")),
}
PERIODS = {
    "kazakhstan": "2022-01-02",
    "itaewon": "2022-10-29",
    "beirut": "2020-08-04",
    "crocus": "2024-03-22",
    "christchurch": "2019-03-15",
    "sri_lanka": "2019-04-21",
    "camp_fire": "2018-11-08",
    "maui": "2023-08-08",
    "odisha": "2023-06-02",
    "herat": "2023-10-07",
    "kanjuruhan": "2022-10-01",
    "libya": "2023-09-10",
}
ORIGINS = {
    "kazakhstan": (
        OriginSpec(name="Health Ministry", aliases=("Минздрав", "Gesundheitsministerium")),
        OriginSpec(name="Prosecutor General", aliases=("Serik Shalabayev", "Serik Shalabaev", "Berik Asylov")),
    ),
}


def seed(slug: str) -> Story:
    return Story(
        slug=slug,
        title=slug,
        places=PLACES.get(slug, ()),
        origins=ORIGINS.get(slug, ()),
        period_start=datetime.fromisoformat(PERIODS[slug]).replace(tzinfo=UTC) if slug in PERIODS else None,
    )


def text_claims(report: dict[str, Any], extractor: Extractor) -> list[StampedClaim]:
    """A report's claims as read from its text, recorded when it was published."""
    span = span_of(report["published"]) if report.get("published") else None
    title, text = report["title"], report["text"]
    claims = extractor.extract(title=title, text=text, published=span, lang=report.get("lang"))
    url = f"report:{report['id']}"
    return [
        StampedClaim(
            claim_id=identity,
            claim=replace(claim, place=claim.place or None),
            story=report["story"],
            article_id=0,
            url=url,
            title=title,
            source=report["source"],
            sentence=sentence_of(claim, title=title, text=text),
            asserted_at=span,
            recorded_at=span.not_before if span else datetime(2030, 1, 1, tzinfo=UTC),
        )
        for identity, claim in zip(claim_ids(url, claims, title=title, text=text), claims, strict=True)
    ]


def main(docs: str, timelines: str, out: str) -> None:
    reports = [json.loads(line) for line in Path(docs).read_text(encoding="utf-8").splitlines() if line.strip()]
    Path(out).mkdir(parents=True, exist_ok=True)
    for slug in json.loads(Path(timelines).read_text(encoding="utf-8")):
        story = seed(slug)
        extractor = Extractor(story)
        mine = [report for report in reports if report["story"] == slug]
        mine.sort(key=lambda report: (report.get("published") or "9999", report["id"]))
        log = replay(story, (text_claims(report, extractor) for report in mine))
        lines = [json.dumps(revision_line(one)) for one in log]
        (Path(out) / f"{slug}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:4])
