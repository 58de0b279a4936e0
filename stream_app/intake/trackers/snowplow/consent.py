"""What a Snowplow event says of the user's consent, as preferences by purpose.

Source: Iglu Central, `consent_preferences` (enhanced consent plugin), `consent_granted`, `consent_withdrawn`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream_app.intake.trackers.snowplow.self_describing import Described

PURPOSES = ("analytics", "personalisation", "marketing")
ALLOWED = frozenset({"allow_all", "allow_selected"})
DENIED = frozenset({"deny_all", "withdrawn"})
MAX_SCOPES = 64


def preferences_of(event: Described | None) -> dict[str, bool]:
    """Purposes with whether the user agrees to them; empty where the event says nothing of it."""
    if event is None:
        return {}
    if event.name == "consent_preferences":
        return _of_choice(event.data)
    if event.name == "consent_withdrawn" and event.data.get("all") is True:
        return dict.fromkeys(PURPOSES, False)
    return {}


def _of_choice(data: Mapping[str, Any]) -> dict[str, bool]:
    """All that is not among the scopes of a choice is not agreed to."""
    kind, scopes = data.get("eventType"), data.get("consentScopes")
    if kind in DENIED:
        return dict.fromkeys(PURPOSES, False)
    if kind not in ALLOWED:
        return {}
    named = (
        [scope for scope in scopes[:MAX_SCOPES] if isinstance(scope, str)] if isinstance(scopes, list) else []
    )
    if kind == "allow_all":
        return dict.fromkeys((*PURPOSES, *named), True)
    return dict.fromkeys(PURPOSES, False) | dict.fromkeys(named, True)
