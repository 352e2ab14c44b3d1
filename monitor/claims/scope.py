"""The last step over a whole text: whose count each figure is, of which event, which part and which place."""

from collections import Counter
from dataclasses import replace

from monitor.claims.ageing import age_superseded, age_with_found
from monitor.claims.draft import (
    Draft,
    find_anchors,
    is_count,
    is_current_whole,
    is_first_told,
    is_of_others,
    is_told_by_others,
    size_of,
    tells_level,
    told_in_headline,
)
from monitor.claims.metrics import harms
from monitor.claims.places import UNRESOLVED, Gazetteer, Mention, place_slug
from storage.records import Claim, ClaimKind, ClaimStatus, Qualifier

# The population of a figure that is told as a part without saying of whom.
PART = "other:part"
_CONDITION = "condition="
# A figure at most this share of a larger one of the same metric may be a part of it.
_PART = 0.9
_CLEAR_PART = 0.75
# Two counts of one thing may differ by as much; what is smaller counts something else (design §6, rule 6d).
_OTHERS_COUNT = 1 / 3
# What several places count together is more than one of them by as much, and not the same in round numbers.
_NEAR_COUNT = 0.97
# The rest is of a whole and a part told among so many figures before it.
_MOST_TOLD = 30
# An earlier count is told at most so many sentences after the one it gave way to.
_RECALL = 2
# What a sum adds up is among so many figures before it.
_SUMMED = 8
# Who gives so many different counts of the whole in one sentence gives parts.
_FEW_COUNTS = 2


def settle(drafts: list[Draft], title: str, gazetteer: Gazetteer) -> tuple[Claim, ...]:
    """The claims of one text, each with its final place, population and status.

    Figures age on the way (monitor/claims/ageing.py): parts and sums are measured by what stands.
    """
    drafts = _take_rest(_without_outgrown(drafts))
    _keep_remembered(drafts)
    _count_named(drafts)
    _share_kind(drafts)
    _share_metric(drafts)
    _pass_group(drafts)
    _share_population(drafts)
    if title:
        _widen_largest(drafts)
    _limit_places(drafts, title, gazetteer)
    anchors = find_anchors(drafts)
    age_superseded(drafts)
    largest = find_anchors(drafts, is_told=False)
    _mark_addends(drafts, largest)
    _mark_summed(drafts)
    _mark_parts(drafts, anchors, largest)
    _set_sums_apart(drafts)
    age_with_found(drafts)
    _mark_missing_parts(drafts)
    _follow_headline(drafts)
    _set_other_events_apart(drafts)
    return tuple(draft.claim for draft in drafts)


def _without_outgrown(drafts: list[Draft]) -> list[Draft]:
    """A part that took its metric from the text before, and outgrows all it tells, is of something else."""
    largest: dict[str, float] = {}
    for draft in drafts:
        if not draft.is_subset:
            claim = draft.claim
            largest[claim.metric] = max(largest.get(claim.metric, 0.0), claim.high or claim.value or 0.0)
    return [
        draft
        for draft in drafts
        if not (draft.is_subset and draft.is_inherited)
        or draft.claim.metric not in largest
        or (draft.claim.value or 0.0) <= largest[draft.claim.metric]
    ]


def _take_rest(drafts: list[Draft]) -> list[Draft]:
    """ "504 died, 228 of them at once. The other 276 fell ill": with a part told before it, the rest makes up a whole.

    It is of that whole, whatever is told of it; where no sum proves it, a rest without a word of its own is left out.
    """
    kept: list[Draft] = []
    told: dict[str, list[float]] = {}
    for draft in drafts:
        claim = draft.claim
        value = claim.value or 0.0
        # The rest of those missing, under a word of its own, is all who are missing still.
        is_rest = draft.is_rest and (claim.metric != "missing" or not draft.is_proven)
        metric = next((name for name in told if _makes_up(value, told[name][-_MOST_TOLD:])), None) if is_rest else None
        if metric is not None:
            population = claim.population or PART
            draft.claim = replace(claim, metric=metric, population=population, kind=ClaimKind.LEVEL)
            draft.is_subset = True
        if metric is not None or draft.is_proven:
            kept.append(draft)
            told.setdefault(draft.claim.metric, []).append(value)
    return kept


