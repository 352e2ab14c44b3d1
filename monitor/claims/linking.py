"""Sentences to links: which quantity is a figure of which metric, by which rule."""

from collections.abc import Callable, Sequence, Set

from monitor.claims.grammar import CompiledRule, Rule, Symbol
from monitor.claims.lexicon import Lexicon
from monitor.claims.nouns import NounPhrase, read_noun_phrase
from monitor.claims.quantities import Quantity, find_implicit, find_quantities
from monitor.claims.symbols import Symbols, find_symbols
from monitor.claims.tokens import Tokens
from storage.records import Qualifier

# "Under 18" without a noun is an age.
_LAST_AGE = 21
_OLDEST = 100
_NO_SYMBOLS = Symbols([], [], {})
# The metric of words such as "victims": settled by what the text tells of.
VICTIMS = "victims"
# The metric of victims of whom some died.
ALL_HARMED = "casualties"
OF_THEM = ("part-of-them", "them-after", "among-them")
"""Rules whose figure is a part of a group told before."""
REPORTED = "reported-bare"
"""The rule of a number that somebody gives: "the government says 61"."""
THE_REST = "the-rest"
"""The rule of a rest without a word of its own."""
PREDICATE = "part-predicate"
"""The rule of what is said of some of a group: "twelve of the injured are being treated"."""
THAT_MAKES = "that-makes"
"""The rule of a sum of what was told before it."""
NAMED_DEAD = "dead-identified"
"""The rule of the dead who have names: all of them, or a part."""
OF_A_GROUP = (PREDICATE, "part-of-people-state", "part-of-people-adjective")
"""The rules of what is said of some of a group, by its own word."""
ADDS_UP = Rule("adds-up", "", metric="@latest", flags=frozenset(("subset",)))
"""The rule of figures that add up to a count told before."""
_FEWEST_ADDENDS = 2
_LEAST_SUM = 5
_HURT = frozenset(("injured", "hospitalised"))
_GROUPS = frozenset(("toll", "them"))
# How people are until it is told otherwise: a figure of all of whom it is told now, though they are of a group.
_STILL_SO = frozenset(("missing", "hospitalised"))
_PEOPLE = frozenset(("Q", "person", "them", "among_them", "victims", "bodies"))
_COMMA = frozenset(("comma",))
# "101 are in hospital and 62 in intensive care": who lies there lies in hospital.
_JOINS_DETAIL = frozenset(("comma", "and", "colon", "dash"))
_WITHOUT_VERB = ("post-adjective", "post-participle")
_OPENS_DETAIL = frozenset(("including", "among", "among_them", "with"))
# What a frame such as "of the 325 pupils on the trip" does not hold, and how many words it has at most.
_VERBS = frozenset(("say", "put", "be", "have", "active", "past", "intransitive", "semi", "comma", "level"))
_LONGEST_FRAME = 9
_POSSESSOR_REACH = 5
_OF_THESE = (*OF_THEM, "part-of-these")
_BY_MANNER = "by-manner"
_BRACKETS = ("bracket-parts", "bracket-names")
_INCLUDING = "including"
_AMONG_THE_DEAD = "among-the-dead"
_PEOPLE_OF_VICTIMS = "people-of-victims"
_TOLD_BEHIND = (_AMONG_THE_DEAD, "them-after", "make-up-the-toll")


class Link:
    """A quantity tied to a metric. `trigger` is the token span of the word that did it."""

    __slots__ = ("is_subset", "metric", "old", "parent", "quantity", "rule", "trigger")

    def __init__(
        self,
        quantity: int,
        metric: str,
        rule: Rule,
        trigger: tuple[int, int],
        old: int | None = None,
        is_subset: bool = False,
        parent: int | None = None,
    ) -> None:
        self.quantity = quantity
        self.metric = metric
        self.rule = rule
        self.trigger = trigger
        self.old = old
        self.is_subset = is_subset
        self.parent = parent


class Reading:
    """A sentence as read: tokens, quantities with their nouns, symbols and links."""

    __slots__ = ("links", "phrases", "quantities", "symbols", "tokens")

    def __init__(self, tokens: Tokens, quantities: list[Quantity], phrases: list[NounPhrase]) -> None:
        self.tokens = tokens
        self.quantities = quantities
        self.phrases = phrases
        self.links: dict[int, Link] = {}
        self.symbols = _NO_SYMBOLS


