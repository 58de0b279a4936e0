"""Personal addresses and numbers in a text, in any field.

It finds e-mail addresses, phone numbers, IP addresses, IBANs (ISO 13616) and payment cards (ISO/IEC 7812) in
linear time: every pattern here has a maximum width, and e-mail addresses, which have none, are scanned
outwards from the at sign (`email_addresses`).

For ids (`as_id`) the rules are stricter: numbers without separators are kept, because product, order and
message numbers often look like phone and card numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from stream_app.intake.check_digits import iban_length, is_card
from stream_app.intake.email_addresses import find_emails
from stream_app.intake.ip_addresses import find_addresses

Span = tuple[int, int]

MEMO_LENGTH = 256  # characters; results for longer texts are not cached

# Not after a letter or digit, unless that ends an encoded character (`%20`, `\n`).
_START = r"(?:(?<![^\W_])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"
_GAP = r"(?:[\s().+/-]|%2[089DEFdef])"
# ITU-T E.164: country codes that are in use.
_COUNTRY = (
    r"(?:1|7|2(?:[07]|[1-689]\d)|3(?:[0-469]|[578]\d)|4(?:[013-9]|2\d)|5(?:[1-8]|[09]\d)|6(?:[0-6]|[789]\d)"
    r"|8(?:[1246]|[05789]\d)|9(?:[0-58]|[679]\d))"
)
_UUID = r"(?P<uuid>(?<![^\W_])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![^\W_]))"
_INTERNATIONAL = rf"(?:\+|＋|%2[Bb])[1-9](?:{_GAP}{{0,3}}\d){{7,14}}(?!\d)"
_SPACE_GAP = r"(?:[\s()]|%2[089])"
# Hyphens, dots and slashes also separate groups in order numbers.
_SPACED_EXIT_CODE = (
    rf"{_START}(?:00|011{_SPACE_GAP}){_SPACE_GAP}?{_COUNTRY}{_SPACE_GAP}{{1,3}}"
    rf"\d(?:{_GAP}{{0,3}}\d){{5,12}}(?![^\W_])"
)
_EXIT_CODE = rf"{_START}00[1-9](?:{_GAP}{{0,3}}\d){{7,13}}(?!\d)"
_US_EXIT_CODE = rf"{_START}011{_GAP}{{1,2}}{_COUNTRY}(?:{_GAP}{{0,3}}\d){{7,12}}(?![^\W_])"
# North America: the area code does not start with 0 or 1, and no longer row of digits contains the number.
_NORTH_AMERICAN = (
    rf"(?:(?<!\d)(?<!\d[-. ])1{_GAP})?(?:\(|%28)[2-9]\d\d(?:\)|%29)(?:[ +.-]|%20)?"
    r"\d{3}(?:[ .-]|%20)\d{4}(?![^\W_])"
    rf"|{_START}(?<!\d[-. ])(?:1(?:[-. +]|%20))?[2-9]\d\d(?P<same>[-. +]|%20)"
    r"\d{3}(?P=same)\d{4}(?![^\W_]|[-.]\d)"
)
# With the trunk prefix of most other countries: 020 7946 0958, 06 12 34 56 78.
_NATIONAL = rf"{_START}\(?0[1-9]\d{{0,3}}\)?(?: |%20)\d{{2,4}}(?:(?: |%20)\d{{2,4}}){{1,3}}(?![^\W_])"
_NATIONAL_IN_TEXT = rf"{_START}\(?0[1-9]\d{{1,3}}\)?(?:[ /-]|%20|%2F){{1,3}}\d{{6,8}}(?![^\W_])"
_CARD_BEGINS = r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|3[4-8]\d\d|30[0-59]\d|6\d{3}|50[1-3]\d)"
_SPACED_CARD = (
    rf"(?P<spaced_card>{_START}(?<!\d-){_CARD_BEGINS}(?P<s>[ -]|%20|\+)"
    r"(?:\d{4}(?P=s)\d{4}(?P=s)\d{4}(?:(?P=s)?\d{1,3})?|\d{6}(?P=s)\d{4,5})(?![^\W_]|-\d))"
)
_CARD = rf"(?P<card>{_START}{_CARD_BEGINS}\d{{10,15}}(?![^\W_]))"
_IBAN = (
    rf"(?P<iban>{_START}(?:[A-Z]{{2}}\d\d(?:(?:[ +-]|%20)?[0-9A-Z]){{11,30}}"
    r"|[a-z]{2}\d\d(?:(?:[ +-]|%20)?[0-9a-z]){11,30})(?![^\W_]))"
)
_IN_IDS = re.compile(
    "|".join((_UUID, _INTERNATIONAL, _SPACED_EXIT_CODE, _NORTH_AMERICAN, _NATIONAL,
              _SPACED_CARD, _IBAN))
)  # fmt: skip
_IN_TEXTS = re.compile(
    "|".join((_UUID, _INTERNATIONAL, _EXIT_CODE, _US_EXIT_CODE, _NORTH_AMERICAN, _NATIONAL, _NATIONAL_IN_TEXT,
              _SPACED_CARD, _CARD, _IBAN))
)  # fmt: skip
_ONE_UUID = re.compile(_UUID)
# As many nearby digits as the shortest personal number has.
_MANY_DIGITS = re.compile(r"(?:\d[^\d]{0,5}){8}")
_SPACE = re.compile(r"\s")


def find_personal(text: str, *, as_id: bool) -> list[Span]:
    """Personal addresses and numbers in a text, except IP addresses: in order, without overlaps.

    Text with a space is never an id, whatever its field is called.
    """
    found = list(find_emails(text))
    if _MANY_DIGITS.search(text) is not None and not (len(text) == 36 and _ONE_UUID.fullmatch(text)):
        found += _find_numbers(text, as_id and _SPACE.search(text) is None)
    return _joined(found) if len(found) > 1 else found


@lru_cache(maxsize=65_536)
def _is_personal(text: str) -> bool:
    return bool(find_personal(text, as_id=True)) or next(find_addresses(text), None) is not None


def is_personal(text: str) -> bool:
    """Whether a text that a row or an output would keep contains personal data.

    Text without a space is treated as an id, in which a number alone may well be an item or an order.
    """
    return _is_personal(text) if len(text) <= MEMO_LENGTH else _is_personal.__wrapped__(text)


def without_personal(features: Mapping[str, float | str]) -> dict[str, float | str]:
    """The features without personal data."""
    return {
        name: value
        for name, value in features.items()
        if not is_personal(name) and not (isinstance(value, str) and is_personal(value))
    }


def _find_numbers(text: str, as_id: bool) -> Iterator[Span]:
    pattern = _IN_IDS if as_id else _IN_TEXTS
    place = 0
    while (found := pattern.search(text, place)) is not None:
        kind = found.lastgroup if found.lastgroup not in ("same", "s") else None
        end = found.end()
        if kind == "uuid":
            place = end
            continue
        if kind == "iban":
            # More groups may follow an IBAN than belong to it, so its length is determined by its country.
            taken = iban_length(found[0])
            end = found.start() + taken
            is_one = taken > 0
        elif kind in ("card", "spaced_card"):
            is_one = is_card(found[0])
        else:
            is_one = True
        if is_one:
            yield found.start(), end
            place = end
        else:
            place = found.start() + 1


def _joined(spans: list[Span]) -> list[Span]:
    spans.sort()
    joined = [spans[0]]
    for start, end in spans[1:]:
        if start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
