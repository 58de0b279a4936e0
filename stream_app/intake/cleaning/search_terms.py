"""The words of a search, without stop words and without personal data."""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import category, normalize

from stream_app.intake.cleaning.data_files import read_stop_words
from stream_app.intake.cleaning.missing import present
from stream_app.intake.cleaning.personal import looks_like_id, scrub

MAX_QUERY = 256
MAX_TOKENS = 8
MAX_TOKEN = 32
_STOP_WORDS = frozenset().union(*read_stop_words().values())
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_WORD_CATEGORIES = frozenset("LNM")  # letters, numbers and the marks that belong to letters


@lru_cache(maxsize=8192)
def tokenise(text: str | None) -> tuple[str, ...]:
    """At most 8 distinct words of a search, in order, in NFKC and case-folded.

    Words of more than 32 characters are left out, as are stop words and anything that looks like an e-mail
    address or a phone, card or ID number.
    """
    query = scrub(normalize("NFKC", present(text, MAX_QUERY)).casefold())
    kept = (word for word in _split(query) if _is_term(word))
    return tuple(dict.fromkeys(kept))[:MAX_TOKENS]


def _split(query: str) -> list[str]:
    if query.isascii():
        return _ASCII_WORD.findall(query)
    return "".join(letter if category(letter)[0] in _WORD_CATEGORIES else " " for letter in query).split()


def _is_term(word: str) -> bool:
    return len(word) <= MAX_TOKEN and word not in _STOP_WORDS and not looks_like_id(word)
