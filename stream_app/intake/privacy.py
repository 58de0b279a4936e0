"""At the door: IP addresses masked, listed fields replaced by a keyed hash, personal texts taken out.

Pseudonyms are HMAC-SHA256 (RFC 2104) under the newest key, told apart by the key's name: whoever holds no
key cannot try out addresses, and a new key makes new pseudonyms. IPv4 addresses lose their last octets;
IPv6 addresses keep a /48 prefix, which is a site's (RFC 6177).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import orjson

from stream_app.settings.placeholder_ids import SHIPPED, PlaceholderIds

PSEUDONYM_BYTES = 16
IPV6_PREFIX_BITS = 48
USER_FIELDS = frozenset({"userId", "user_id", "anonymousId", "anonymous_id", "previousId"})
UNTOUCHED_FIELDS = frozenset({"messageId", "timestamp"})
# A browser's version is written like an address, which it must not be taken for.
AGENT_FIELDS = frozenset({"userAgent", "user_agent"})
MAX_DEPTH = 32
REMOVED = "[removed]"

# Both as people write them and as addresses of pages carry them (percent-encoded).
_EMAIL = re.compile(r"[\w.+%-]+(?:@|%40|\\u0040)[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    r"(?:\+|%2B|\b00)\d(?:(?:[\s().+-]|%2[089DE]){0,2}\d){7,14}\b"
    r"|(?:\(|%28)\d{3}(?:\)|%29)(?:[ +]|%20)?\d{3}-\d{4}\b|\b\d{3}-\d{3}-\d{4}\b",
    re.IGNORECASE,
)
_PSEUDONYM = re.compile(r"([0-9A-Za-z]+):[0-9a-f]{32}")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_IPV4_NO_VERSION = re.compile(r"(?<![\d./])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])")


class Privacy:
    """What may be kept of who somebody is.

    `keys` are (name, secret), the newest first; with none, listed fields are removed. `hashed_fields` are
    names at any depth of an event; user ids are replaced only where they are listed too.
    """

    def __init__(
        self,
        keys: Sequence[tuple[str, bytes]] = (),
        hashed_fields: Sequence[str] = ("email", "phone"),
        masked_octets: int = 1,
        marker_key: bytes = b"",
        placeholder_ids: PlaceholderIds = SHIPPED,
    ) -> None:
        self._keys = keys
        self._hashed_fields = frozenset(hashed_fields)
        self._masked_octets = masked_octets
        self._marker_key = marker_key
        self._placeholder_ids = placeholder_ids
        self._hashes_users = not USER_FIELDS.isdisjoint(self._hashed_fields)

    def user_key(self, user_id: str) -> str:
        """The key of a user's row: their id, or its pseudonym where user ids are listed."""
        return self._pseudonym(user_id) if self._hashes_users else user_id

    def user_keys(self, user_id: str) -> list[str]:
        """Every key under which a user may be held, by all keys still known, newest first."""
        if not self._hashes_users or self._is_pseudonym(user_id):
            return [user_id]
        return [_hash(name, key, user_id) for name, key in self._keys]

    def marker(self, user_key: str) -> str:
        """A keyed hash by which an erased user is known again, and which tells nobody's name.

        Its key is the one that signs snapshots: it is there in every deployment, kept apart from the data,
        and not rotated as pseudonyms' keys are.
        """
        return (
            hmac.new(self._marker_key, b"erased" + user_key.encode(), sha256).digest()[:PSEUDONYM_BYTES].hex()
        )

    def scrub(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event as it may be kept, at any depth."""
        scrubbed: dict[str, Any] = self._scrub("", event, 0)
        return scrubbed

    def scrub_bytes(self, original: bytes) -> bytes:
        """A record as it may be kept, whatever it is; what nothing had to be taken out of stays as it is."""
        try:
            parsed = orjson.loads(original)
        except orjson.JSONDecodeError:
            return self._scrub_raw(original)
        scrubbed = self._scrub("", parsed, 0)
        return original if scrubbed == parsed else orjson.dumps(scrubbed)

    def mask_ip(self, address: str) -> str:
        """An IP address without its last part; what is no address is removed."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return REMOVED
        if isinstance(parsed, IPv4Address):
            bits = 8 * self._masked_octets
            return str(IPv4Address(int(parsed) >> bits << bits))
        bits = 128 - IPV6_PREFIX_BITS
        return str(IPv6Address(int(parsed) >> bits << bits))

    def _scrub(self, name: str, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            return REMOVED
        if name in self._hashed_fields and isinstance(value, str | int | float):
            is_nobody = name in USER_FIELDS and self._placeholder_ids.stands_for_nobody(str(value))
            # A pseudonym would hide that it stands for nobody, and make one person of all.
            return value if value == "" or is_nobody else self._pseudonym(str(value))
        if isinstance(value, str):
            if name in UNTOUCHED_FIELDS or name in USER_FIELDS:
                return value
            if name in AGENT_FIELDS:
                value = _PHONE.sub(REMOVED, _EMAIL.sub(REMOVED, value))
                return _IPV6.sub(self._mask_found, _IPV4_NO_VERSION.sub(self._mask_found, value))
            return self.mask_ip(value) if name == "ip" else self._scrub_text(value)
        if isinstance(value, dict):
            is_listed = name in self._hashed_fields
            return {
                key if key.isidentifier() else self._scrub_text(key): self._scrub(
                    name if is_listed else key, inner, depth + 1
                )
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self._scrub(name, inner, depth + 1) for inner in value]
        return value

    def _scrub_text(self, text: str) -> str:
        if len(text) < 5:
            return text
        if "@" in text or "%40" in text or "u0040" in text:
            text = _EMAIL.sub(REMOVED, text)
        text = _PHONE.sub(REMOVED, text)
        text = _IPV4.sub(self._mask_found, text)
        return _IPV6.sub(self._mask_found, text) if text.count(":") > 1 else text

    def _scrub_raw(self, original: bytes) -> bytes:
        # Latin 1 gives each byte a character and back, whatever the bytes are.
        text = original.decode("latin-1")
        return self._scrub_text(text).encode("latin-1")

    def _mask_found(self, found: re.Match[str]) -> str:
        masked = self.mask_ip(found[0])
        return found[0] if masked == REMOVED else masked

    def _is_pseudonym(self, value: str) -> bool:
        found = _PSEUDONYM.fullmatch(value)
        return found is not None and any(found[1] == name for name, _ in self._keys)

    def _pseudonym(self, value: str) -> str:
        if self._is_pseudonym(value):
            return value  # taken in, it was replaced already
        if not self._keys:
            return REMOVED
        name, key = self._keys[0]
        return _hash(name, key, value)


def _hash(name: str, key: bytes, value: str) -> str:
    digest = hmac.new(key, value.encode("utf-8", "surrogatepass"), sha256).digest()
    return f"{name}:{digest[:PSEUDONYM_BYTES].hex()}"
