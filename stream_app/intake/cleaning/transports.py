"""User agents of programs that relay events, which say nothing about the users of the events.

A library identifies itself as product and version, `analytics-python/2.4.0`, in the grammar of RFC 9110.
Browsers and apps also name a system, and crawlers call themselves a bot or leave an address.
"""

from __future__ import annotations

import re
from functools import lru_cache

MOST_CHARACTERS = 512
_COMMENT = re.compile(r"\([^()]*\)")
_PRODUCTS = re.compile(r"[\w.!#$%&'*+^`|~@-]+(?:/[^\s/]*)*(?:\s+[\w.!#$%&'*+^`|~@:-]+(?:/[^\s/]*)*)*")
_OF_PEOPLE = re.compile(
    r"^(?:mozilla|opera|dalvik)/|iphone|ipad|\bios\b|android|cfnetwork|windows nt|macintosh|tizen|web0s|"
    r"webos|playstation|roku|apple ?tv|smart-?tv|\bcros\b|blackberry|symbian|nokia"
)
_OF_CRAWLERS = re.compile(r"bot\b|crawl|spider|slurp|archiver|monitor|uptime|probe|headless|preview|scan")


@lru_cache(maxsize=1024)
def is_transport(agent: str) -> bool:
    """Whether a request's agent is a library or server that relays events, not a browser, app or bot."""
    lower = agent[:MOST_CHARACTERS].lower().strip()
    if not lower or _OF_PEOPLE.search(lower) or _OF_CRAWLERS.search(lower):
        return False
    return _PRODUCTS.fullmatch(_COMMENT.sub("", lower).strip()) is not None