def _makes_up(rest: float, told: list[float]) -> bool:
    """Whether a whole and a part were told that differ by the rest."""
    return rest > 1 and any(whole - rest in told for whole in told if whole > rest)


def _keep_remembered(drafts: list[Draft]) -> None:
    """A lead that dates the only event it counts tells of the story: "on trial over the 2018 fire that killed 104".

    Whatever else the text counts, as the count of the same, must be about as large.
    """
    for metric in {draft.claim.metric for draft in drafts if draft.is_dated} & harms():
        mine = [draft for draft in drafts if draft.claim.metric == metric]
        lead = [draft for draft in mine if draft.is_dated and is_first_told(draft) and not draft.is_subset]
        tops = [draft.claim.value or 0.0 for draft in lead]
        counts = [
            draft.claim.value or 0.0
            for draft in mine
            if not draft.is_subset and (_is_standing_count(draft) or draft.claim.status is ClaimStatus.UNCONFIRMED)
        ]
        if not lead or any(min(count, top) < max(count, top) * _CLEAR_PART for count in counts for top in tops):
            continue
        feared = told_in_headline(mine, (ClaimStatus.UNCONFIRMED,))
        for draft in lead:
            status = feared.get((metric, draft.claim.value), ClaimStatus.CURRENT)
            draft.claim = replace(draft.claim, status=status)


def _is_standing_count(draft: Draft) -> bool:
    claim = draft.claim
    is_standing = claim.status is ClaimStatus.CURRENT and claim.kind is ClaimKind.LEVEL
    return is_standing and claim.qualifier is not Qualifier.VAGUE and not claim.implicit


def _count_named(drafts: list[Draft]) -> None:
    """ "24 morts sont identifiés" gives no toll beside 28 dead; where no larger count is told, it is that of all."""
    for draft in drafts:
        if draft.is_named and not any(
            other.claim.metric == "killed" and (other.claim.value or 0) > (draft.claim.value or 0) for other in drafts
        ):
            draft.claim = replace(draft.claim, metric="killed")


def _share_kind(drafts: list[Draft]) -> None:
    """A headline's "2,000 more detained" are those whom the body adds to a total."""
    kinds: dict[tuple[str, float | None], set[ClaimKind]] = {}
    for draft in drafts:
        if draft.claim.field == "text":
            kinds.setdefault((draft.claim.metric, draft.claim.value), set()).add(draft.claim.kind)
    for draft in drafts:
        told = kinds.get((draft.claim.metric, draft.claim.value))
        if draft.is_more and draft.claim.field == "title" and told == {ClaimKind.INCREMENT}:
            draft.claim = replace(draft.claim, kind=ClaimKind.INCREMENT)


def _share_metric(drafts: list[Draft]) -> None:
    """A figure that took its metric from the text around it is what the headline calls that number."""
    titles: dict[float | None, set[str]] = {}
    for draft in drafts:
        if draft.claim.field == "title":
            titles.setdefault(draft.claim.value, set()).add(draft.claim.metric)
    for draft in drafts:
        named = titles.get(draft.claim.value, set())
        if draft.is_taken_up and draft.claim.field == "text" and named and draft.claim.metric not in named:
            draft.claim = replace(draft.claim, metric=min(named))


def _pass_group(drafts: list[Draft]) -> None:
    """ "44 Pakistanis are confirmed dead and 38 are missing": a number without a noun counts those named before it.

    So does the earlier count of a group, told right after: "131 Iranians died, he said. He had announced 95."
    """
    named: Draft | None = None
    for draft in drafts:
        claim = draft.claim
        if claim.population is not None:
            named = draft if _names_group(draft) else None
        elif named is None or not draft.is_bare or claim.field != named.claim.field:
            named = None
        elif _is_beside(draft, named) or _is_earlier_of(draft, named):
            draft.claim = replace(claim, population=named.claim.population)


def _names_group(draft: Draft) -> bool:
    """Whether a figure counts several people of a known group, who need not be named again with the next number."""
    claim = draft.claim
    is_group = claim.population is not None and not claim.population.startswith(("other:", _CONDITION))
    is_several = not claim.implicit and (claim.value or 0) > 1
    return is_group and is_several and claim.metric in harms() and claim.status is not ClaimStatus.OTHER_EVENT


