"""E-mail addresses in a text, scanned outwards from each at sign in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Plain, percent-encoded (also twice), escaped in JSON or HTML, and full-width.
_AT = re.compile(r"@|＠|%(?:25){0,2}40|%EF%BC%A0|\\u0040|&#(?:64|x40);")
# Possessive, so that a run without an end fails at once.
_LOCAL_REVERSED = re.compile(r"[\w.+%'-]++")
_DOMAIN = re.compile(r"[\w-]++(?:\.[\w-]++)++")
_IMAGES = frozenset({"png", "jpg", "jpeg", "gif", "webp", "svg", "avif", "heic"})


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """The start and end of each e-mail address.

    A domain must have a part that is a word, unlike a version (`pkg@1.2.3`) or a high-resolution image
    (`logo@2x.png`).
    """
    if not _may_have_at(text):
        return
    floor = 0
    for at in _AT.finditer(text):
        # The part before the last at sign was scanned then.
        local = _LOCAL_REVERSED.match(text[floor : at.start()][::-1])
        domain = _DOMAIN.match(text, at.end())
        if local is not None and domain is not None and _is_domain(domain[0]):
            yield max(at.start() - local.end(), floor), domain.end()
        floor = at.end()


def _may_have_at(text: str) -> bool:
    return "@" in text or "40" in text or "＠" in text or "&#" in text or "%EF%BC" in text


def _is_domain(domain: str) -> bool:
    labels = domain.lower().split(".")
    if labels[-1] in _IMAGES:
        return False
    return any(len(label) > 1 and label[0].isalpha() for label in labels[1:])
