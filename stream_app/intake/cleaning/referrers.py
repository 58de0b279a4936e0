"""Where a visit came from: the medium, source and search terms of a referrer's URL.

The media are those of Snowplow's referer-parser, with `ai` for assistants and `direct` for no referrer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stream_app.intake.cleaning.data_files import read_table
from stream_app.intake.cleaning.domains import DomainTable, domain_of_host, site_of_host
from stream_app.intake.cleaning.missing import present
from stream_app.intake.cleaning.search_terms import tokenise
from stream_app.intake.cleaning.urls import APP_SCHEMES, MAX_URL, read_parameters, split_url

MEDIA = ("internal", "search", "social", "email", "paid", "ai", "unknown", "direct")
MAX_SOURCE = 64


class Referrer(NamedTuple):
    """A referrer regardless of the page; `site` is its registered domain, or else its host."""

    medium: str
    source: str
    terms: tuple[str, ...]
    site: str


class _Source(NamedTuple):
    medium: str
    name: str
    parameters: tuple[str, ...]


DIRECT = Referrer("direct", "", (), "")
_RULES = read_table("referrers.toml")
_DIRECT_WORDS = frozenset(_RULES["direct"])
_SITE_SEARCH: tuple[str, ...] = tuple(_RULES["site_search_parameters"])


def _sources(kind: str) -> Iterator[tuple[str, _Source]]:
    for medium in ("search", "social", "email", "paid", "ai"):
        for name, entry in _RULES[medium].items():
            source = _Source(medium, name, tuple(entry.get("parameters", ())))
            for place in entry.get(kind, ()):
                yield place, source


PASSAGE = _Source("unknown", "", ())
_BY_DOMAIN = DomainTable((*_sources("domains"), *((host, PASSAGE) for host in _RULES["passage"]["hosts"])))
_BY_APP = dict(_sources("apps"))


def read_referrer(referrer: str | None) -> Referrer:
    """The medium, source and search terms of a referrer's URL, regardless of the page."""
    text = present(referrer, MAX_URL)
    if not text or text.casefold() in _DIRECT_WORDS:
        return DIRECT
    url = split_url(text)
    if not url.host:
        return Referrer("unknown", "", (), "")
    is_app = url.scheme in APP_SCHEMES
    site = url.host if is_app else site_of_host(url.host)
    name = url.host if is_app else domain_of_host(url.host)
    source = _BY_APP.get(url.host) if is_app else _BY_DOMAIN.find(url.host)
    if source is None or source is PASSAGE:
        return Referrer("unknown", name[:MAX_SOURCE], (), site)
    return Referrer(source.medium, source.name, _first_terms(url.query, source.parameters), site)


def classify_referrer(referrer: str | None, page_url: str | None) -> Referrer:
    """The referrer of a page; it is internal, without terms, if it has the page's registered domain."""
    found = read_referrer(referrer)
    if found.site and found.site == site_of_host(split_url(page_url).host):
        return Referrer("internal", "", (), found.site)
    return found


def source_of_domain(domain: str) -> tuple[str, str] | None:
    """The medium and source of a domain given as a campaign's source, such as `chatgpt.com`."""
    source = _BY_DOMAIN.find(domain) if "." in domain else None
    return None if source is None or source is PASSAGE else (source.medium, source.name)


def site_search_terms(query: str) -> tuple[str, ...]:
    """The terms of a search on the page's own site."""
    return _first_terms(query, _SITE_SEARCH)


def _first_terms(query: str, parameters: tuple[str, ...]) -> tuple[str, ...]:
    found = read_parameters(query, parameters)
    return next((terms for name in parameters if (terms := tokenise(found.get(name)))), ())