def read_sentence(
    tokens: Tokens, lexicon: Lexicon, convention: str, *, implicit: bool = False, whole: bool = False
) -> Reading:
    """Quantities, nouns and symbols of one sentence, not yet linked.

    `implicit`: single persons, not numbers. `whole`: symbols also where no number counts anyone, for `explain`.
    """
    quantities, phrases = read_quantities(tokens, lexicon, convention, implicit=implicit)
    reading = Reading(tokens, quantities, phrases)
    if whole or any(quantity.reason is None for quantity in quantities):
        reading.symbols = find_symbols(tokens, quantities, phrases, lexicon)
    return reading


def read_quantities(
    tokens: Tokens, lexicon: Lexicon, convention: str, *, implicit: bool = False
) -> tuple[list[Quantity], list[NounPhrase]]:
    """The quantities of a sentence, each with its noun phrase."""
    quantities = find_implicit(tokens, lexicon) if implicit else find_quantities(tokens, lexicon, convention)
    phrases = [
        read_noun_phrase(tokens, quantity, lexicon) if quantity.reason is None else NounPhrase("excluded", quantity.end)
        for quantity in quantities
    ]
    for quantity, phrase in zip(quantities, phrases, strict=True):
        if phrase.kind != "bare" or quantity.hedge not in lexicon.age_hedges:
            continue
        before = tokens.lower[quantity.start - 1] if quantity.start else ""
        if quantity.value <= _LAST_AGE or (before in lexicon.age_verbs and quantity.value < _OLDEST):
            quantity.reason = "age"
    return quantities, phrases


def link(
    reading: Reading,
    lexicon: Lexicon,
    context: str | None,
    latest: str | None,
    headline: str | None = None,
    *,
    told: Set[str] = frozenset(),
) -> None:
    """Fills `reading.links`.

    `context` is the metric that the text is about so far, for "the number fell to 66"; `latest` the one told last,
    for "three of them"; `headline` that of the title, for "the figure had been 59, with 157 wounded"; `told` holds
    the metrics that figures were given of before: "nine of the victims" are dead where deaths were told.
    """
    symbols = reading.symbols.text()
    inherited: list[tuple[Rule, int, tuple[int, int], int | None]] = []
    victims: list[tuple[Rule, int, tuple[int, int]]] = []
    for compiled in lexicon.grammar.rules_for(reading.symbols.symbols):
        rule = compiled.rule
        for figure, trigger, old in _matches(compiled, symbols):
            quantity = reading.symbols.figures[figure]
            is_early = "told" in rule.flags and context is None and not reading.links
            if quantity in reading.links or is_early:
                continue
            span = _span(reading, trigger, figure)
            if rule.metric is not None and rule.metric.startswith("@"):
                inherited.append((rule, quantity, span, old))
                continue
            metric = _metric_by(rule, reading, quantity, (trigger, figure), lexicon)
            if metric == VICTIMS:
                victims.append((rule, quantity, span))
                continue
            is_told = (context is not None and "bare" in rule.flags) or "told" in rule.flags or rule.id == PREDICATE
            if metric is None or not _fits(metric, reading, quantity, trigger, lexicon, is_told=is_told):
                continue
            if _is_of_things(reading, metric, (trigger, figure), context) or _is_group_of(
                reading, quantity, span, lexicon
            ):
                continue
            is_manner = metric == "injured" and _tells_manner(reading, quantity, trigger, told, lexicon)
            is_all = _is_everyone(reading, rule, quantity, lexicon) or (
                reading.quantities[quantity].value > 1 and _is_all_still_so(reading, rule, metric, (trigger, figure))
            )
            reading.links[quantity] = Link(
                quantity,
                "killed" if is_manner else metric,
                rule,
                span,
                reading.symbols.figures[old] if old is not None else None,
                is_manner or ("subset" in rule.flags and not is_all),
            )
    for rule, quantity, span in victims:
        metric = _victims(reading, is_deadly="killed" in told or context == "killed")
        if "some-dead" in rule.flags:
            following = reading.links.get(_next_quantity(reading, quantity))
            metric = ALL_HARMED if following is not None and following.metric == "killed" else None
        if metric is not None and quantity not in reading.links:
            is_subset = "subset" in rule.flags and not _is_of_the_victims(reading, rule, quantity, lexicon)
            reading.links[quantity] = Link(quantity, metric, rule, span, is_subset=is_subset)
    if context in {found.metric for found in reading.links.values()}:
        # What the sentence names by its own word, "the figure" beside it is not.
        context = headline or context
    _inherit(reading, inherited, context, latest, lexicon)
    _take_sums_behind(reading)
    _mark_groups(reading, latest)
    _drop_old_links(reading)


