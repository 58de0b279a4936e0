"""Parts of free text that may identify a person."""

from __future__ import annotations

import re

# Six digits in a row, or seven with usual separators: phone, card, account and ID numbers, including adjacent
# letters as in AB123456C and DE89 3704 0044 0532 0130 00.
_NUMBER = re.compile(r"[^\W\d_]{0,3}\d(?:[\s().,_+/-]{0,3}\d){6,}[^\W_]*|(?<![^\W_])[^\W_]*\d{6}[^\W_]*")
_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"  # IPv4
    r"|(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])",  # IPv6
    re.IGNORECASE,
)
_OPAQUE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}", re.IGNORECASE)
_AT = re.compile(r"%40|[(\[]\s*at\s*[)\]]", re.IGNORECASE)
_SPACED_AT = re.compile(r"(?<!\s)\s++@(?:\s++|(?=\S+\.\w))")
_SUSPECT = re.compile(r"[\d@%:]|[(\[]\s*at", re.IGNORECASE)
DIGITS_OF_AN_ID = 6


def scrub(text: str) -> str:
    """Replace each e-mail address, handle, phone, card or ID number, IP address and UUID with a space."""
    if _SUSPECT.search(text) is None:
        return text
    text = _SPACED_AT.sub("@", _AT.sub("@", text))
    if "@" in text:
        text = " ".join(chunk for chunk in text.split() if "@" not in chunk)
    for pattern in (_OPAQUE, _NUMBER, _ADDRESS):
        text = pattern.sub(" ", text)
    return text


def looks_like_id(token: str) -> bool:
    """Whether a single token has as many digits as ID numbers do, with or without letters in between."""
    return sum(map(str.isdigit, token)) >= DIGITS_OF_AN_ID