def _is_beside(draft: Draft, named: Draft) -> bool:
    is_other = draft.claim.metric in harms() and draft.claim.metric != named.claim.metric
    return is_other and draft.sentence == named.sentence and not named.is_subset


def _is_earlier_of(draft: Draft, named: Draft) -> bool:
    claim, of = draft.claim, named.claim
    is_lower = claim.metric == of.metric and (claim.value or 0) < (of.value or 0)
    is_near = draft.sentence - named.sentence <= _RECALL
    return is_lower and is_near and claim.status is ClaimStatus.PREVIOUS and not is_of_others(claim, of)


def _share_population(drafts: list[Draft]) -> None:
    """A headline's "12 killed" takes the scope of the body's "twelve officers were killed" if nobody else has 12."""
    scopes: dict[tuple[str, float | None], set[str | None]] = {}
    for draft in drafts:
        if draft.claim.field == "text":
            scopes.setdefault((draft.claim.metric, draft.claim.value), set()).add(draft.claim.population)
    for draft in drafts:
        claim = draft.claim
        known = scopes.get((claim.metric, claim.value), set())
        if claim.field == "title" and claim.population is None and len(known) == 1 and None not in known:
            population = next(iter(known))
            is_state = population is not None and population.startswith(_CONDITION)
            if is_state or (population == PART and _is_top(drafts, claim)):
                # "Nine hurt", and all of them lightly; "two dead", of those whom a hospital received.
                continue
            # "One dead" is everyone, a man or a woman.
            if (_is_all(population) or claim.value == 1) and not _is_outgrown(drafts, claim):
                _widen(drafts, claim)
            else:
                draft.claim = replace(claim, population=population)
    _take_headline_population(drafts)


def _is_top(drafts: list[Draft], title: Claim) -> bool:
    """Whether the text gives no larger figure of what a headline counts."""
    return all(
        (draft.claim.value or 0.0) <= (title.value or 0.0) for draft in drafts if draft.claim.metric == title.metric
    )


def _is_all(population: str | None) -> bool:
    """Whether a population is only a noun for those who were there: "15 pilgrims died" under "15 dead"."""
    return population is not None and population.startswith("other:") and population != PART


def _is_outgrown(drafts: list[Draft], title: Claim) -> bool:
    """Whether the body counts clearly more: "48 bodies found", "the bodies of 48 pupils", and 159 dead in all."""
    return any(
        draft.claim.metric == title.metric
        and draft.claim.field == "text"
        and is_count(draft.claim)
        and (title.value or 0) < (draft.claim.value or 0) * _CLEAR_PART
        for draft in drafts
    )


def _widen(drafts: list[Draft], title: Claim) -> None:
    """The body's figure, told of "pilgrims", is the whole that the headline gives without a noun."""
    for draft in drafts:
        if (draft.claim.metric, draft.claim.value) == (title.metric, title.value) and not draft.is_subset:
            draft.claim = replace(draft.claim, population=None)


def _take_headline_population(drafts: list[Draft]) -> None:
    """A body's bare "18 dead" is of those the headline counts ("police death toll at 18") if it has no other 18."""
    titles: dict[tuple[str, float | None], set[str | None]] = {}
    for draft in drafts:
        if draft.claim.field == "title":
            titles.setdefault((draft.claim.metric, draft.claim.value), set()).add(draft.claim.population)
    for draft in drafts:
        claim = draft.claim
        named = titles.get((claim.metric, claim.value), {None})
        if claim.field == "text" and claim.population is None and claim.population_text is None and None not in named:
            draft.claim = replace(claim, population=min(one for one in named if one is not None))


def _widen_largest(drafts: list[Draft]) -> None:
    """The largest count of the dead is of everyone if it is told of those who happened to be there: "50 worshippers".

    Not where others are counted beside them: "12 passengers and the two pilots died".
    """
    counts = [draft for draft in drafts if draft.claim.metric == "killed" and _is_standing_count(draft)]
    top = max((draft.claim.value or 0.0 for draft in counts), default=0.0)
    largest = [draft for draft in counts if draft.claim.value == top]
    beside = _by_sentence(counts)
    if any(not draft.is_level and _has_others_beside(draft, beside) for draft in largest):
        return
    present = {draft.claim.population for draft in largest if draft.is_present and _is_all(draft.claim.population)}
    for draft in counts:
        is_near = (draft.claim.value or 0.0) >= top * _CLEAR_PART
        if draft.claim.population in present and is_near and not draft.is_subset:
            draft.claim = replace(draft.claim, population=None)


