"""The campaign that led to a page: `utm_*` parameters, and the kind of click id in the URL.

A click id's value identifies one click by one person, so only its kind is kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize

from stream_app.intake.cleaning.data_files import read_table
from stream_app.intake.cleaning.missing import present
from stream_app.intake.cleaning.personal import scrub
from stream_app.intake.cleaning.urls import read_parameters, split_url

MAX_VALUE = 64


class Campaign(NamedTuple):
    """A campaign in lower case; missing parts are empty."""

    source: str = ""
    medium: str = ""
    name: str = ""
    term: str = ""
    content: str = ""
    click_id_kind: str = ""


NO_CAMPAIGN = Campaign()
_RULES = read_table("campaigns.toml")
_CLICK_IDS: dict[str, dict[str, str]] = _RULES["click_ids"]
_MEDIUMS: dict[str, str] = {word: medium for medium, words in _RULES["mediums"].items() for word in words}
_PARTS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_WANTED = frozenset(_PARTS) | frozenset(_CLICK_IDS)


def read_campaign(url: str | None) -> Campaign:
    """The campaign in a page's URL."""
    return campaign_of_query(split_url(url).query)


def campaign_of_query(query: str) -> Campaign:
    """The campaign in a URL's encoded query."""
    found = read_parameters(query, _WANTED)
    if not found:
        return NO_CAMPAIGN
    named = name_campaign(*map(found.get, _PARTS))
    kind = next((name for name in _CLICK_IDS if present(found.get(name), MAX_VALUE)), "")
    return named._replace(click_id_kind=kind) if kind else named


@lru_cache(maxsize=1024)
def name_campaign(
    source: str | None, medium: str | None, name: str | None, term: str | None, content: str | None
) -> Campaign:
    """The campaign named by the tracker itself (Segment `context.campaign`)."""
    return Campaign(_clean(source), _clean(medium), _clean(name), _clean(term), _clean(content))


def medium_of_campaign(campaign: Campaign) -> str:
    """The referrer medium of a campaign (paid, email, social, search), or empty."""
    if campaign.medium in _MEDIUMS:
        return _MEDIUMS[campaign.medium]
    if campaign.click_id_kind:
        return _CLICK_IDS[campaign.click_id_kind]["medium"]
    return ""


def source_of_click_id(campaign: Campaign) -> str:
    """Who issued the click id, or empty."""
    return _CLICK_IDS[campaign.click_id_kind]["source"] if campaign.click_id_kind else ""


def _clean(text: str | None) -> str:
    given = present(text, 4 * MAX_VALUE)
    if not given:
        return ""
    value = scrub(normalize("NFKC", given).casefold())
    return present(" ".join(value.split()), MAX_VALUE).strip(" _-|.+")
