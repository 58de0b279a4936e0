"""What a user agreed to: one bit per purpose; -1 in a row if the user has not said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from stream_app.intake.wire import CallContext

ANALYTICS = 1
PERSONALISATION = 2
MARKETING = 4
PURPOSES: Mapping[str, int] = MappingProxyType(
    {"analytics": ANALYTICS, "personalisation": PERSONALISATION, "marketing": MARKETING}
)
UNSAID = -1

# The purposes by their names in consent managers, in lower case.
_NAMES: Mapping[str, int] = MappingProxyType(
    {
        **PURPOSES,
        "statistics": ANALYTICS,
        "performance": ANALYTICS,
        "measurement": ANALYTICS,
        "personalization": PERSONALISATION,
        "preferences": PERSONALISATION,
        "functional": PERSONALISATION,
        "advertising": MARKETING,
        "targeting": MARKETING,
        # OneTrust's categories
        "c0002": ANALYTICS,
        "c0003": PERSONALISATION,
        "c0004": MARKETING,
        "c0005": MARKETING,
        # Google's consent mode
        "analytics_storage": ANALYTICS,
        "personalization_storage": PERSONALISATION,
        "functionality_storage": PERSONALISATION,
        "ad_storage": MARKETING,
    }
)
MAX_CONSENT_IDS = 64


def preferences_in(context: CallContext) -> Mapping[str, bool]:
    """The preferences in a context for purposes known here, by the consent manager's names.

    Segment's and RudderStack's formats are read; if a purpose is both allowed and denied, it is denied.
    """
    management = context.consent_management
    if management is None and context.consent is None:
        return {}
    told: dict[str, bool] = {}
    if isinstance(management, dict):
        for name, is_given in (("allowedConsentIds", True), ("deniedConsentIds", False)):
            ids = management.get(name)
            if isinstance(ids, list):
                told |= {id_: is_given for id_ in ids[:MAX_CONSENT_IDS] if isinstance(id_, str)}
    if context.consent is not None:
        told |= context.consent.category_preferences
    return {name: is_given for name, is_given in told.items() if name.strip().lower() in _NAMES}


def consent_bits(purposes: Iterable[str]) -> int:
    """The bits of purposes given by name."""
    bits = 0
    for purpose in purposes:
        bits |= PURPOSES[purpose]
    return bits


def update_consent(consent: int, preferences: Mapping[str, bool], default: int) -> int:
    """The consent after a user's new preferences; purposes that these do not name stay unchanged."""
    said = default if consent == UNSAID else consent
    is_said = consent != UNSAID
    for name, is_given in preferences.items():
        bit = _NAMES.get(name.strip().lower(), 0)
        if bit:
            is_said = True
            said = said | bit if is_given else said & ~bit
    return said if is_said else UNSAID


def agreed_purposes(consent: int, default: int) -> list[str]:
    """The purposes agreed to, by name."""
    bits = default if consent == UNSAID else consent
    return [name for name, bit in PURPOSES.items() if bits & bit]


def is_agreed(consent: int, purpose: int, default: int) -> bool:
    """Whether one purpose is agreed to."""
    return bool((default if consent == UNSAID else consent) & purpose)
