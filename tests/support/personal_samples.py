"""Ids of things and messages as systems make them, and addresses and numbers of people in odd places."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from stdnum import iban, luhn

UPPER_AND_DIGITS = string.ascii_uppercase + string.digits
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_FIELDS = ("product_id", "productId", "order_id", "orderId", "sku", "session_id", "item_id", "order_number",
             "requestId", "id", "tracking_number", "gtin")  # fmt: skip


def _text(random: Random, alphabet: str, length: int) -> str:
    return "".join(random.choices(alphabet, k=length))


def _digits(random: Random, length: int) -> str:
    return _text(random, string.digits, length)


def _upper(random: Random, length: int) -> str:
    return _text(random, string.ascii_uppercase, length)


def _hex(random: Random, length: int) -> str:
    return _text(random, "0123456789abcdef", length)


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _grouped(random: Random) -> str:
    """Groups of digits, but for the forms that stand for people: 2xx-xxx-xxxx, four times four, IPv4."""
    while True:
        sizes = random.choices((1, 2, 3, 4, 5, 6, 7), k=random.randrange(2, 6))
        written = random.choice("-._/").join(_digits(random, size) for size in sizes)
        is_telephone = (sizes[-3:] == [3, 3, 4] or sizes == [3, 3, 4]) and written[0] not in "01"
        is_address = len(sizes) == 4 and "." in written and max(sizes) < 4
        if not is_telephone and not is_address and sizes[:4] != [4, 4, 4, 4] and sizes[:2] != [4, 6]:
            return written


ID_KINDS: dict[str, Callable[[Random], str]] = {
    "uuid": _uuid,
    "uuid of digits": lambda r: str(UUID(_digits(r, 32))),
    "uuid with a prefix": lambda r: f"{r.choice(('anon', 'sess', 'm'))}-{_uuid(r)}",
    "two uuids": lambda r: f"{_uuid(r)}:{_uuid(r)}",
    "hex": lambda r: _hex(r, r.choice((8, 12, 16, 20, 24, 32, 40, 64))),
    "ulid": lambda r: "01" + _text(r, CROCKFORD, 24),
    "ksuid": lambda r: _text(r, string.ascii_letters + string.digits, 27),
    "nanoid": lambda r: _text(r, string.ascii_letters + string.digits + "-_", 21),
    "base58": lambda r: _text(r, BASE58, r.choice((11, 22, 44))),
    "base64": lambda r: base64.b64encode(r.randbytes(r.choice((9, 16, 24, 32)))).decode(),
    "capitals and digits": lambda r: _text(r, UPPER_AND_DIGITS, r.choice((8, 10, 16, 22, 24, 28))),
    "digits": lambda r: _digits(r, r.randrange(1, 22)),
    "snowflake": lambda r: str(r.randrange(10**17, 2 * 10**18)),
    "milliseconds": lambda r: f"{r.randrange(10**12, 2 * 10**12)}-{r.random()}",
    "microseconds": lambda r: str(r.randrange(16 * 10**14, 18 * 10**14)),
    "ean": lambda r: _digits(r, 13),
    "gtin": lambda r: _digits(r, r.choice((8, 12))).zfill(14),
    "zeros before": lambda r: _digits(r, r.randrange(2, 12)).zfill(r.choice((12, 14, 16, 18))),
    "isbn": lambda r: f"97{r.choice('89')}-{_digits(r, 1)}-{_digits(r, 3)}-{_digits(r, 5)}-{_digits(r, 1)}",
    "100-200-3000": lambda r: f"{r.choice('01')}{_digits(r, 2)}-{_digits(r, 3)}-{_digits(r, 4)}",
    "0012-3456-7890": lambda r: f"00{_digits(r, 2)}-{_digits(r, 4)}-{_digits(r, 4)}",
    "groups": _grouped,
    "letters and numbers": lambda r: f"{_upper(r, 2)}-{_digits(r, r.randrange(2, 6))}-{_digits(r, 4)}",
    "sku": lambda r: f"sku_{_digits(r, 6)}-{r.choice(('xl', 'm', '42'))}",
    "marketplace order": lambda r: f"{_digits(r, 3)}-{_digits(r, 7)}-{_digits(r, 7)}",
    "dated order": lambda r: f"2026{r.randrange(1, 13):02}{r.randrange(1, 29):02}-{_digits(r, 6)}",
    "order of a year": lambda r: f"{r.choice(('PO', 'INV', 'RE'))}-2026-{_digits(r, r.randrange(3, 10))}",
    "browser's client": lambda r: f"GA1.2.{_digits(r, 10)}.{r.randrange(16 * 10**8, 18 * 10**8)}",
    "trace": lambda r: f"00-{_hex(r, 32)}-{_hex(r, 16)}-01",
    "resource": lambda r: f"gid://shop/Product/{_digits(r, 13)}",
    "payment": lambda r: f"pi_{_text(r, string.ascii_letters + string.digits, 24)}",
    "time": lambda r: f"2026-03-{r.randrange(10, 29)}T{r.randrange(24):02}:15:07.{_digits(r, 3)}+01:00",
    "path": lambda r: f"/p/{_digits(r, 6)}/{_digits(r, 9)}",
    "version": lambda r: f"pkg@{r.randrange(20)}.{r.randrange(99)}.{r.randrange(99)}",
}  # fmt: skip


def make_id(random: Random) -> str:
    """An id of a kind that is chosen first."""
    return ID_KINDS[random.choice(list(ID_KINDS))](random)


class PersonalValue(NamedTuple):
    """An address or number of a person; `secret` is the part of it that must not be kept."""

    kind: str
    written: str
    secret: str
    # Whether it tells itself apart from an id without anything around it.
    is_plain: bool


def _email(random: Random) -> PersonalValue:
    name = _text(random, string.ascii_lowercase, random.randrange(2, 12))
    more = random.choice(("", ".", "_", "+", "-")) + _text(random, string.ascii_lowercase + "0123456789", 3)
    domain = random.choice(("mail.example", "sub.mail.example", "xn--bcher-kva.example", "example.co.uk"))
    at = random.choice(("@", "@", "@", "%40", "＠"))
    written = f"{name}{more}{at}{domain}"
    return PersonalValue(
        "email", written if random.random() < 0.8 else written.upper(), f"{name}{more}", True
    )


def _phone(random: Random) -> PersonalValue:
    area, first, last = random.randrange(200, 990), random.randrange(200, 990), random.randrange(10**4)
    american = f"{area} {first} {last:04}"
    city, line = random.randrange(30, 900), _digits(random, random.choice((6, 7, 8)))
    country = random.choice(("49", "44", "33", "351", "420", "7", "61"))
    line = "5" + line[1:]
    written, is_plain = random.choice(
        (
            (f"+{country}{city}{line}", True),
            (f"+{country} {city} {line}", True),
            (f"+{country}-{city}-{line}", True),
            (f"+{country} (0){city} {line[:3]} {line[3:]}", True),
            (f"00{country} {city} {line}", True),
            (f"00{country}/{city}/{line}", False),
            (f"00{country}{city}{line}", False),
            (american.replace(" ", "-"), True),
            (american.replace(" ", "."), True),
            (f"({area}) {first}-{last:04}", True),
            (f"+1 ({area}) {first}-{last:04}", True),
            (f"1-{area}-{first}-{last:04}", True),
        )
    )
    return PersonalValue("phone", written, f"{last:04}" if str(area) in written else line[-4:], is_plain)


def _ipv4(random: Random) -> PersonalValue:
    written = ".".join(str(random.randrange(1, 255)) for _ in range(4))
    return PersonalValue("ipv4", written, written, True)


def _ipv6(random: Random) -> PersonalValue:
    groups = ["2001", "db8", *(f"{random.randrange(1, 2**16):x}" for _ in range(6))]
    written = ":".join(groups) if random.random() < 0.6 else f"2001:db8:{groups[2]}::{groups[3]}"
    return PersonalValue("ipv6", written, written, True)


def _iban(random: Random) -> PersonalValue:
    country, length, letters = random.choice(
        (
            ("DE", 18, 0),
            ("GB", 14, 4),
            ("NL", 10, 4),
            ("ES", 20, 0),
            ("AT", 16, 0),
            ("BE", 12, 0),
            ("PL", 24, 0),
        )
    )
    account = _upper(random, letters) + _digits(random, length)
    number = f"{country}{iban.calc_check_digits(f'{country}00{account}')}{account}"
    spaced = " ".join(number[place : place + 4] for place in range(0, len(number), 4))
    written = random.choice((number, number, spaced, number.lower()))
    return PersonalValue("iban", written, written[-7:], True)


def _card(random: Random) -> PersonalValue:
    begin, length = random.choice(
        (("4", 16), ("51", 16), ("55", 16), ("2223", 16), ("37", 15), ("6011", 16), ("3530", 16), ("36", 14))
    )
    number = begin + _digits(random, length - len(begin) - 1)
    number += luhn.calc_check_digit(number)
    if length == 16:
        spaced = " ".join(number[place : place + 4] for place in range(0, 16, 4))
    else:
        spaced = f"{number[:4]} {number[4:10]} {number[10:]}"
    written = random.choice((number, spaced, spaced.replace(" ", "-")))
    return PersonalValue("card", written, written[-5:], written != number)


PERSONAL_KINDS = (_email, _phone, _ipv4, _ipv6, _iban, _card)
# Ids and times of an event, within which nothing is to be kept; where an id is asked for, plain forms alone.
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "alone": lambda v: {"properties": {"note": v}},
    "before a full stop": lambda v: {"properties": {"note": f"It is {v}."}},
    "before a comma": lambda v: {"properties": {"note": f"{v}, as I said"}},
    "in brackets": lambda v: {"properties": {"title": f"({v})", "other": f"[{v}]"}},
    "in quotes": lambda v: {"properties": {"title": f'say "{v}"!'}},
    "behind its name": lambda v: {"properties": {"text": f"tel:{v}"}},
    "behind an equals sign": lambda v: {"properties": {"text": f"x={v};y=1"}},
    "in an address": lambda v: {"context": {"page": {"url": f"https://shop.example/?q={quote(v)}&n=1"}}},
    "in an address's path": lambda v: {"context": {"page": {"url": f"https://shop.example/u/{quote(v)}"}}},
    "in a list": lambda v: {"properties": {"tags": ["a", [v]]}},
    "in JSON in a text": lambda v: {"properties": {"raw": f'{{"a":"{v}"}}'}},
    "in lines": lambda v: {"properties": {"raw": f"a\n{v}\nb"}},
    "in HTML": lambda v: {"properties": {"raw": f"<a href='mailto:{v}'>{v}</a>"}},
    "in a list under messageId": lambda v: {"messageId": [f"to {v}"]},
    "under messageId": lambda v: {"messageId": {"a": f"to {v}"}},
    "under timestamp": lambda v: {"timestamp": {"a": [f"to {v}"]}},
    "under userId": lambda v: {"userId": {"a": {"b": f"to {v}"}}},
    "under a nested userId": lambda v: {"properties": {"userId": f"to {v}"}},
}  # fmt: skip
PLAIN_PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "as a field's name": lambda v: {"properties": {v: 1}},
    "as the timestamp": lambda v: {"timestamp": v},
    "as a product's id": lambda v: {"properties": {"product_id": v}},
    "as ids": lambda v: {"messageId": [v], "userId": {"id": v}},
}  # fmt: skip


def make_personal(random: Random) -> PersonalValue:
    """An address or number of a person of a kind that is chosen first."""
    return random.choice(PERSONAL_KINDS)(random)


def place_personal(value: PersonalValue, random: Random) -> tuple[str, dict[str, Any]]:
    """A place's name and an event with the value there."""
    places = {**PLACES, **PLAIN_PLACES} if value.is_plain else PLACES
    name = random.choice(list(places))
    return name, places[name](value.written)
