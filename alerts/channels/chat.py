"""Bodies for chat services that take webhooks: Slack, Discord, Microsoft Teams, Mattermost. Pure.

Each is written from the message's own payload, so that a chat shows what the mail shows: change, reason, sentence,
source.
"""

import json
from dataclasses import dataclass
from typing import Any

from alerts.addresses import host_of, web_address
from alerts.channels.markup import Escape, cut, discord, fit, mattermost, plain, slack
from alerts.channels.webhook import BodyWriter
from alerts.words import Words, load_words
from storage.records import Message

# Limits of the services' own documentation, with room to spare.
_SLACK_TEXT, _DISCORD_TEXT, _TEAMS_TEXT, _MATTERMOST_TEXT = 2_900, 3_900, 1_000, 15_000
# Discord takes ten embeds of 6,000 characters together, Slack some 13,000 in all blocks, Teams cards of 28 kB.
_MOST_CHANGES, _DISCORD_TOTAL, _SLACK_TOTAL, _TEAMS_BYTES, _MATTERMOST_TOTAL = 10, 5_800, 10_000, 22_000, 12_500
# What is left of that for the lines of changes that are not told in full (characters).
_ROOM_FOR_LINES = 2_000
_DISCORD_CONTENT = 1_900
# Sentences are quoted, not republished; a whole card of Teams may have 28 kB.
_LONGEST_SENTENCE = 420
_MOST_QUOTES = 2
_TONES = {
    "raised": 0xD9822B,
    "first": 0xD9822B,
    "lowered": 0x0B8A8A,
    "retracted": 0xDD4B4B,
    "removed": 0xDD4B4B,
    "correction": 0xDD4B4B,
    "contested": 0xA463C9,
}
_PLAIN = 0x3B7DDD


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quote:
    """A sentence and where it stands, as plain text; without an address nothing is linked."""

    sentence: str
    label: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A change that is not told in full, as plain text, with the address of its page; empty where it has none."""

    text: str
    address: str = ""


def write_slack(message: Message) -> str:
    """Return a body of Block Kit: text as text, not as markup, with a plain line for notifications."""
    payload, changes, words = _read(message)
    blocks: list[dict[str, Any]] = []
    told, room = 0, _SLACK_TOTAL
    for change in changes:
        quotes = _quotes(change)
        title, summary, reason = (
            _story(change),
            cut(plain(change["summary"]), 300),
            cut(plain(change["reason_text"]), 600),
        )
        room -= len(title) + len(summary) + len(reason) + sum(len(one.sentence) + len(one.label) for one in quotes)
        if room < 0 and blocks:
            # A message that is too long is refused whole: the others have a line each.
            break
        told += 1
        head = [_slack_text(f"{title}\n", bold=True), _slack_text(summary, bold=True)]
        head += [_slack_text(f"\n{reason}")] if reason else []
        elements = [{"type": "rich_text_section", "elements": head}]
        elements += [{"type": "rich_text_quote", "elements": _slack_quote(one)} for one in quotes]
        blocks.append({"type": "rich_text", "elements": elements})
        buttons = [
            {"type": "button", "text": {"type": "plain_text", "text": cut(plain(label), 75)}, "url": url}
            for label, url in _links(change, words)
        ]
        blocks += [{"type": "actions", "elements": buttons}] if buttons else []
    body: dict[str, Any] = {"text": cut(slack(message.subject), _SLACK_TEXT), "mrkdwn": False}
    if blocks:
        # With blocks, `text` is for notifications alone.
        heading = [[_slack_text(line, bold=True)] for line in _heading(message, payload, words)]
        lines = [_slack_line(line) for line in _rest(payload, told, words)]
        body["blocks"] = [*_slack_lines(heading), *blocks, *_slack_lines(lines)]
    return _json(body)


def write_discord(message: Message) -> str:
    """Return a body with one embed a change; nobody is pinged, whatever a headline contains."""
    payload, changes, words = _read(message)
    embeds: list[dict[str, Any]] = []
    room = _DISCORD_TOTAL
    for change in changes:
        quotes = [_discord_quote(one) for one in _quotes(change)]
        links = fit([f"[{label}]({url})" for label, url in _links(change, words)], " · ", _DISCORD_TEXT)
        reason = cut(discord(change["reason_text"]), 1_000)
        described = fit([reason, *quotes], "\n\n", _DISCORD_TEXT - len(links) - 2)
        described = "\n\n".join(filter(None, [described, links]))
        title, story = cut(discord(change["summary"]), 250), _story(change)
        room -= len(title) + len(story) + len(described)
        if room < 0 and embeds:
            # More than this is refused whole: the others have a line each.
            break
        embeds.append(
            {
                "title": title,
                "description": described,
                "color": _TONES.get(change["kind"], _PLAIN),
                "author": {"name": story},
                "timestamp": change["recorded_at"],
            }
        )
    head = [cut(discord(message.subject), 1_000), "".join(discord(_note(payload, words)))]
    lines = [_marked(line, discord) for line in _rest(payload, len(embeds), words)]
    content = fit([*head, *lines], "\n", _DISCORD_CONTENT)
    body: dict[str, Any] = {"content": content, "allowed_mentions": {"parse": []}}
    if embeds:
        body["embeds"] = embeds
    return _json(body)


def write_teams(message: Message) -> str:
    """Return an Adaptive Card as Teams' workflows take it; runs of text, which know no Markdown."""
    payload, changes, words = _read(message)
    items = [_teams_block({"text": line, "weight": "Bolder"}) for line in _heading(message, payload, words)]
    told = 0
    for change in changes:
        more = _teams_items(change, words)
        if told and len(_json({"body": [*items, *more]}).encode()) > _TEAMS_BYTES:
            # A card that is too large is refused whole: the others have a line each.
            break
        items += more
        told += 1
    items += [_teams_line(line) for line in _rest(payload, told, words)]
    subject = cut(plain(message.subject), _TEAMS_TEXT)
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": items or [_teams_block({"text": subject})],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return _json({"type": "message", "summary": subject, "attachments": [attachment]})