def _take_sums_behind(reading: Reading) -> None:
    """What a colon opens and what adds up to the dead before it are parts: "86 died: 62 there and 24 in hospital"."""
    colon = next((place for place, symbol in enumerate(reading.symbols.symbols) if "colon" in symbol.classes), None)
    if colon is None:
        return
    figures = reading.symbols.figures
    before = next((figures[place] for place in reversed(range(colon)) if place in figures), None)
    parts = [number for place, number in figures.items() if place > colon and reading.quantities[number].reason is None]
    if before is None or before not in reading.links or len(parts) < _FEWEST_ADDENDS:
        return
    is_sum = reading.quantities[before].value == sum(reading.quantities[number].value for number in parts)
    if is_sum and reading.links[before].metric == "killed":
        for number in parts:
            if number in reading.links:
                reading.links[number].metric = "killed"
                reading.links[number].is_subset = True


def link_addends(reading: Reading, wholes: Callable[[], Sequence[tuple[str, float]]]) -> None:
    """Links figures that no word tells of and that add up to a count told before: "91 women and 49 men" of 140 dead.

    `wholes` gives those counts; few sentences have figures left for which it is asked.
    """
    # A number within the words of another, as in "hundreds of twelve women", stands at no place of its own.
    left = [
        number
        for number in reading.symbols.figures.values()
        if reading.quantities[number].reason is None
        and number not in reading.links
        and reading.phrases[number].kind != "thing"
    ]
    total = sum(reading.quantities[number].value for number in left)
    if len(left) < _FEWEST_ADDENDS or total < _LEAST_SUM:
        return
    metric = next((name for name, value in wholes() if value == total), None)
    if metric is None:
        return
    for number in left:
        span = reading.quantities[number].start, reading.quantities[number].end
        reading.links[number] = Link(number, metric, ADDS_UP, span, is_subset=True)


def _mark_groups(reading: Reading, latest: str | None) -> None:
    """Marks as parts the figures of a group: "28 of them hospitalised", "of the victims, 85 were killed there"."""
    symbols = reading.symbols.symbols
    group: int | None = None
    for figure, quantity in reading.symbols.figures.items():
        found = reading.links.get(quantity)
        if found is None:
            # "Of these, 144 were located and 124 confirmed dead"
            group = figure if _is_of_them_before(reading, figure) else group
            continue
        if group is not None and reading.phrases[quantity].kind == "bare" and not _is_cut(reading, group, figure):
            # "Of the 325 pupils, 71 are dead, 75 were saved and 179 are missing"
            found.is_subset = True
        if found.is_subset:
            continue
        if _is_detail(reading, quantity, figure):
            # "Fourteen are in hospital, four in intensive care"
            found.is_subset = True
            continue
        is_of_them = figure + 1 < len(symbols) and "among_them" in symbols[figure + 1].classes
        if is_of_them and found.metric in _STILL_SO and not _is_told_before(reading, quantity, latest):
            # "47 are dead. Seven of them are still missing": they are all who are missing.
            is_of_them = False
        is_told_behind = is_of_them and found.trigger[0] >= reading.symbols.places[figure + 1][1]
        is_of_group = _is_of_them_before(reading, figure) or (
            # Who is in hospital is of the hurt, and yet all who are.
            found.metric != "hospitalised" and _is_of_group_before(reading, figure)
        )
        group = figure if is_of_group else group
        found.is_subset = is_told_behind or is_of_group or _is_of_whom(reading, figure, found)


