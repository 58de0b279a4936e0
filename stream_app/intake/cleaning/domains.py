"""Registered domains of hosts, by the copy of the Public Suffix List in tldextract."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Generic, TypeVar

from tldextract import TLDExtract

from stream_app.intake.cleaning.urls import split_url

T = TypeVar("T")

# Sites in the list's private section (`name.github.io`) have different owners, so each is a site.
_EXTRACT = TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
_EXTRACT.extract_str("")  # load the list now, which would take too long for an event


def registered_domain(url: str | None) -> str:
    """The registered domain of a URL, such as `bbc.co.uk`; empty if there is none (an IP address, a path)."""
    return domain_of_host(split_url(url).host)


def domain_of_host(host: str) -> str:
    """The registered domain of a host in lower case."""
    return _extract(host).top_domain_under_public_suffix if host else ""


def site_of_host(host: str) -> str:
    """What identifies a site: the registered domain, or else the host itself."""
    return domain_of_host(host) or host


class DomainTable(Generic[T]):
    """Values by domain; the most specific domain of a host wins.

    A domain is written in full (`news.example.com`) or with `*` for any public suffix (`example.*`).
    """

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._values = dict(entries)

    def find(self, host: str) -> T | None:
        """The value of the host's most specific listed domain."""
        for domain in _domains_above(host):
            value = self._values.get(domain)
            if value is not None:
                return value
        return None


_extract = lru_cache(maxsize=8192)(_EXTRACT.extract_str)


@lru_cache(maxsize=8192)
def _domains_above(host: str) -> tuple[str, ...]:
    """The entries that may match a host, most specific first."""
    if not host:
        return ()
    labels = host.split(".")
    suffix = _extract(host).registry_suffix
    end = len(labels) - (suffix.count(".") + 1 if suffix else 0)
    domains = []
    for start in range(end):
        domains.append(".".join(labels[start:]))
        if suffix:
            domains.append(".".join(labels[start:end]) + ".*")
    # A suffix can be listed itself: all of gov.uk belongs to one government.
    domains += [".".join(labels[start:]) for start in range(end, len(labels))]
    return tuple(domains)