def write_mattermost(message: Message) -> str:
    """Return a body of Markdown; nobody is mentioned, whatever a headline contains."""
    payload, changes, words = _read(message)
    parts = [f"**{cut(mattermost(message.subject), 1_000)}**", "".join(mattermost(_note(payload, words)))]
    told = 0
    for change in changes:
        links = " · ".join(f"[{label}]({url})" for label, url in _links(change, words))
        reason = cut(mattermost(change["reason_text"]), 2_000)
        quotes = [_mattermost_quote(one) for one in _quotes(change)]
        summary = f"**{cut(mattermost(change['summary']), 1_000)}**"
        # Whole or not at all: a sentence must not stand under another change.
        whole = fit([summary, reason, *quotes, links], "\n\n", _MATTERMOST_TOTAL)
        if told and len("\n\n".join([*parts, whole])) > _MATTERMOST_TOTAL:
            break
        parts.append(whole)
        told += 1
    parts.append("\n".join(_marked(line, mattermost) for line in _rest(payload, told, words)))
    return _json({"text": fit(parts, "\n\n", _MATTERMOST_TEXT)})


WRITERS: dict[str, BodyWriter] = {
    "slack": write_slack,
    "discord": write_discord,
    "teams": write_teams,
    "mattermost": write_mattermost,
}


def _read(message: Message) -> tuple[dict[str, Any], list[dict[str, Any]], Words]:
    """The payload, its changes as far as they may be told in full, and the words for them."""
    payload: dict[str, Any] = json.loads(message.payload)
    return payload, payload["changes"][:_MOST_CHANGES], load_words(payload["lang"])


def _note(payload: dict[str, Any], words: Words) -> str:
    """What a reader must know before all else: that this asks, or repeats."""
    if payload["asks_approval"]:
        return words.say("labels", "question_note")
    return words.say("labels", "repeat_note") if payload["repeat"] else ""


def _heading(message: Message, payload: dict[str, Any], words: Words) -> list[str]:
    """Subject and note, for chats that show no subject of themselves; of one change that is news it says nothing
    more."""
    note = _note(payload, words)
    subject = cut(plain(message.subject), _TEAMS_TEXT) if note or len(payload["changes"]) > 1 else ""
    return [line for line in (subject, note) if line]


