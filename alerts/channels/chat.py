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
_MOST_CHANGES, _DISCORD_TOTAL, _SLACK_TOTAL, _TEAMS_BYTES = 10, 5_800, 12_000, 25_000
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


def write_slack(message: Message) -> str:
    """Return a body of Block Kit: text as text, not as markup, with a plain line for notifications."""
    changes, words = _changes(message)
    blocks: list[dict[str, Any]] = []
    room = _SLACK_TOTAL
    for change in changes:
        quotes = _quotes(change)
        title, summary, reason = (
            _story(change),
            cut(plain(change["summary"]), 300),
            cut(plain(change["reason_text"]), 600),
        )
        room -= len(title) + len(summary) + len(reason) + sum(len(one.sentence) + len(one.label) for one in quotes)
        if room < 0 and blocks:
            # The subject says how many there are; a message that is too long is refused whole.
            break
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
        body["blocks"] = blocks
    return _json(body)


def write_discord(message: Message) -> str:
    """Return a body with one embed a change; nobody is pinged, whatever a headline contains."""
    changes, words = _changes(message)
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
            # The subject says how many there are; more than this is refused whole.
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
    body: dict[str, Any] = {"content": cut(discord(message.subject), 1_900), "allowed_mentions": {"parse": []}}
    if embeds:
        body["embeds"] = embeds
    return _json(body)


def write_teams(message: Message) -> str:
    """Return an Adaptive Card as Teams' workflows take it; runs of text, which know no Markdown."""
    items: list[dict[str, Any]] = []
    actions: list[dict[str, Any]] = []
    changes, words = _changes(message)
    for change in changes:
        more = _teams_items(change)
        if items and len(_json({"body": [*items, *more]}).encode()) > _TEAMS_BYTES:
            # The subject says how many there are; a card that is too large is refused whole.
            break
        items += more
        if len(changes) == 1:
            actions += [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in _links(change, words)]
    subject = cut(plain(message.subject), _TEAMS_TEXT)
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": items or [_teams_block({"text": subject})],
        "actions": actions,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return _json({"type": "message", "summary": subject, "attachments": [attachment]})


def write_mattermost(message: Message) -> str:
    """Return a body of Markdown; nobody is mentioned, whatever a headline contains."""
    changes, words = _changes(message)
    parts = [f"**{cut(mattermost(message.subject), 1_000)}**"]
    for change in changes:
        links = " · ".join(f"[{label}]({url})" for label, url in _links(change, words))
        reason = cut(mattermost(change["reason_text"]), 2_000)
        quotes = [_mattermost_quote(one) for one in _quotes(change)]
        summary = f"**{cut(mattermost(change['summary']), 1_000)}**"
        # Whole or not at all: a sentence must not stand under another change.
        parts.append(fit([summary, reason, *quotes, links], "\n\n", _MATTERMOST_TEXT))
    return _json({"text": fit(parts, "\n\n", _MATTERMOST_TEXT)})


WRITERS: dict[str, BodyWriter] = {
    "slack": write_slack,
    "discord": write_discord,
    "teams": write_teams,
    "mattermost": write_mattermost,
}


def _changes(message: Message) -> tuple[list[dict[str, Any]], Words]:
    payload = json.loads(message.payload)
    changes: list[dict[str, Any]] = payload["changes"]
    return changes[:_MOST_CHANGES], load_words(payload["lang"])


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


def _teams_items(change: dict[str, Any]) -> list[dict[str, Any]]:
    summary, reason = cut(plain(change["summary"]), 300), cut(plain(change["reason_text"]), 600)
    items = [_teams_block({"text": _story(change), "isSubtle": True})]
    items.append(_teams_block({"text": summary, "weight": "Bolder", "size": "Medium"}))
    items += [_teams_block({"text": reason})] if reason else []
    for one in _quotes(change):
        items += [_teams_block({"text": one.sentence, "italic": True})] if one.sentence else []
        if one.label:
            opens = {"selectAction": {"type": "Action.OpenUrl", "url": one.address}} if one.address else {}
            items.append(_teams_block({"text": one.label, "underline": bool(opens), **opens}))
    return items


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