def _is_group_of(reading: Reading, quantity: int, span: tuple[int, int], lexicon: Lexicon) -> bool:
    """Whether a word tells of some of these, and not of them: "six of the ship's 462 passengers had died"."""
    part = reading.links.get(quantity - 1)
    if part is None or part.trigger != span or part.trigger[0] < reading.quantities[quantity].end:
        return False
    lower = reading.tokens.lower
    between = range(reading.quantities[quantity - 1].end, reading.quantities[quantity].number_start)
    return 0 < len(between) <= _POSSESSOR_REACH and "of" in lexicon.classes_at(lower, between[0])


def _is_told_before(reading: Reading, quantity: int, latest: str | None) -> bool:
    """Whether the figure told last before this one is of the same metric."""
    before = [number for number in reading.links if number < quantity]
    metric = reading.links[max(before)].metric if before else latest
    found = reading.links[quantity]
    return metric == found.metric or _is_grave(reading, found.trigger[0])


def _is_grave(reading: Reading, position: int) -> bool:
    """Whether a word tells of some of those in hospital alone: "in intensive care"."""
    places = zip(reading.symbols.symbols, reading.symbols.places, strict=True)
    return any("intensive" in symbol.classes for symbol, place in places if place[0] == position)


def _tells_people(group: Sequence[Symbol]) -> bool:
    """Whether the words of a group say that people are meant: not in "six of the paintings are missing"."""
    return any(symbol.metrics or not symbol.classes.isdisjoint(_PEOPLE) for symbol in group)


def _is_of_things(reading: Reading, metric: str, span: tuple[int, int], context: str | None) -> bool:
    """Whether nothing says that people are missing: "six of the paintings are still missing"."""
    group = reading.symbols.symbols[span[1] + 1 : span[0]]
    is_loose = metric == "missing" and context is None and bool(group) and "of" in group[0].classes
    is_loose = is_loose and len(group) > 1 and "det" in group[1].classes
    return is_loose and not any("name" in symbol.classes for symbol in group) and not _tells_people(group)


def _is_all_still_so(reading: Reading, rule: Rule, metric: str, span: tuple[int, int]) -> bool:
    """Whether a part of a group is all that is told of: "twelve of the injured are still in hospital".

    Not where the group is of the same, nor of one kind of people: "three of the children are missing".
    """
    if metric not in _STILL_SO or rule.id not in OF_A_GROUP:
        return False
    figure = span[1]
    if span[0] <= figure or "intensive" in reading.symbols.symbols[span[0]].classes:
        return False
    group = reading.symbols.symbols[figure + 1 : span[0]]
    if not _tells_people(group):
        return False
    is_counted = any("Q" in symbol.classes for symbol in group)
    is_of_kind = not is_counted and any("person" in symbol.classes for symbol in group)
    return not is_of_kind and not any(name == metric for symbol in group for _, name in symbol.metrics)


def _is_detail(reading: Reading, quantity: int, figure: int) -> bool:
    """Whether a smaller figure of the same stands right behind: «14 sont hospitalisés, dont 4 en réanimation»."""
    found, before = reading.links[quantity], reading.links.get(quantity - 1)
    if before is None or found.rule.id not in _WITHOUT_VERB:
        return False
    is_of_hurt = (before.metric, found.metric) == ("hospitalised", "injured") and found.rule.id == _WITHOUT_VERB[0]
    is_of_dead = before.rule.id == NAMED_DEAD and found.metric == "killed"
    if before.metric != found.metric and not is_of_hurt and not is_of_dead:
        return False
    if "level" in before.rule.flags or (before.parent is not None and not before.is_subset):
        return False
    if before.rule.metric is not None and not is_of_dead:
        return False
    if reading.quantities[quantity].value >= reading.quantities[quantity - 1].value:
        return False
    end = max(before.trigger[1], reading.phrases[quantity - 1].end)
    places, symbols = reading.symbols.places, reading.symbols.symbols
    between = [symbols[index].classes for index in range(figure) if places[index][0] >= end]
    # "129 remain admitted: 76 in serious condition and 53 under observation"
    joints = _JOINS_DETAIL if "hospitalised" in (before.metric, found.metric) else _COMMA
    is_beside = bool(between) and not between[0].isdisjoint(joints)
    is_beside = is_beside and found.trigger[0] >= reading.quantities[quantity].end
    return is_beside and all(not classes.isdisjoint(_OPENS_DETAIL) for classes in between[1:])