def _has_others_beside(draft: Draft, beside: dict[tuple[str, int], list[Draft]]) -> bool:
    """Whether the sentence counts others beside these, who are no part of them."""
    return draft.is_subset or any(
        other.claim.value != draft.claim.value and not other.is_subset
        for other in beside[draft.claim.field, draft.sentence]
    )


def _by_sentence(drafts: list[Draft]) -> dict[tuple[str, int], list[Draft]]:
    """The drafts by field and sentence, so that a long text is not gone through for each of its figures."""
    sentences: dict[tuple[str, int], list[Draft]] = {}
    for draft in drafts:
        sentences.setdefault((draft.claim.field, draft.sentence), []).append(draft)
    return sentences


def _limit_places(drafts: list[Draft], title: str, gazetteer: Gazetteer) -> None:
    """With a gazetteer a known place decides, and "the region" that it does not know limits.

    Without one, a place limits a figure only if the text also gives a larger one of the same metric elsewhere or for
    the whole, or if the figure is told as a part; so does "the region" under a headline.
    """
    title_slug = f"-{place_slug(title)}-"
    is_strict = gazetteer.has_places or not title
    # "Nine died in the state" under the headline "Nine dead": the state is where it all was.
    told = {
        (draft.claim.metric, draft.claim.value)
        for draft in drafts
        if draft.claim.field == "title" and draft.mention is None and draft.claim.population is None
    }
    wider = _wider(drafts, told)
    largest = _largest([draft for draft in drafts if id(draft) not in wider] if wider else drafts)
    beside = _by_sentence(drafts)
    for draft in drafts:
        if draft.mention is None:
            continue
        claim = draft.claim
        key, is_whole = gazetteer.resolve(draft.mention)
        if id(draft) in wider:
            limits = True
        elif draft.mention.is_wide and draft.mention.is_generic and not draft.mention.is_alone:
            limits = draft.is_subset or _has_larger(claim, largest, draft.mention, is_close=False)
        elif draft.mention.is_house:
            limits = (claim.metric, claim.value) not in told
        elif gazetteer.has_places and gazetteer.knows(draft.mention):
            limits = not is_whole
        elif draft.mention.is_generic and key == UNRESOLVED and (claim.metric, claim.value) in told:
            limits = draft.is_subset
        elif draft.mention.is_alone or _is_apart(draft.mention, key, is_strict=is_strict):
            limits = True
        else:
            is_headline = f"-{key}-" in title_slug
            is_told = (claim.metric, claim.value) in told
            limits = draft.is_subset or (
                not is_told
                and (
                    (not is_headline and _has_larger(claim, largest, draft.mention, is_close=_is_exactly_there(draft)))
                    or _has_sibling(draft, beside, title_slug, is_headline)
                )
            )
        if limits:
            # Where the place says which part it is, nothing need be said of whom.
            is_part = claim.population == PART and draft.is_placed
            population = None if is_part else claim.population
            draft.claim = replace(claim, place=key, place_text=draft.mention.text, population=population)


def _wider(drafts: list[Draft], told: set[tuple[str, float | None]]) -> set[int]:
    """Counts of several places that reach beyond the story: "64 are dead here. In five states 88 were killed".

    Never what headline or lead tell. The story's own count is smaller, and not by so much that it is of a part.
    """
    wide = [
        draft
        for draft in drafts
        if draft.mention is not None
        and draft.mention.is_wide
        and not draft.mention.is_alone
        and draft.claim.metric == "killed"
        and not is_first_told(draft)
        and (draft.claim.metric, draft.claim.value) not in told
    ]
    if not wide:
        return set()
    own = [
        draft.claim
        for draft in drafts
        if draft.claim.metric == "killed"
        and _is_standing_count(draft)
        and draft.claim.population is None
        and not draft.is_subset
        and not (draft.mention is not None and draft.mention.is_wide)
    ][:_MOST_TOLD]
    return {
        id(draft)
        for draft in wide
        if any(
            _OTHERS_COUNT <= (one.value or 0.0) / max(draft.claim.value or 0.0, 1.0) < _NEAR_COUNT
            and not is_of_others(one, draft.claim)
            for one in own
        )
    }


