"""The client's address behind proxies, and whether its web page may send."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.requests import Request

from stream_app.serving.collector.refusals import RefusalReason, RefusedError

_PLAIN = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,8192}")  # printable ASCII without the backslash
Address = IPv4Address | IPv6Address
MOST_REMEMBERED = 4096  # addresses: clients send more than one request
LONGEST_REMEMBERED = 64  # characters, for anybody can write what is no address
FORWARDING_HEADERS = ("x-forwarded-for", "forwarded", "x-real-ip")
CLIENT_PREFIX = 64  # one IPv6 subscriber can use any address within this prefix


class Clients:
    """Determines client addresses, trusting `X-Forwarded-For` only from the configured proxies."""

    def __init__(self, trusted_proxies: Sequence[str], origins: Sequence[str]) -> None:
        self._proxies = [ip_network(network) for network in trusted_proxies]
        self._origins = frozenset(origins)

    def address(self, request: Request) -> Address | None:
        """The client's address: the last one that is not a trusted proxy's; None if unknown."""
        peer = _address(request.client.host) if request.client else None
        if peer is None or not self._is_proxy(peer):
            return peer
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        for hop in reversed(forwarded.split(",") if forwarded else []):
            address = _address(hop)
            if address is None or not self._is_proxy(address):
                return address
        return peer

    def check_local(self, request: Request) -> None:
        """Check that a request comes from this machine and addresses it by one of its own names.

        Raises:
            RefusedError: it does not, or it may not.
        """
        address = self.address(request)
        peer_is_proxy = request.client is not None and self._is_proxy(_address(request.client.host))
        is_forwarded = any(name in request.headers for name in FORWARDING_HEADERS) and not peer_is_proxy
        # Another site can resolve its own name to this machine; the Host header reveals that.
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        named = _address(host)
        is_own_name = host == "localhost" or (named is not None and named.is_loopback)
        if address is None or not address.is_loopback or is_forwarded or not is_own_name:
            raise RefusedError(
                RefusalReason.WRITE_KEY,
                "the collector has no write keys and takes events from its own machine alone: "
                "set STREAM_APP_WRITE_KEYS",
            )

    def check_origin(self, request: Request) -> None:
        """Check that a sending web page belongs to this server or to an allowed site.

        Raises:
            RefusedError: it does not. A browser would hide the answer, but still send a beacon.
        """
        origin = request.headers.get("origin")
        if origin is None or "*" in self._origins or origin.lower() in self._origins:
            return
        if urlsplit(origin).netloc != request.headers.get("host"):
            raise RefusedError(
                RefusalReason.ORIGIN, "pages of this site may not send: add it to STREAM_APP_CORS_ORIGINS"
            )

    def check_forward(self, url: str) -> None:
        """Make sure that a browser may be sent on to an address: anybody can write links to a collector.

        Raises:
            RefusedError: it is not one of a site that is named among those whose pages may send.
        """
        scheme, netloc = urlsplit(url)[:2] if _PLAIN.fullmatch(url) else ("", "")
        if f"{scheme}://{netloc}".lower() not in self._origins - {"*"}:
            raise RefusedError(
                RefusalReason.ORIGIN, "links lead on to the sites named in STREAM_APP_CORS_ORIGINS alone"
            )

    def place(self, host: str) -> str | None:
        """The key by which connections of a client are counted; None for a proxy."""
        address = _address(host)
        return None if self._is_proxy(address) else rate_place(address)

    def _is_proxy(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._proxies)


@lru_cache(maxsize=MOST_REMEMBERED)
def rate_place(address: Address | None) -> str:
    """The key by which a client's rate is counted: its address, or its IPv6 network."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, CLIENT_PREFIX), strict=False))
    return str(address)


def _address(text: str) -> Address | None:
    bare = text.strip().strip("[]")
    return (_parse if len(bare) <= LONGEST_REMEMBERED else _parse.__wrapped__)(bare)


@lru_cache(maxsize=MOST_REMEMBERED)
def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