def _is_of_them_before(reading: Reading, figure: int) -> bool:
    """Whether "of them" opens a figure's clause: «de ellos, 73 murieron en el lugar»."""
    symbols = reading.symbols.symbols
    if figure < 2 or "comma" not in symbols[figure - 1].classes or "among_them" not in symbols[figure - 2].classes:
        return False
    return figure == 2 or not symbols[figure - 3].classes.isdisjoint(("comma", "semi", "colon", "and"))


def _is_of_whom(reading: Reading, figure: int, found: Link) -> bool:
    """Whether a figure is of those told right before, of whom the same is told: "58 died, of whom 31 died at once"."""
    symbols = reading.symbols.symbols
    if figure == 0 or "among_them" not in symbols[figure - 1].classes:
        return False
    before = reading.links.get(found.quantity - 1)
    return before is not None and before.metric == found.metric


def _is_cut(reading: Reading, first: int, last: int) -> bool:
    """Whether a clause of its own, or somebody who speaks, stands between two figures."""
    between = [symbol.classes for symbol in reading.symbols.symbols[first:last]]
    return any(
        not classes.isdisjoint(("semi", "colon", "dash")) or ("say" in classes and "hedge" not in classes)
        for classes in between
    )


def _is_of_group_before(reading: Reading, figure: int) -> bool:
    """Whether a figure is of a group that opens the clause: "of the victims, 85 were killed on the island"."""
    symbols = reading.symbols.symbols
    index = figure - 1
    if index < 1 or "comma" not in symbols[index].classes:
        return False
    if symbols[index - 1].classes.isdisjoint(_GROUPS):
        is_bare = reading.phrases[reading.symbols.figures[figure]].kind == "bare"
        return is_bare and _is_of_count_before(reading, index)
    index -= 2
    while index > 0 and not symbols[index].classes.isdisjoint(("det", "focus")):
        index -= 1
    is_opening = index == 0 or not symbols[index - 1].classes.isdisjoint(("comma", "semi", "colon", "and"))
    return index >= 0 and "of" in symbols[index].classes and is_opening


def _is_of_count_before(reading: Reading, comma: int) -> bool:
    """Whether "of" and a count of people open the sentence up to a comma: "of the 325 pupils on the trip, 71 died".

    Not of all there were: "of 476 aboard, 174 were rescued" is told of everybody.
    """
    symbols = reading.symbols.symbols
    if "of" not in symbols[0].classes or comma > _LONGEST_FRAME:
        return False
    frame = symbols[1:comma]
    relative = next((place for place, symbol in enumerate(frame) if "who" in symbol.classes), len(frame))
    if _counts_everyone(reading) or any("on_board" in symbol.classes for symbol in frame[:relative]):
        return False
    return any("Q" in symbol.classes for symbol in frame[:2]) and all(
        symbol.classes.isdisjoint(_VERBS) for symbol in frame[:relative]
    )


def _counts_everyone(reading: Reading) -> bool:
    """Whether the count that opens the sentence is of everyone: "of the 477 people on the ferry, two were dead"."""
    group = next((reading.symbols.figures[place] for place in (1, 2) if place in reading.symbols.figures), None)
    if group is None or reading.quantities[group].qualifier is Qualifier.VAGUE:
        return False
    return reading.phrases[group].is_whole and not reading.phrases[group].axes


def _metric_by(rule: Rule, reading: Reading, quantity: int, span: tuple[int, int], lexicon: Lexicon) -> str | None:
    """The metric that a rule gives to a figure; `span` holds the items of trigger and figure."""
    trigger, figure = span
    if "state-after" in rule.flags:
        return _state_after(reading, trigger, figure)
    if "head" in rule.flags:
        return _head_metric(reading, quantity, lexicon)
    return rule.metric or _metric(reading.symbols.symbols[trigger], rule)