def _largest(drafts: list[Draft]) -> dict[str, list[tuple[float, str]]]:
    """By metric, the largest current figure of everyone and the largest of another place, with the places' slugs."""
    best: dict[str, list[tuple[float, str]]] = {}
    for draft in drafts:
        claim = draft.claim
        if claim.population is None and claim.status is ClaimStatus.CURRENT and claim.value is not None:
            slug = place_slug(draft.mention.text) if draft.mention else ""
            known = dict((place, value) for value, place in best.get(claim.metric, []))
            known[slug] = max(known.get(slug, 0.0), claim.value)
            best[claim.metric] = sorted(((value, place) for place, value in known.items()), reverse=True)[:2]
    return best


def _has_larger(claim: Claim, largest: dict[str, list[tuple[float, str]]], mention: Mention, *, is_close: bool) -> bool:
    """Whether the text gives clearly more for elsewhere or for all; `is_close`: or but a little more."""
    slug = place_slug(mention.text)
    share = 1.0 if is_close else _PART
    return any(place != slug and value * share > (claim.value or 0) for value, place in largest.get(claim.metric, []))


def _is_apart(mention: Mention, key: str | None, *, is_strict: bool) -> bool:
    """Whether a place without a name that is known, "the region" or "a village", limits without a look at others."""
    if key == UNRESOLVED:
        return is_strict or not mention.is_loose
    return mention.is_generic


def _is_exactly_there(draft: Draft) -> bool:
    """ "86 people were killed on Utoeya", beside 93 in all: an exact count of what happened there, and no level."""
    is_firm = draft.claim.qualifier is Qualifier.EXACT and draft.claim.status is ClaimStatus.CURRENT
    return draft.is_there and not draft.is_level and is_firm


def _has_sibling(draft: Draft, beside: dict[tuple[str, int], list[Draft]], title_slug: str, is_headline: bool) -> bool:
    """Whether the text gives another place its own figure beside this one: "3,419 died in Turkey and 1,602 in Syria".

    A place of the headline is such a part only beside another place of the headline, others only in one sentence.
    """
    return any(
        other.claim.metric == draft.claim.metric
        and other.claim.status is ClaimStatus.CURRENT
        and other.claim.value != draft.claim.value
        and other.claim.kind is ClaimKind.LEVEL
        and (other.is_placed or not other.is_subset)
        and other.mention is not None
        and not (other.mention.is_generic or other.mention.is_source)
        and (slug := place_slug(other.mention.text)) != place_slug(draft.mention.text if draft.mention else "")
        and (not is_headline or f"-{slug}-" in title_slug)
        for number in range(draft.sentence - is_headline, draft.sentence + is_headline + 1)
        for other in beside.get((draft.claim.field, number), ())
    )


def _mark_addends(drafts: list[Draft], largest: dict[str, Claim]) -> None:
    """Figures that one sentence gives side by side and that add up to the text's toll are its parts.

    "234 were killed that night and seven died later in hospital", where 241 died.
    """
    for beside in _by_sentence(drafts).values():
        for metric in {draft.claim.metric for draft in beside}:
            addends = [
                draft
                for draft in beside
                if draft.claim.metric == metric
                and draft.claim.status is ClaimStatus.CURRENT
                and (draft.claim.kind is ClaimKind.LEVEL or draft.is_more)
                and draft.claim.place is None
                and not draft.is_of_them
                and draft.claim.value
            ]
            total = sum({draft.claim.value or 0.0 for draft in addends})
            if len(addends) > 1 and total == size_of(largest, metric):
                for draft in addends:
                    if draft.claim.population is None and draft.claim.kind is ClaimKind.LEVEL:
                        draft.claim = replace(draft.claim, population=PART)


def _mark_summed(drafts: list[Draft]) -> None:
    """ "246 were killed by the rebels. With 24 plotters who died, that makes 270": of 270 the 246 are a part."""
    for place, draft in enumerate(drafts):
        if not draft.is_sum or draft.claim.value is None:
            continue
        before = [
            other
            for other in drafts[max(0, place - _SUMMED) : place]
            if other.claim.metric == draft.claim.metric and other.claim.field == draft.claim.field
        ]
        values = {other.claim.value for other in before}
        for other in before:
            if other.claim.population is None and draft.claim.value - (other.claim.value or 0.0) in values:
                other.claim = replace(other.claim, population=PART)


