"""Numbers written as texts, with currency signs and separators, where there is one way to read them."""

from __future__ import annotations

import re
from math import isfinite
from unicodedata import category

MAX_WRITTEN = 40  # characters
_EXPONENT = re.compile(r"\d+(?:\.\d+)?[eE][+-]?\d{1,3}", re.ASCII)
_SPACES = re.compile(r"(?<=\d)[ \u00a0\u202f\u2009'\u2019](?=\d{3}(?!\d))")
_GROUPED = {
    ",": re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}", re.ASCII),  # the latter as in India
    ".": re.compile(r"\d{1,3}(?:\.\d{3})+", re.ASCII),
}
_CURRENCY_WORDS = re.compile(r"(?:[A-Z]{3}|[A-Z]{1,2}|kr|zł|Kč|Ft|lei|Fr|Rs|den)\.?")
_SIGNED = re.compile(
    r"(?P<before>[^\d.,+\u2212-]*)(?P<sign>[+\u2212-]?)(?P<more>[^\d.,+\u2212-]*)(?P<body>.*)", re.DOTALL
)
_BODY = re.compile(
    r"(?P<digits>\d+(?:\.\d+)?[eE][+-]?\d{1,3}|[\d., \u00a0\u202f\u2009'\u2019]*\d)(?P<after>.*)", re.DOTALL
)


def read_number(written: str) -> float | int | None:
    """The number that a text can only mean; None where it means none, or may mean two.

    A single separator before three digits is the case of two: `1,234` and `1.234` are about a thousand
    here and about one there.
    """
    if len(written) > MAX_WRITTEN:
        return None
    signed = _SIGNED.fullmatch(written.strip())
    body = _BODY.fullmatch(signed["body"]) if signed else None
    if signed is None or body is None:
        return None
    signs = [part.strip() for part in (signed["before"], signed["more"], body["after"])]
    if sum(map(bool, signs)) > 1 or not all(map(_is_currency, filter(None, signs))):
        return None
    value = _unsigned(body["digits"])
    if value is None or not isfinite(value):
        return None
    return -value if signed["sign"] in {"-", "\u2212"} else value


def _is_currency(sign: str) -> bool:
    letters = "".join(letter for letter in sign if category(letter) != "Sc")
    symbols = len(sign) - len(letters)
    if symbols > 1:
        return False
    return (symbols == 1 and not letters) or _CURRENCY_WORDS.fullmatch(letters) is not None


def _unsigned(digits: str) -> float | int | None:
    if _EXPONENT.fullmatch(digits):
        return float(digits)
    spaced = _SPACES.sub("", digits)
    if not re.fullmatch(r"[\d.,]+", spaced, re.ASCII):
        return None
    separators = [letter for letter in spaced if not letter.isdigit()]
    if not separators:
        return int(spaced)
    last, others = separators[-1], set(separators[:-1])
    whole, _, fraction = spaced.rpartition(last)
    if others == {last}:  # of one kind, several times: groups
        return int(spaced.replace(last, "")) if _GROUPED[last].fullmatch(spaced) else None
    if others:
        (group,) = others if len(others) == 1 else ("",)
        return (
            _decimal(whole.replace(group, ""), fraction)
            if group and _GROUPED[group].fullmatch(whole)
            else None
        )
    may_group = (
        spaced == digits and _GROUPED[last].fullmatch(spaced) is not None and not whole.startswith("0")
    )
    return None if may_group else _decimal(whole, fraction)


def _decimal(whole: str, fraction: str) -> float | None:
    return float(f"{whole or '0'}.{fraction}") if fraction else None
