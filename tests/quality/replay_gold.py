"""Feed the annotations of docs.jsonl to the fold as perfect claims; write revisions for score_replay.py.

python -m tests.quality.replay_gold DOCS TIMELINES OUT_FOLDER
"""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.ledger.changes import find_revisions
from monitor.ledger.fold import StoryFold
from monitor.ledger.replay import revision_line
from storage.keys import claim_id
from storage.records import (
    Claim,
    ClaimKind,
    ClaimStatus,
    History,
    OriginSpec,
    Qualifier,
    RecordKey,
    Revision,
    Span,
    StampedClaim,
    Story,
)

QUALIFIERS = {
    None: Qualifier.EXACT,
    "at least": Qualifier.AT_LEAST,
    "more than": Qualifier.MORE_THAN,
    "up to": Qualifier.AT_MOST,
    "fewer than": Qualifier.FEWER_THAN,
    "about": Qualifier.ABOUT,
    "nearly": Qualifier.NEARLY,
}
STATUSES = {"feared/unconfirmed": "unconfirmed"}
# Names of one speaker in the languages of the reports, as a seed would list them.
ORIGINS = {
    "kazakhstan": (
        OriginSpec(name="Health Ministry", aliases=("health ministry", "Минздрав", "Gesundheitsministerium")),
        OriginSpec(name="Prosecutor General", aliases=("Serik Shalabayev", "Serik Shalabaev", "Berik Asylov")),
    ),
}


def span_of(published: str) -> Span:
    """The interval that a published date means: an instant, a day or a month."""
    if len(published) > 10:
        at = datetime.fromisoformat(published).replace(tzinfo=UTC)
        return Span(not_before=at, not_after=at)
    if len(published) == 7:
        start = datetime.fromisoformat(published + "-01").replace(tzinfo=UTC)
        return Span(not_before=start, not_after=(start + timedelta(days=32)).replace(day=1) - timedelta(seconds=1))
    start = datetime.fromisoformat(published).replace(tzinfo=UTC)
    return Span(not_before=start, not_after=start + timedelta(days=1) - timedelta(seconds=1))


def slug(words: str) -> str:
    return "-".join("".join(sign if sign.isalnum() else " " for sign in words.casefold()).split())


def gold_claims(report: dict[str, Any]) -> list[StampedClaim]:
    """A report's annotations as stamped claims, recorded when it was published."""
    span = span_of(report["published"]) if report.get("published") else None
    recorded = span.not_before if span else datetime(2030, 1, 1, tzinfo=UTC)
    stamped = []
    for number, gold in enumerate(report["gold"]):
        claim = gold_claim(gold)
        field = gold["quote_in"]
        stamped.append(
            StampedClaim(
                claim_id=claim_id(report["id"], field, gold["quote"], "gold", claim.value, occurrence=number),
                claim=claim,
                story=report["story"],
                article_id=0,
                url=f"report:{report['id']}",
                title=report["title"],
                source=report["source"],
                sentence=gold["quote"],
                asserted_at=span,
                recorded_at=recorded,
            )
        )
    return stamped


def gold_claim(gold: dict[str, Any]) -> Claim:
    is_range = gold["high"] is not None and not gold.get("vague")
    qualifier = Qualifier.VAGUE if gold.get("vague") else Qualifier.RANGE if is_range else QUALIFIERS[gold["modifier"]]
    is_whole_place = "story-wide" in (gold["place"], gold.get("place_alt"))
    return Claim(
        metric=gold["metric"],
        value=None if gold.get("vague") else gold["low"],
        low=gold["low"],
        high=gold["high"],
        qualifier=qualifier,
        kind=ClaimKind.INCREMENT if gold.get("delta") else ClaimKind.LEVEL,
        status=ClaimStatus(STATUSES.get(gold["status"], gold["status"])),
        population=None if gold["population"] == "total" else "other:" + slug(gold["population"]),
        place=None if is_whole_place else slug(gold["place"]),
        origin=gold["attribution"],
        field=gold["quote_in"],
        quote=gold["quote"],
        rule="gold",
    )


def replay(story: Story, reports: Iterable[list[StampedClaim]]) -> list[Revision]:
    """Record reports one by one in the order given and return the change log."""
    fold = StoryFold(story)
    held: dict[RecordKey, History] = fold.histories()
    known: dict[str, StampedClaim] = {}
    log: list[Revision] = []
    for claims in reports:
        if not claims:
            continue
        known.update((stamped.claim_id, stamped) for stamped in claims)
        fold.add(claims)
        now = fold.histories()
        log.extend(find_revisions(held, now, claims=known, recorded_at=claims[0].recorded_at, log=log))
        held = now
    return log


def main(docs: str, timelines: str, out: str) -> None:
    reports = [json.loads(line) for line in Path(docs).read_text(encoding="utf-8").splitlines() if line.strip()]
    Path(out).mkdir(parents=True, exist_ok=True)
    for slug_ in json.loads(Path(timelines).read_text(encoding="utf-8")):
        story = Story(slug=slug_, title=slug_, origins=ORIGINS.get(slug_, ()))
        mine = [report for report in reports if report["story"] == slug_]
        mine.sort(key=lambda report: (report.get("published") or "9999", report["id"]))
        lines = [json.dumps(revision_line(one)) for one in replay(story, map(gold_claims, mine))]
        (Path(out) / f"{slug_}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:4])
