"""Signed links in messages: silence, approve, drop and unsubscribe with one press, without a login. Pure.

A link names an action and an alert (or a subscription) and carries an HMAC-SHA256 of both, cut to 128 bits. Opening
one shows a page with a button (mail scanners open every link); only its POST acts, as RFC 8058 asks for unsubscribing.
"""

import hmac
from dataclasses import dataclass
from urllib.parse import quote

# Who acted, where a signed link in a message did: we do not know whose hand it was.
LINK = "link"
ACTIONS = ("silence", "approve", "drop", "unsubscribe")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMaker:
    """Makes and checks links below `base_url` (of the page, without a slash at its end) with `secret`."""

    base_url: str
    secret: str

    def make_link(self, action: str, target: str) -> str:
        """Return the address that performs `action` on `target` (an alert id; for `unsubscribe` see
        unsubscribe_link)."""
        return f"{self.base_url.rstrip('/')}/act/{action}/{quote(target, safe='')}/{self.sign(action, target)}"

    def unsubscribe_link(self, subscription: str, receiver: str) -> str:
        """Return the address that ends a subscription, for one receiver where a channel has several."""
        return self.make_link("unsubscribe", f"{subscription}|{receiver}" if receiver else subscription)

    def page_link(self, revision_id: str) -> str:
        """Return the address of the page that shows a revision."""
        return f"{self.base_url.rstrip('/')}/revisions/{quote(revision_id, safe='')}"

    def sign(self, action: str, target: str) -> str:
        """Return the signature over an action and its target, 32 hexadecimal digits."""
        text = f"storywatch-link-v1\n{action}\n{target}".encode()
        return hmac.digest(self.secret.encode(), text, "sha256").hex()[:32]

    def check(self, action: str, target: str, signature: str) -> bool:
        """Whether a signature is ours; takes the same time for right and wrong ones."""
        if action not in ACTIONS:
            return False
        return hmac.compare_digest(self.sign(action, target).encode(), signature.encode("utf-8", "replace"))
