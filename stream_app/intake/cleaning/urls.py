"""The meaningful parts of whatever a tracker sends as a URL."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple
from urllib.parse import unquote_plus, urlsplit

from stream_app.intake.cleaning.missing import present

MAX_URL = 2048
MAX_HOST = 253  # RFC 1035, section 2.3.4, without the root's dot
MAX_PARAMETERS = 64
MAX_VALUE = 512
APP_SCHEMES = frozenset({"android-app", "ios-app"})
_WEB_SCHEMES = frozenset({"", "http", "https"})
_BARE_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?=[:/?#]|$)")


class Url(NamedTuple):
    """A URL without user, password and port; all parts but the host are still encoded."""

    scheme: str
    host: str
    path: str
    query: str


NO_URL = Url("", "", "", "")


def split_url(text: str | None) -> Url:
    """The parts of a web or app URL (`android-app://package`); empty for anything else.

    A host without a scheme (`example.com/path`) and a path without a host are accepted too. Parameters in a
    fragment (`#/path?name=value`) count as part of the query.
    """
    text = present(text, MAX_URL)
    if not text:
        return NO_URL
    if "://" not in text[:16] and _BARE_HOST.match(text):
        text = "//" + text
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:  # brackets without an IPv6 address, or a host that NFKC would change
        return NO_URL
    if len(host) > MAX_HOST or (parts.scheme not in _WEB_SCHEMES and parts.scheme not in APP_SCHEMES):
        return NO_URL
    query = parts.query
    if "=" in parts.fragment:
        query += "&" + parts.fragment.rpartition("?")[2]
    return Url(parts.scheme, host.rstrip("."), parts.path, query)


def read_parameters(query: str, wanted: Container[str]) -> dict[str, str]:
    """The first value of each wanted parameter, decoded; names are compared in lower case."""
    found: dict[str, str] = {}
    if not query:
        return found
    for pair in query.split("&", MAX_PARAMETERS)[:MAX_PARAMETERS]:
        name, _, value = pair.partition("=")
        name = name.lower().removeprefix("amp;")  # a link that was HTML-escaped twice
        if name in wanted and name not in found:
            found[name] = unquote_plus(value[:MAX_VALUE])
    return found
