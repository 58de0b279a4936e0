"""Interprets all free text of one event in one call."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from stream_app.intake.cleaning.campaigns import (
    NO_CAMPAIGN,
    Campaign,
    campaign_of_query,
    medium_of_campaign,
    name_campaign,
    source_of_click_id,
)
from stream_app.intake.cleaning.domains import site_of_host
from stream_app.intake.cleaning.names import device_of_system, name_browser, name_device, name_system
from stream_app.intake.cleaning.referrers import read_referrer, site_search_terms, source_of_domain
from stream_app.intake.cleaning.search_terms import tokenise
from stream_app.intake.cleaning.taxonomy import MAX_FIELDS, load_taxonomy
from stream_app.intake.cleaning.urls import MAX_URL, split_url
from stream_app.intake.cleaning.user_agents import MAX_USER_AGENT, Client, parse_user_agent

# Source, medium, name, term and content.
CampaignNames = tuple[str | None, str | None, str | None, str | None, str | None]


class Surroundings(NamedTuple):
    """The surroundings of an event; empty strings and tuples if unknown.

    `device` is desktop, mobile, tablet, tv or other; `referrer_medium` is one of `referrers.MEDIA`;
    there are at most 8 search terms and 4 fields.
    """

    device: str
    browser: str
    os: str
    is_bot: bool
    referrer_medium: str
    referrer_source: str
    search_terms: tuple[str, ...]
    campaign: Campaign
    fields: tuple[str, ...]


class _Page(NamedTuple):
    site: str
    search_terms: tuple[str, ...]
    campaign: Campaign
    fields: tuple[str, ...]


class _Origin(NamedTuple):
    medium: str
    source: str
    search_terms: tuple[str, ...]
    site: str
    fields: tuple[str, ...]


class Cleaner:
    """Interprets events' contexts with one taxonomy of fields; results are cached, within bounds."""

    def __init__(self, taxonomy: Path | None = None) -> None:
        """Load the taxonomy, the shipped one by default.

        Raises:
            SettingsError: the taxonomy's file cannot be used.
        """
        self._classify = lru_cache(maxsize=8192)(load_taxonomy(taxonomy).classify)
        self._page = lru_cache(maxsize=8192)(self._read_page)
        self._origin = lru_cache(maxsize=8192)(self._read_origin)
        # Actions on a page have the surroundings of its view, so two of three events hit this cache.
        self._described = lru_cache(maxsize=4096)(self._describe)

    def describe(  # noqa: PLR0913
        self,
        user_agent: str | None = None,
        page_url: str | None = None,
        page_referrer: str | None = None,
        device: str | None = None,
        os: str | None = None,
        browser: str | None = None,
        campaign: CampaignNames | None = None,
    ) -> Surroundings:
        """Interpret the text of an event's context.

        `device`, `os` and `browser` are the tracker's own values and take precedence over the user agent, as
        `campaign` does over the URL's.
        """
        # Truncated before use as keys, so that the size of the caches is bounded too.
        if user_agent and len(user_agent) > MAX_USER_AGENT:
            user_agent = user_agent[:MAX_USER_AGENT]
        if page_url and len(page_url) > MAX_URL:
            page_url = page_url[:MAX_URL]
        if page_referrer and len(page_referrer) > MAX_URL:
            page_referrer = page_referrer[:MAX_URL]
        return self._described(user_agent, page_url, page_referrer, device, os, browser, campaign)

    def _describe(  # noqa: PLR0913
        self,
        user_agent: str | None,
        page_url: str | None,
        page_referrer: str | None,
        device: str | None,
        os: str | None,
        browser: str | None,
        campaign: CampaignNames | None,
    ) -> Surroundings:
        site, page_terms, found, fields = self._page(page_url)
        medium, source, terms, origin_site, origin_fields = self._origin(page_referrer)
        if origin_site and origin_site == site:
            medium, source, terms = "internal", "", ()
        elif origin_fields:
            fields = tuple(dict.fromkeys(fields + origin_fields))[:MAX_FIELDS]
        if campaign is not None:
            found = _prefer(name_campaign(*campaign), found)
        if found is not NO_CAMPAIGN and medium != "internal":
            medium, source = _credit(found, medium, source)
            terms = terms or tokenise(found.term)
        kind, name, system, is_bot = _settle_client(user_agent, device, os, browser)
        return Surroundings(kind, name, system, is_bot, medium, source, page_terms or terms, found, fields)

    def _read_page(self, page_url: str | None) -> _Page:
        url = split_url(page_url)
        return _Page(
            site_of_host(url.host),
            site_search_terms(url.query),
            campaign_of_query(url.query),
            self._classify(url.host, url.path),
        )

    def _read_origin(self, page_referrer: str | None) -> _Origin:
        referrer = read_referrer(page_referrer)
        if referrer.medium != "unknown":
            # People pass through search engines and social networks; these are not their interests.
            return _Origin(*referrer, ())
        url = split_url(page_referrer)
        return _Origin(*referrer, self._classify(url.host, url.path))


@lru_cache(maxsize=4096)
def _settle_client(user_agent: str | None, device: str | None, os: str | None, browser: str | None) -> Client:
    parsed = parse_user_agent(user_agent)
    system = name_system(os) or parsed.os
    kind = name_device(device)
    if not kind and not parsed.os and not parsed.is_bot:
        # Segment's mobile libraries send the system's name as the type of the device.
        kind = device_of_system(system) or device_of_system(name_system(device))
    kind = kind or parsed.device
    return Client(kind, name_browser(browser) or parsed.browser, system, parsed.is_bot)


@lru_cache(maxsize=1024)
def _prefer(named: Campaign, read: Campaign) -> Campaign:
    return Campaign._make(one or other for one, other in zip(named, read, strict=True))


@lru_cache(maxsize=4096)
def _credit(campaign: Campaign, medium: str, source: str) -> tuple[str, str]:
    """The medium and source of the campaign if it has them, else those of the referrer."""
    told = medium_of_campaign(campaign)
    if told:
        return told, source or source_of_click_id(campaign) or campaign.source
    if medium == "direct" and campaign.source:
        return source_of_domain(campaign.source) or ("unknown", campaign.source)
    return medium, source