def _matches(compiled: CompiledRule, symbols: str) -> list[tuple[int, int, int | None]]:
    """Item indices (figure, trigger, old) of all matches, overlapping ones too."""
    found: list[tuple[int, int, int | None]] = []
    match = compiled.pattern.search(symbols)
    while match is not None:
        figure, trigger = match.start(compiled.figure), -1
        for number in compiled.triggers:
            trigger = max(trigger, match.start(number))
        old = match.start(compiled.old) if compiled.old is not None else None
        found.append((figure, figure if trigger < 0 else trigger, old))
        match = compiled.pattern.search(symbols, match.start() + 1)
    return found


def _span(reading: Reading, trigger: int, figure: int) -> tuple[int, int]:
    if trigger == figure:
        quantity = reading.quantities[reading.symbols.figures[figure]]
        return quantity.start, quantity.end
    return reading.symbols.places[trigger]


def _state_after(reading: Reading, first: int, last: int) -> str | None:
    """The metric of the state word before the figure: "the number of people who *died* rose to 42"."""
    for symbol in reading.symbols.symbols[first + 1 : last]:
        for form, metric in symbol.metrics:
            if form in ("past", "participle", "adjective", "intransitive"):
                return metric
    return None


def _head_metric(reading: Reading, quantity: int, lexicon: Lexicon) -> str | None:
    """The metric that a person noun names by itself: "23 hostages", "14 survivors"."""
    head = lexicon.words.at(reading.phrases[quantity].head.split(), 0)
    return head[1].metric_of("noun") if head is not None else None


def _victims(reading: Reading, *, is_deadly: bool) -> str | None:
    """Victims are the dead where the text tells of deaths; elsewhere they may be robbed, and are no figure."""
    told = {found.metric for found in reading.links.values()}
    return "killed" if is_deadly or "killed" in told else None


def _metric(symbol: Symbol, rule: Rule) -> str | None:
    order: tuple[str, ...] = _FORM_ORDER
    if "trigger-left" in rule.flags and "level" in rule.flags:
        order = ("toll", "noun", "adjective", "past", "participle", "intransitive")
    for form in order:
        for name, metric in symbol.metrics:
            if name == form:
                return metric
    return None


_FORM_ORDER = ("adjective", "participle", "past", "active", "intransitive", "noun", "toll")


def _fits(metric: str, reading: Reading, quantity: int, trigger: int, lexicon: Lexicon, *, is_told: bool) -> bool:
    """Whether a metric may carry this quantity: homes are no people, weak words need a noun, some need a context.

    `is_told`: the text has told of casualties before, so that a bare number may be of them.
    """
    phrase = reading.phrases[quantity]
    is_thing_metric = metric == "homes_damaged"
    if is_thing_metric != (phrase.kind == "thing"):
        return False
    if is_thing_metric:
        head = lexicon.words.at([phrase.lemma], 0)
        return head is not None and "thing_" + metric in head[1].classes
    start, end = reading.symbols.places[trigger]
    words = " ".join(reading.tokens.lower[start:end])
    if words in lexicon.weak and (
        (phrase.kind == "bare" and not is_told and not _is_collective(reading, quantity, lexicon))
        or phrase.head in lexicon.wanted.get(metric, ())
    ):
        return False
    context = lexicon.contexts.get(metric)
    if context is not None and metric != "troops":
        sentence = " ".join(reading.tokens.lower)
        return any(word in sentence for word in context)
    return True


def _tells_manner(reading: Reading, quantity: int, trigger: int, told: Set[str], lexicon: Lexicon) -> bool:
    """Whether a bare number tells how some of the dead were killed: "Five died. Four were shot in the west".

    Only where the text has told of nobody hurt, and the sentence of no wounds.
    """
    start, end = reading.symbols.places[trigger]
    is_weak = " ".join(reading.tokens.lower[start:end]) in lexicon.weak
    if not is_weak or reading.phrases[quantity].kind != "bare" or "killed" not in told or not told.isdisjoint(_HURT):
        return False
    metrics = {metric for symbol in reading.symbols.symbols for _, metric in symbol.metrics}
    hurt = [symbol for symbol in reading.symbols.symbols if any(metric in _HURT for _, metric in symbol.metrics)]
    return len(hurt) == 1 and "hospitalised" not in metrics


