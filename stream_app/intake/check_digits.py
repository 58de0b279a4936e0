"""Account and card numbers, recognised by their check digits."""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum import iban, numdb
from stdnum.exceptions import ValidationError

# ISO/IEC 7812: the range of first digits of each scheme, and the lengths of its numbers.
_SCHEMES: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (4000, 4999, (16, 19)),  # Visa; its 13-digit numbers from before 2000 look like German EANs
    (5100, 5599, (16,)),  # Mastercard
    (2200, 2204, (16,)),  # Mir
    (2221, 2720, (16,)),  # Mastercard
    (3400, 3499, (15,)),  # American Express
    (3700, 3799, (15,)),
    (3000, 3059, (14,)),  # Diners Club
    (3090, 3099, (14,)),
    (3600, 3699, (14,)),
    (3800, 3899, (14,)),
    (3528, 3589, (16,)),  # JCB
    (5018, 5038, (16, 19)),  # Maestro
    (6000, 6999, (16, 19)),  # Discover, UnionPay, Maestro, RuPay
)
_TWICE = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_PART_LENGTH = re.compile(r"\d{1,2}(?=!)")


def is_card(text: str) -> bool:
    """Whether the digits of a text are a payment card number, by scheme, length and check digit."""
    digits = "".join(str(int(digit)) for digit in text.replace("%20", "") if digit.isdecimal())
    begins = int(digits[:4] or 0)
    return (
        any(first <= begins <= last and len(digits) in lengths for first, last, lengths in _SCHEMES)
        and _has_luhn_digit(digits)
        and len(set(digits)) > 1
    )


def iban_length(text: str) -> int:
    """The length of the IBAN at the start of a text, by format and check digits; 0 if there is none."""
    length = _length_of_country(text[:2].upper())
    if not length:
        return 0
    compact: list[str] = []
    text = text.replace("%20", "   ")
    for place, character in enumerate(text):
        if not character.isalnum():
            continue
        compact.append(character)
        if len(compact) == length:
            is_end = place + 1 == len(text) or not text[place + 1].isalnum()
            return place + 1 if is_end and _is_valid("".join(compact)) else 0
    return 0


@lru_cache(maxsize=1024)
def _length_of_country(code: str) -> int:
    """The length of a country's IBANs, by the registry in stdnum; 0 if it has none."""
    form = numdb.get("iban").info(f"{code}00")[0][1].get("bban", "")
    return 4 + sum(map(int, _PART_LENGTH.findall(form))) if form else 0


def _has_luhn_digit(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right is doubled and replaced by its digit sum."""
    return (sum(map(int, digits[-1::-2])) + sum(_TWICE[int(digit)] for digit in digits[-2::-2])) % 10 == 0


def _is_valid(number: str) -> bool:
    # ISO/IEC 7064 MOD 97-10 first: it rejects nearly all, and stdnum costs ten times as much.
    if int("".join(str(int(character, 36)) for character in number[4:] + number[:4])) % 97 != 1:
        return False
    try:
        # A country's own check digits within the account number are not verified.
        iban.validate(number, check_country=False)
    except ValidationError:
        return False
    return True
