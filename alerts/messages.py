"""Alerts become a message: subject, text, HTML, picture and payload. Pure.

Equal input gives equal output, byte for byte, so that a message that is sent again is the same message.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alerts.changes import Notice, describe, headline
from alerts.foreign import one_line
from alerts.interest import ARTICLE_KINDS
from alerts.links import LinkMaker
from alerts.payload import SCHEMA_NAME, write_payload
from alerts.picture import draw_png
from alerts.words import Words, load_words
from storage.keys import key_text, stable_hash
from storage.records import Message, Subscription

# Mail programs cut subjects off at about this many characters.
_LONGEST_SUBJECT = 150
# So many changes are told in full in one mail; programs cut long mails off.
MOST_IN_FULL = 20
CHART_CID = "chart@storywatch"


def render(
    notices: Sequence[Notice],
    *,
    subscription: Subscription,
    message_id: str,
    created_at: datetime,
    repeat: int = 0,
    is_question: bool = False,
    receiver: str = "",
    links: LinkMaker | None = None,
    is_rich: bool = True,
) -> Message:
    """Return the message that tells of `notices` (one at least), in the subscription's language and time zone.

    `message_id` is the delivery's id, `created_at` when it was made; `repeat` above 0 marks a reminder, `is_question` a
    question to approvers; `receiver` is the address it goes to, if its channel has several. `links` adds addresses to
    open, silence and (for a receiver) unsubscribe, or to approve and drop. The chart is that of the first notice that
    has one. Without `is_rich` there is neither HTML nor picture.
    """
    words = load_words(subscription.lang)
    zone = subscription.timezone
    changes = tuple(describe(notice, words, zone=zone, links=links, is_question=is_question) for notice in notices)
    subject = write_subject(notices, words, repeat=repeat, is_question=is_question)
    # Each question needs its own buttons; of news beyond what a person reads, and a mail server takes, a line each.
    shown = changes if is_question else changes[:MOST_IN_FULL]
    charted = next((index for index, change in enumerate(shown) if change.chart is not None), -1)
    chart = changes[charted].chart if charted >= 0 else None
    trace = next((notice.revision.trace for notice in notices if notice.revision.trace), "")
    # Where a channel is one address for many people, none of them may end it for all.
    can_leave = receiver and not is_question
    unsubscribe = links.unsubscribe_link(subscription.name, receiver) if links and can_leave else ""
    values = {
        "lang": words.lang,
        "words": words,
        "subject": subject,
        "preheader": changes[0].reason or changes[0].headline,
        "sent": words.moment(created_at, zone),
        "changes": shown,
        "rest": changes[len(shown) :],
        "charted": charted,
        "chart_cid": CHART_CID,
        "note": _note(words, repeat=repeat, is_question=is_question),
        "subscription": words.say("labels", "approver" if is_question else "subscription", name=subscription.name),
        "because": changes[0].told_because if len(changes) == 1 and not is_question else "",
        "unsubscribe_link": unsubscribe,
    }
    return Message(
        message_id=message_id,
        subject=subject,
        text=_templates().get_template("message.txt").render(values).strip() + "\n",
        html=_templates().get_template("email.html").render(values) if is_rich else "",
        payload=write_payload(
            notices,
            changes,
            delivery_id=message_id,
            created_at=created_at,
            subscription=subscription.name,
            subject=subject,
            lang=words.lang,
            repeat=repeat,
            is_question=is_question,
        ),
        chart_png=draw_png(chart, words) if chart and is_rich else b"",
        chart_alt=changes[charted].chart_alt if chart else "",
        thread_key=_thread_key(notices),
        headers=_headers(subscription, unsubscribe, trace),
        trace=trace,
    )


def render_test(*, subscription: Subscription, message_id: str, created_at: datetime) -> Message:
    """Return a message that says that it is a test (`storywatch alerts test`); its payload has no changes."""
    words = load_words(subscription.lang)
    subject, text = words.say("labels", "test_subject"), words.say("labels", "test_text")
    payload = write_payload(
        (),
        (),
        delivery_id=message_id,
        created_at=created_at,
        subscription=subscription.name,
        subject=subject,
        lang=words.lang,
    )
    return Message(
        message_id=message_id,
        subject=subject,
        text=text + "\n",
        payload=payload,
        thread_key=stable_hash("t1", "test", subscription.name),
        headers=_headers(subscription, ""),
    )


def _note(words: Words, *, repeat: int, is_question: bool) -> str:
    """What a reader must know before all else: that this asks, or repeats."""
    if is_question:
        return words.say("labels", "question_note")
    return words.say("labels", "repeat_note") if repeat else ""


def write_subject(notices: Sequence[Notice], words: Words, *, repeat: int = 0, is_question: bool = False) -> str:
    """Return one line with the change itself; of several changes the first ones that fit."""
    lines = [headline(notice, words) for notice in notices]
    titles = list(dict.fromkeys(notice.story.title if notice.story else "" for notice in notices))
    if len(titles) > 1:
        subject = words.say("subjects", "several_stories", n=len(notices), m=len(titles))
    else:
        change = _as_many_as_fit(lines, words, room=_LONGEST_SUBJECT - len(titles[0]) - 2)
        subject = words.say("subjects", "story", story=titles[0], change=change) if titles[0] else change
    subject = words.say("subjects", "reminder", subject=subject) if repeat else subject
    subject = words.say("subjects", "question", subject=subject) if is_question else subject
    subject = one_line(subject)
    return subject if len(subject) <= _LONGEST_SUBJECT else subject[: _LONGEST_SUBJECT - 1] + "…"


def _as_many_as_fit(lines: Sequence[str], words: Words, *, room: int) -> str:
    separator = words.say("subjects", "separator")
    kept = [lines[0]]
    for line in lines[1:]:
        if len(separator.join([*kept, line])) > room:
            break
        kept.append(line)
    joined = separator.join(kept)
    left = len(lines) - len(kept)
    return words.say("subjects", "more", changes=joined, n=left) if left else joined


def _thread_key(notices: Sequence[Notice]) -> str:
    """One thread a record (or article, feed, channel); a message about several belongs to the thread of them
    together."""
    subjects = set()
    for notice in notices:
        revision = notice.revision
        about = f"article {revision.article_id}" if revision.kind in ARTICLE_KINDS else key_text(revision.key)
        subjects.add(f"{revision.story} {about}")
    return stable_hash("t1", *sorted(subjects))


def _headers(subscription: Subscription, unsubscribe: str, trace: str = "") -> tuple[tuple[str, str], ...]:
    """Headers of mail: RFC 3834 (automatic), RFC 2919 (list), RFC 2369 and 8058 (unsubscribing)."""
    headers = [
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("List-Id", f"<{stable_hash('s1', subscription.name)}.storywatch>"),
        ("X-Storywatch-Schema", SCHEMA_NAME),
    ]
    if trace:
        headers.append(("X-Storywatch-Trace", trace))
    if unsubscribe:
        headers.append(("List-Unsubscribe", f"<{unsubscribe}>"))
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return tuple(headers)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("alerts", "templates"),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        keep_trailing_newline=False,
    )