def _is_collective(reading: Reading, quantity: int, lexicon: Lexicon) -> bool:
    """Whether a number counts people by its form alone: «ищут троих»."""
    return reading.tokens.lower[reading.quantities[quantity].end - 1] in lexicon.collectives


def _inherit(
    reading: Reading,
    inherited: list[tuple[Rule, int, tuple[int, int], int | None]],
    context: str | None,
    latest: str | None,
    lexicon: Lexicon,
) -> None:
    """Figures without a word of their own take the metric of the figure beside them, nearest first."""
    for _ in range(3):
        for rule, quantity, span, old in inherited:
            if quantity in reading.links:
                continue
            parent: int | None = None
            metric: str | None = None
            is_part = False
            if rule.metric == "@right":
                following = reading.links.get(_next_quantity(reading, quantity))
                is_part = following is not None and following.is_subset
                if following is not None and "trigger-left" not in following.rule.flags:
                    # "17 policemen and two engineers were among the dead", but "35, three gunmen not included"
                    is_aside = following.parent is not None and following.parent == _before_bracket(reading, quantity)
                    is_bare = reading.phrases[quantity].kind == "bare"
                    is_told = (following.rule.id in _TOLD_BEHIND and not is_bare) or is_aside
                    metric = following.metric if not is_part or is_told else None
            elif "named" in rule.flags and (named := _noun_before(reading, span[0])) is not None:
                metric = named
            elif rule.metric == "@context":
                beside = [number for number in reading.links if number < quantity]
                told = {reading.links[number].metric for number in beside}
                near = reading.links[max(beside)].metric if beside else context or _noun_before(reading, span[0])
                metric = _metric_right_before(reading, span[0]) or ("killed" if "killed" in told else near)
                if not beside and _noun_before(reading, span[0]) in lexicon.contexts:
                    # "The number of cases stood at 982": of cases, though nothing here tells of which.
                    metric = None
            elif rule.metric == "@latest":
                beside = [number for number in reading.links if number < quantity]
                is_of_others = "named" in rule.flags and not beside and _is_of_unlinked(reading, quantity, None)
                metric = reading.links[max(beside)].metric if beside else None if is_of_others else latest or context
            else:
                parent, metric = _group(reading, rule, quantity, latest)
                is_aside = parent is not None and parent == _before_bracket(reading, quantity)
                is_part = is_aside and "level" not in rule.flags
                is_said = "be" in lexicon.classes_at(reading.tokens.lower, span[1])
                is_loose = rule.id in _OF_THESE and not is_said and _is_anyone(reading.quantities[quantity])
                if parent is None and (is_loose or rule.id == _BY_MANNER):
                    # "One of them, a relative said", "83 cases are confirmed and 28 probable": of whom, nothing tells.
                    continue
            if metric is None:
                continue
            is_subset = (
                "subset" in rule.flags
                or is_part
                or (rule.metric == "@left" and parent is not None and reading.links[parent].is_subset)
            )
            old_quantity = reading.symbols.figures[old] if old is not None else None
            reading.links[quantity] = Link(quantity, metric, rule, span, old_quantity, is_subset, parent)


def _is_anyone(quantity: Quantity) -> bool:
    return quantity.value == 1 or quantity.qualifier is Qualifier.VAGUE


def _metric_right_before(reading: Reading, position: int) -> str | None:
    """The metric of the word that says what a figure is of: "the missing figure is 16", "the injured tally"."""
    places = reading.symbols.places
    symbol = next(
        (one for one, place in zip(reading.symbols.symbols, places, strict=True) if place[1] == position), None
    )
    metrics = () if symbol is None else symbol.metrics
    return next((name for form, name in metrics if form in ("toll", "adjective")), None)


def _noun_before(reading: Reading, position: int) -> str | None:
    """The metric of the noun that a list of places is about: "nearly all fatalities are in Al Haouz (1,684)"."""
    if any(reading.quantities[number].start < position for number in reading.links):
        return None
    metric: str | None = None
    for symbol, place in zip(reading.symbols.symbols, reading.symbols.places, strict=True):
        if place[0] >= position:
            break
        metric = next((name for form, name in symbol.metrics if form in ("toll", "noun")), metric)
    return metric


