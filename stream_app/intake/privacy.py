"""Privacy at intake: masks IP addresses, replaces listed fields by a keyed hash, removes personal text.

Pseudonyms are HMAC-SHA256 (RFC 2104) under the newest key, told apart by the key's name: whoever holds no
key cannot try out addresses, and a new key makes new pseudonyms. IPv4 addresses lose their last octets;
IPv6 addresses keep a /48 prefix, which is a site's (RFC 6177).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from stream_app.intake.check_digits import is_card
from stream_app.intake.id_fields import is_id_field
from stream_app.intake.ip_addresses import find_addresses, parse_address
from stream_app.intake.personal_text import MEMO_LENGTH, find_personal
from stream_app.settings.placeholder_ids import SHIPPED, PlaceholderIds

PSEUDONYM_BYTES = 16
IPV6_PREFIX_BITS = 48
USER_FIELDS = frozenset({"userId", "user_id", "anonymousId", "anonymous_id", "previousId"})
# Of the event itself, not its content: repeats and users are recognised by these.
KEPT_AS_SENT = USER_FIELDS | {"messageId"}
# A browser's version looks like an address but must not be treated as one.
AGENT_FIELDS = frozenset({"userAgent", "user_agent"})
MAX_DEPTH = 32
REMOVED = "[removed]"
SHORTEST_PERSONAL = 5  # characters: 1.2.3.4 and the shortest e-mail address have more
FEWEST_CARD_DIGITS = 14

MOST_REMEMBERED = 32_768  # texts and names of fields: most of an event's came in another one before

_PSEUDONYM = re.compile(r"([0-9A-Za-z]{1,64}):[0-9a-f]{32}")
# Nothing personal is found in one, and no two events have the same: not worth remembering.
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")


Known = TypeVar("Known")


class _Remembered(dict[str, Known], Generic[Known]):
    """What follows from texts, by text; when there are too many, all are forgotten."""

    def __init__(self, follows: Callable[[str], Known]) -> None:
        self._follows = follows

    def __missing__(self, text: str) -> Known:
        follows = self._follows(text)
        if len(text) <= MEMO_LENGTH and not _TIMESTAMP.fullmatch(text):
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            self[text] = follows
        return follows


class _Field(NamedTuple):
    """What the name of a field says of the texts in it; `kept` is the name as it may be kept.

    `cleaned` has each text as it may be kept in such a field.
    """

    kept: str
    is_hashed: bool
    is_kept_as_sent: bool
    cleaned: _Remembered[str]


class Privacy:
    """Decides what may be kept about a person's identity.

    `keys` are (name, secret), the newest first; with none, listed fields are removed. `hashed_fields` are
    names at any depth of an event; user ids are replaced only where they are listed too. Erased users are
    marked under the first of the `marker_keys`, and known by all of them.
    """

    def __init__(
        self,
        keys: Sequence[tuple[str, bytes]] = (),
        hashed_fields: Sequence[str] = ("email", "phone"),
        masked_octets: int = 1,
        marker_keys: Sequence[bytes] = (b"",),
        placeholder_ids: PlaceholderIds = SHIPPED,
    ) -> None:
        self._keys = keys
        self._hashed_fields = frozenset(hashed_fields)
        self._masked_octets = masked_octets
        self._marker_keys = marker_keys
        self._placeholder_ids = placeholder_ids
        self._hashes_users = not USER_FIELDS.isdisjoint(self._hashed_fields)
        self._masked = _Remembered(self.mask_ip)
        self._cleaned = {
            (is_id, is_agent): _Remembered(partial(self._scrub_text, is_id=is_id, is_agent=is_agent))
            for is_id in (False, True)
            for is_agent in (False, True)
        }
        self._fields = _Remembered(self._describe_field)

    def user_key(self, user_id: str) -> str:
        """The key of a user's row: their id, or its pseudonym if user ids are listed."""
        return self._pseudonym(user_id) if self._hashes_users else user_id

    def user_keys(self, user_id: str) -> list[str]:
        """Every key under which a user may be stored, for all secrets still known, newest first."""
        if not self._hashes_users or self._is_pseudonym(user_id):
            return [user_id]
        return [_hash(name, key, user_id) for name, key in self._keys]

    def marker(self, user_key: str) -> str:
        """A keyed hash by which an erased user is known again, and which tells nobody's name.

        Its key is the one that signs snapshots: it is there in every deployment, apart from the data.
        """
        return _mark(self._marker_keys[0], user_key)

    def markers(self, user_key: str) -> list[str]:
        """The marks of a user under every key with which they may have been marked, the present one first."""
        return [_mark(key, user_key) for key in self._marker_keys]

    def scrub(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Remove from an event what must not be kept, at any depth."""
        scrubbed: dict[str, Any] = self._scrub("", event, 0)
        return scrubbed

    def scrub_bytes(self, original: bytes) -> bytes:
        """Remove from any record what must not be kept; a record without such parts is returned unchanged."""
        try:
            parsed = orjson.loads(original)
        except orjson.JSONDecodeError:
            return self._scrub_raw(original)
        scrubbed = self._scrub("", parsed, 0)
        return original if scrubbed == parsed else orjson.dumps(scrubbed)

    def mask_ip(self, address: str) -> str:
        """An IP address without its last part; anything that is not an address is removed."""
        parsed = parse_address(address)
        return REMOVED if parsed is None else self._mask(parsed)

    def _mask(self, address: IPv4Address | IPv6Address) -> str:
        if isinstance(address, IPv4Address):
            bits = 8 * self._masked_octets
            return str(IPv4Address(int(address) >> bits << bits))
        bits = 128 - IPV6_PREFIX_BITS
        return str(IPv6Address(int(address) >> bits << bits))

    def _scrub(self, name: str, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            return REMOVED
        if name in self._hashed_fields and isinstance(value, str | int | float):
            is_nobody = name in USER_FIELDS and self._placeholder_ids.stands_for_nobody(str(value))
            # A pseudonym would hide that the id is a placeholder, and merge all such users into one.
            return value if value == "" or is_nobody else self._pseudonym(str(value))
        if isinstance(value, str):
            if depth == 1 and name in KEPT_AS_SENT:
                return value
            if name == "ip":
                return self.mask_ip(value)
            return self._scrub_text(value, is_id_field(name), name in AGENT_FIELDS)
        if isinstance(value, dict):
            return self._scrub_object(name, value, depth + 1)
        if isinstance(value, list):
            return [self._scrub(name, inner, depth + 1) for inner in value]
        if isinstance(value, int) and not isinstance(value, bool):
            return self._scrub_number(value, name)
        return value

    def _scrub_object(self, name: str, fields: dict[str, Any], depth: int) -> dict[str, Any]:
        """An object in a field of this name; what a listed field holds is listed with it."""
        known, is_listed, is_deep = self._fields, name in self._hashed_fields, depth > MAX_DEPTH
        scrubbed: dict[str, Any] = {}
        for key, value in fields.items():
            kept, is_hashed, is_kept_as_sent, cleaned = known[key]
            if is_listed or is_deep or is_hashed:
                scrubbed[kept] = self._scrub(name if is_listed else key, value, depth)
            elif type(value) is str:
                scrubbed[kept] = value if depth == 1 and is_kept_as_sent else cleaned[value]
            elif type(value) is dict:
                scrubbed[kept] = self._scrub_object(key, value, depth + 1)
            else:
                scrubbed[kept] = self._scrub(key, value, depth)
        return scrubbed

    def _describe_field(self, name: str) -> _Field:
        return _Field(
            kept=self._scrub_text(name, is_id=True),
            is_hashed=name in self._hashed_fields,
            is_kept_as_sent=name in KEPT_AS_SENT,
            cleaned=self._masked if name == "ip" else self._cleaned[is_id_field(name), name in AGENT_FIELDS],
        )

    def _scrub_number(self, value: int, name: str) -> int | str:
        is_long = abs(value) >= 10 ** (FEWEST_CARD_DIGITS - 1)
        return REMOVED if is_long and not is_id_field(name) and is_card(str(value)) else value

    def _scrub_text(self, text: str, is_id: bool = False, is_agent: bool = False) -> str:
        if len(text) < SHORTEST_PERSONAL or _TIMESTAMP.fullmatch(text):
            return text
        return self._clean(text, is_id, is_agent)

    def _clean(self, text: str, is_id: bool, is_agent: bool) -> str:
        found = find_personal(text, as_id=is_id)
        if found:
            text = _replace(text, ((start, end, REMOVED) for start, end in found))
        addresses = sorted(find_addresses(text, in_agent=is_agent))
        if addresses:
            text = _replace(text, ((start, end, self._mask(address)) for start, end, address in addresses))
        return text

    def _scrub_raw(self, original: bytes) -> bytes:
        # Bytes that are not UTF-8 are restored unchanged.
        text = original.decode("utf-8", "surrogateescape")
        return self._scrub_text(text).encode("utf-8", "surrogateescape")

    def _is_pseudonym(self, value: str) -> bool:
        found = _PSEUDONYM.fullmatch(value)
        return found is not None and any(found[1] == name for name, _ in self._keys)

    def _pseudonym(self, value: str) -> str:
        if self._is_pseudonym(value):
            return value  # already replaced at intake
        if not self._keys:
            return REMOVED
        name, key = self._keys[0]
        return _hash(name, key, value)


def _mark(key: bytes, user_key: str) -> str:
    return hmac.new(key, b"erased" + user_key.encode(), sha256).digest()[:PSEUDONYM_BYTES].hex()


def _hash(name: str, key: bytes, value: str) -> str:
    digest = hmac.new(key, value.encode("utf-8", "surrogatepass"), sha256).digest()
    return f"{name}:{digest[:PSEUDONYM_BYTES].hex()}"


def _replace(text: str, parts: Iterator[tuple[int, int, str]]) -> str:
    """Replace parts of the text, given in order."""
    kept: list[str] = []
    place = 0
    for start, end, instead in parts:
        kept += (text[place:start], instead)
        place = end
    kept.append(text[place:])
    return "".join(kept)
