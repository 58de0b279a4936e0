"""Fields that contain ids, by name: a long number in them is not a phone number."""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST_NAME = 64
_KINDS = frozenset({
    "id", "ids", "uid", "uuid", "guid", "sku", "skus", "ean", "eans", "gtin", "gtins", "upc", "isbn", "asin",
    "mpn", "barcode", "barcodes", "slug", "etag",
})  # fmt: skip
# Things whose number, code or key is not an account, card or phone number.
_OF_THINGS = frozenset({
    "article", "asset", "batch", "booking", "catalog", "catalogue", "invoice", "item", "lot", "message",
    "model", "order", "part", "product", "receipt", "request", "serial", "session", "shipment", "stock",
    "ticket", "tracking", "transaction", "variant",
})  # fmt: skip
_NUMBERS = frozenset({
    "no", "nr", "num", "number", "numbers", "code", "codes", "key", "ref", "reference", "hash",
})  # fmt: skip
_WORDS = re.compile(r"[A-Z]{1,64}(?![a-z])|[A-Z]?[a-z]{1,64}|\d{1,64}")


def is_id_field(name: str) -> bool:
    """Whether a field with this name, in camel or snake case, contains an id: `productId`, `order_number`."""
    return len(name) <= LONGEST_NAME and _is_id_field(name)


@lru_cache(maxsize=8192)
def _is_id_field(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    last = words[-1]
    if last in _KINDS or "".join(words) in _KINDS:
        return True
    before = words[-2] if len(words) > 1 else ""
    if last in _NUMBERS:
        return before in _OF_THINGS
    # In lower case only: `productid`, `ordernumber`.
    return len(words) == 1 and any(
        last == thing + kind for thing in _OF_THINGS for kind in (*_NUMBERS, "id", "ids")
    )
