"""IP addresses in a text, distinguished from versions, times and ratios."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

_OCTETS = r"\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)"
_V4 = re.compile(rf"(?:(?<!\d)(?<!\d\.)|(?<=%[0-9A-Fa-f]{{2}})){_OCTETS}")
# A browser's version looks like an address but must not be treated as one.
_V4_NO_VERSION = re.compile(rf"(?<![\d/])(?<!\d\.){_OCTETS}")
# Also after a word with a colon, as in `ip:2001:db8::1`; the last two groups may be written as IPv4.
_V6 = re.compile(
    r"(?:(?<![\w:])|(?<=[g-zG-Z=_]:)|(?<=[Vv]6:)|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"
    r"(?:[0-9A-Fa-f]{0,4}(?::|%3[Aa])){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:])"
)
_FEWEST_GROUPS = 2  # `::` is also punctuation, and `::1` is any machine


class FoundAddress(NamedTuple):
    """An address and its place in the text."""

    start: int
    end: int
    address: IPv4Address | IPv6Address


def find_addresses(text: str, *, in_agent: bool = False) -> Iterator[FoundAddress]:
    """The addresses in a text, IPv6 first; in a user agent, what follows a slash is a version."""
    taken: list[tuple[int, int]] = []
    if text.count(":") > 1 or text.count("%3") > 1:
        for found in _V6.finditer(text):
            written = found[0].replace("%3A", ":").replace("%3a", ":")
            address = parse_address(written)
            if address is not None and _is_specific(written):
                taken.append(found.span())
                yield FoundAddress(found.start(), found.end(), address)
    if text.count(".") > 2:
        pattern = _V4_NO_VERSION if in_agent else _V4
        inside = iter(taken)
        span = next(inside, None)
        for found in pattern.finditer(text):
            while span is not None and span[1] <= found.start():
                span = next(inside, None)
            address = parse_address(found[0])
            if address is not None and (span is None or found.start() < span[0]):
                yield FoundAddress(found.start(), found.end(), address)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse a text as an address, also with leading zeros in octets (`192.168.001.009`); else None."""
    octets = text.split(".")
    if len(octets) == 4 and all(octet.isdecimal() and len(octet) <= 3 for octet in octets):
        numbers = [int(octet) for octet in octets]
        return IPv4Address(bytes(numbers)) if max(numbers) < 256 else None
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_specific(written: str) -> bool:
    groups = [group for group in written.split(":") if group]
    return len(groups) >= _FEWEST_GROUPS and any(map(str.isdigit, written))
