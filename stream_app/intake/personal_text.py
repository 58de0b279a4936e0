"""Texts that name somebody under whatever name they come: e-mail addresses, phone numbers, IP addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address

_PERSONAL = re.compile(
    r"[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"
    r"|(?:\+|%2B)\d(?:[\s().-]{0,2}\d){7,14}\b|\(\d{3}\) ?\d{3}-\d{4}\b|\b\d{3}-\d{3}-\d{4}\b"
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
)
_LIKE_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])")


@lru_cache(maxsize=65_536)
def is_personal(text: str) -> bool:
    """Whether a text that a row or an output would keep holds what names somebody.

    A number alone does not: it is an item's or an order's as often as a telephone's.
    """
    if _PERSONAL.search(text) is not None:
        return True
    return text.count(":") > 1 and any(_is_address(found) for found in _LIKE_IPV6.findall(text))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def without_personal(features: Mapping[str, float | str]) -> dict[str, float | str]:
    """The features that name nobody."""
    return {
        name: value
        for name, value in features.items()
        if not is_personal(name) and not (isinstance(value, str) and is_personal(value))
    }
