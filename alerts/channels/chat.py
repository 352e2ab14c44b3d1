"""Bodies for chat services that take webhooks: Slack, Discord, Microsoft Teams, Mattermost. Pure.

Each is written from the message's own payload, so that a chat shows what the mail shows: change, reason, sentence,
source.
"""

import json
from typing import Any

from alerts.channels.webhook import BodyWriter
from alerts.words import Words, load_words
from storage.records import Message

# Limits of the services' own documentation, with room to spare.
_SLACK_TEXT, _DISCORD_TEXT, _MATTERMOST_TEXT = 2_900, 3_900, 15_000
# Discord takes ten embeds of 6,000 characters together.
_MOST_CHANGES, _DISCORD_TOTAL = 10, 5_800
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


def write_slack(message: Message) -> str:
    """Return a body of Block Kit with a plain text for notifications."""
    changes, words = _changes(message)
    blocks: list[dict[str, Any]] = []
    for change in changes:
        lines = [
            f"*{_slack(change['story']['title'])}*",
            f"*{_slack(change['summary'])}*",
            _slack(change["reason_text"]),
        ]
        lines += [
            f"> {_slack(_sentence(proof))}\n> {_slack_link(proof)}" for proof in change["evidence"][:_MOST_QUOTES]
        ]
        text = "\n".join(line for line in lines if line)[:_SLACK_TEXT]
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text}})
        buttons = [
            {"type": "button", "text": {"type": "plain_text", "text": label}, "url": url}
            for label, url in _links(change, words)
        ]
        blocks += [{"type": "actions", "elements": buttons}] if buttons else []
    body: dict[str, Any] = {"text": _slack(message.subject)}
    if blocks:
        body["blocks"] = blocks
    return _json(body)


def write_discord(message: Message) -> str:
    """Return a body with one embed a change; nobody is pinged, whatever a headline contains."""
    changes, words = _changes(message)
    embeds: list[dict[str, Any]] = []
    room = _DISCORD_TOTAL
    for change in changes:
        quotes = [f"> {_sentence(proof)}\n{_markdown_link(proof)}" for proof in change["evidence"][:_MOST_QUOTES]]
        links = [f"[{label}]({url})" for label, url in _links(change, words)]
        parts = [change["reason_text"], *quotes, " · ".join(links)]
        title, story = change["summary"][:250], change["story"]["title"][:250]
        described = "\n\n".join(part for part in parts if part)[:_DISCORD_TEXT]
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
    body: dict[str, Any] = {"content": message.subject[:1_900], "allowed_mentions": {"parse": []}}
    if embeds:
        body["embeds"] = embeds
    return _json(body)


def write_teams(message: Message) -> str:
    """Return an Adaptive Card as Teams' workflows take it."""
    items: list[dict[str, Any]] = []
    actions: list[dict[str, Any]] = []
    changes, words = _changes(message)
    for change in changes:
        items.append({"type": "TextBlock", "text": change["story"]["title"], "isSubtle": True, "wrap": True})
        items.append(
            {"type": "TextBlock", "text": change["summary"], "weight": "Bolder", "size": "Medium", "wrap": True}
        )
        items.append({"type": "TextBlock", "text": change["reason_text"], "wrap": True})
        for proof in change["evidence"][:_MOST_QUOTES]:
            text = f"_{_sentence(proof)}_\n\n{_markdown_link(proof)}"
            items.append({"type": "TextBlock", "text": text, "wrap": True})
        if len(changes) == 1:
            actions += [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in _links(change, words)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": items or [{"type": "TextBlock", "text": message.subject, "wrap": True}],
        "actions": actions,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return _json({"type": "message", "summary": message.subject, "attachments": [attachment]})


def write_mattermost(message: Message) -> str:
    """Return a body of Markdown; channel-wide mentions are defused."""
    changes, words = _changes(message)
    parts = [f"**{message.subject}**"]
    for change in changes:
        quotes = [f"> {_sentence(proof)}\n> {_markdown_link(proof)}" for proof in change["evidence"][:_MOST_QUOTES]]
        links = " · ".join(f"[{label}]({url})" for label, url in _links(change, words))
        parts += [f"**{change['summary']}**", change["reason_text"], *quotes, links]
    text = "\n\n".join(part for part in parts if part).replace("@", "@\u200b")
    return _json({"text": text[:_MATTERMOST_TEXT]})


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


def _sentence(proof: dict[str, Any]) -> str:
    sentence = " ".join(proof["sentence"].split())
    return sentence if len(sentence) <= _LONGEST_SENTENCE else sentence[: _LONGEST_SENTENCE - 1] + "…"


def _slack(text: str) -> str:
    """Slack's three control characters, escaped as its documentation asks."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack_link(proof: dict[str, Any]) -> str:
    label = _slack(proof["source"] or proof["title"] or proof["url"])
    return f"<{_slack(proof['url'])}|{label}>" if proof["url"] else label


def _markdown_link(proof: dict[str, Any]) -> str:
    label = (proof["source"] or proof["title"] or proof["url"]).replace("[", "(").replace("]", ")")
    address = proof["url"].replace("(", "%28").replace(")", "%29")
    return f"[{label}]({address})" if address else label


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