def _group(reading: Reading, rule: Rule, quantity: int, latest: str | None) -> tuple[int | None, str | None]:
    """The figure that this one is a part of, if it stands in the sentence, and its metric."""
    parent = max((number for number in reading.links if number < quantity), default=None)
    aside = _before_bracket(reading, quantity)
    if rule.id in _BRACKETS or (aside is not None and (parent is None or parent <= aside)):
        return (aside, reading.links[aside].metric) if aside in reading.links else (None, None)
    is_of_them = rule.id in OF_THEM or rule.id == _INCLUDING
    if (parent is None or is_of_them) and _is_of_unlinked(reading, quantity, parent):
        return None, None
    if parent is None and rule.id in OF_THEM and reading.links:
        parent = min(reading.links)
    if parent is not None:
        return parent, reading.links[parent].metric
    return None, latest if "subset" in rule.flags else None


def _before_bracket(reading: Reading, quantity: int) -> int | None:
    """The figure before the bracket that a figure stands in: "106 deaths (51 confirmed, 34 probable)"."""
    symbols = reading.symbols.symbols
    before: int | None = None
    aside: int | None = None
    for place, symbol in enumerate(symbols):
        number = reading.symbols.figures.get(place)
        if number == quantity:
            return aside
        if "open" in symbol.classes:
            aside = before
        elif "close" in symbol.classes:
            aside = None
        before = before if number is None else number
    return None


def _is_of_unlinked(reading: Reading, quantity: int, parent: int | None) -> bool:
    """In "42 pupils, 27 of them girls" they are the 42, of whom no metric was told."""
    before = range(0 if parent is None else parent + 1, quantity)
    return any(reading.quantities[one].reason is None and reading.phrases[one].kind == "person" for one in before)


def _is_everyone(reading: Reading, rule: Rule, quantity: int, lexicon: Lexicon) -> bool:
    """Whether a figure that looks like a part is the whole: "72 people are now counted among the dead"."""
    phrase = reading.phrases[quantity]
    is_counted = rule.id == _AMONG_THE_DEAD and phrase.is_whole and not phrase.axes
    return is_counted or _is_of_everyone(reading, quantity, lexicon)


def _is_of_the_victims(reading: Reading, rule: Rule, quantity: int, lexicon: Lexicon) -> bool:
    """Whether people or names are those of all the victims: "the names of the 49 victims", not "of 40 victims"."""
    first = lexicon.classes_at(reading.tokens.lower, reading.quantities[quantity].start)
    return rule.id == _PEOPLE_OF_VICTIMS and "det" in first


def _is_of_everyone(reading: Reading, quantity: int, lexicon: Lexicon) -> bool:
    """In "241 of the 242 people died" the dead are all the dead: the group is of everyone who was there."""
    group = quantity + 1
    if group >= len(reading.quantities) or reading.phrases[group].axes:
        return False
    if not reading.phrases[group].is_whole and reading.phrases[group].lemma not in lexicon.present:
        return False
    first = max(reading.quantities[quantity].end, reading.phrases[quantity].end)
    between = [
        lexicon.words.at(reading.tokens.lower, index) for index in range(first, reading.quantities[group].number_start)
    ]
    # "Six of the ship's 462 passengers": one word may say whose they are.
    known = [entry for entry in between if entry is not None]
    return (
        bool(between)
        and len(between) - len(known) <= 1
        and all(not entry[1].classes.isdisjoint(("of", "det", "focus")) for entry in known)
        and not any(found.trigger[0] < reading.phrases[group].end for found in (reading.links.get(group),) if found)
    )


def _next_quantity(reading: Reading, quantity: int) -> int:
    return next(
        (
            number
            for number in range(quantity + 1, len(reading.quantities))
            if reading.quantities[number].reason is None and reading.phrases[number].kind != "thing"
        ),
        -1,
    )


def _drop_old_links(reading: Reading) -> None:
    """The old value of "from 385 to 66" gets a link of its own metric, whatever other rules thought of it."""
    for found in list(reading.links.values()):
        if found.old is not None:
            reading.links[found.old] = Link(found.old, found.metric, found.rule, found.trigger, parent=found.quantity)