def _rest(payload: dict[str, Any], told: int, words: Words) -> list[_Line]:
    """A line for each change that is not told in full, as many as fit, under how many there are; none if all are."""
    left = payload["changes"][told:]
    lines = [_Line(text=words.say("labels", "rest", n=len(left)))] if left else []
    room = _ROOM_FOR_LINES
    for change in left:
        text = f"{_story(change)}: {cut(plain(change['summary']), 200)}"
        line = _Line(text=f"• {text}", address=change["links"].get("page") or "")
        room -= len(line.text) + len(line.address)
        if room < 0:
            return [*lines, _Line(text="…")]
        lines.append(line)
    return lines


def _marked(line: _Line, escape: Escape) -> str:
    """A line in Markdown."""
    text = "".join(escape(line.text))
    return f"[{text}]({line.address})" if line.address else text


def _slack_line(line: _Line) -> list[dict[str, Any]]:
    if line.address:
        return [{"type": "link", "url": line.address, "text": line.text}]
    return [_slack_text(line.text)]


def _slack_lines(lines: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One block of these lines; none for none."""
    sections = [{"type": "rich_text_section", "elements": elements} for elements in lines]
    return [{"type": "rich_text", "elements": sections}] if sections else []


def _teams_line(line: _Line) -> dict[str, Any]:
    opens = {"selectAction": {"type": "Action.OpenUrl", "url": line.address}} if line.address else {}
    return _teams_block({"text": line.text, "underline": bool(opens), **opens})


def _links(change: dict[str, Any], words: Words) -> list[tuple[str, str]]:
    labels = {name: words.say("labels", "open" if name == "page" else name) for name in change["links"]}
    return [(labels[name], url) for name, url in change["links"].items() if url]


def _story(change: dict[str, Any]) -> str:
    return cut(plain(change["story"]["title"]), 200)


def _quotes(change: dict[str, Any]) -> list[_Quote]:
    """The sentences behind a change with where they stand; the same once."""
    found = [
        _Quote(
            sentence=cut(plain(proof["sentence"]), _LONGEST_SENTENCE),
            label=cut(plain(proof["source"] or proof["title"] or host_of(proof["url"])), 120),
            address=web_address(proof["url"]),
        )
        for proof in change["evidence"]
    ]
    return list(dict.fromkeys(found))[:_MOST_QUOTES]


def _slack_text(text: str, *, bold: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"style": {"bold": True}} if bold else {})}


def _slack_quote(quote: _Quote) -> list[dict[str, Any]]:
    elements = [_slack_text(f"{quote.sentence}\n" if quote.label else quote.sentence)] if quote.sentence else []
    if quote.label and quote.address:
        return [*elements, {"type": "link", "url": quote.address, "text": quote.label}]
    return [*elements, *([_slack_text(quote.label)] if quote.label else [])]


def _teams_items(change: dict[str, Any], words: Words) -> list[dict[str, Any]]:
    summary, reason = cut(plain(change["summary"]), 300), cut(plain(change["reason_text"]), 600)
    items = [_teams_block({"text": _story(change), "isSubtle": True})]
    items.append(_teams_block({"text": summary, "weight": "Bolder", "size": "Medium"}))
    items += [_teams_block({"text": reason})] if reason else []
    for one in _quotes(change):
        items += [_teams_block({"text": one.sentence, "italic": True})] if one.sentence else []
        if one.label:
            items.append(_teams_line(_Line(text=one.label, address=one.address)))
    # Beneath each change, not beneath the card: whoever approves must see what.
    actions = [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in _links(change, words)]
    return [*items, *([{"type": "ActionSet", "actions": actions}] if actions else [])]


def _teams_block(run: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", **run}]}


def _discord_quote(quote: _Quote) -> str:
    sentence = "".join(discord(quote.sentence))
    return "\n".join(filter(None, [f"> {sentence}" if sentence else "", _link(quote, discord)]))


def _mattermost_quote(quote: _Quote) -> str:
    lines = ["".join(mattermost(quote.sentence)), _link(quote, mattermost)]
    return "\n".join(f"> {line}" for line in lines if line)


def _link(quote: _Quote, escape: Escape) -> str:
    label = "".join(escape(quote.label))
    return f"[{label}]({quote.address})" if label and quote.address else label


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