def _mark_parts(drafts: list[Draft], anchors: dict[str, Claim], largest: dict[str, Claim]) -> None:
    """A text says one thing per record: a figure clearly below its own toll is of some of them, or of others."""
    # The headline's figure is told by whoever tells it in the text.
    tellers = {
        (draft.claim.metric, draft.claim.value): draft.claim.origin for draft in drafts if draft.claim.field == "text"
    }
    # One voice gives one count at a time: "15 who died at the airport and 13 in the metro" are parts of another's.
    counts: dict[tuple[str | None, int], set[float | None]] = {}
    repeated = Counter(draft.claim.value for draft in drafts if draft.claim.metric == "killed")
    for draft in drafts:
        if is_current_whole(draft.claim) and draft.claim.metric == "killed" and not draft.is_level:
            counts.setdefault((draft.claim.origin, draft.sentence), set()).add(draft.claim.value)
    for draft in drafts:
        claim = draft.claim
        if not is_current_whole(claim) or claim.value is None or claim.metric != "killed":
            continue
        share = 0.5 if claim.qualifier in (Qualifier.AT_LEAST, Qualifier.MORE_THAN) else _CLEAR_PART
        teller = claim.origin or tellers.get((claim.metric, claim.value))
        is_own = repeated[claim.value] > 1 or len(counts.get((claim.origin, draft.sentence), ())) < _FEW_COUNTS
        if draft.is_level or draft.is_count or (is_own and is_told_by_others(teller, anchors.get(claim.metric))):
            share = _OTHERS_COUNT
        top = claim.high if claim.qualifier is Qualifier.VAGUE and claim.high is not None else claim.value
        if top < size_of(anchors if tells_level(draft) else largest, claim.metric) * share:
            draft.claim = replace(claim, population=PART)


def _set_sums_apart(drafts: list[Draft]) -> None:
    """ "Since January 441 people have drowned on this route": what is told besides the event of headline and lead.

    Where those give no figure, or this very figure, it is the event's own.
    """
    told = [draft.claim for draft in drafts if is_first_told(draft) and draft.claim.metric in harms()]
    values = {(claim.metric, claim.value) for claim in told}
    for draft in drafts:
        claim = draft.claim
        is_new = claim.metric in harms() and (claim.metric, claim.value) not in values
        is_beside = draft.is_besides and not draft.is_level and not is_first_told(draft)
        if told and is_beside and is_new and claim.status is ClaimStatus.CURRENT:
            draft.claim = replace(claim, status=ClaimStatus.OTHER_EVENT)


def _mark_missing_parts(drafts: list[Draft]) -> None:
    """Who is missing of some: "99 are missing … 52 of a camp are still unaccounted for", told later and of fewer."""
    top: Draft | None = None
    doubted = {
        draft.claim.value
        for draft in drafts
        if draft.claim.metric == "missing" and draft.claim.status in (ClaimStatus.UNCONFIRMED, ClaimStatus.DENIED)
    }
    for draft in drafts:
        claim = draft.claim
        if claim.metric != "missing" or not is_count(claim) or claim.value in doubted:
            continue
        value, most = claim.value or 0.0, 0.0 if top is None else top.claim.value or 0.0
        is_first = tells_level(draft)
        if top is None or (value > most and is_first):
            top = draft
        elif not is_first and draft.sentence > top.sentence and value < most * _CLEAR_PART:
            draft.claim = replace(claim, population=PART)


def _follow_headline(drafts: list[Draft]) -> None:
    """What the headline counts is the event itself, however long ago: "1,400 may have died last year"."""
    headline = told_in_headline(drafts, (ClaimStatus.CURRENT, ClaimStatus.UNCONFIRMED))
    for draft in drafts:
        status = headline.get((draft.claim.metric, draft.claim.value))
        if draft.claim.status is ClaimStatus.OTHER_EVENT and status is not None:
            draft.claim = replace(draft.claim, status=status)


def _set_other_events_apart(drafts: list[Draft]) -> None:
    """What is told of another event is never of this story's whole."""
    for draft in drafts:
        claim = draft.claim
        if claim.status is ClaimStatus.OTHER_EVENT and claim.population is None and claim.place is None:
            draft.claim = replace(claim, place=UNRESOLVED)
