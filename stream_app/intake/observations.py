"""Events that trackers send by themselves, not caused by the user: pings, vitals, errors, flag requests.

Sources: Snowplow's activity tracking, media and web vitals plugins; PostHog's autocapture, flags, web vitals
exceptions and traces of AI; Segment's and Mux's heartbeats of players.
"""

from __future__ import annotations

import re
from functools import lru_cache

PAGE_PING = "page_ping"
HEARTBEAT = "heartbeat"
PAGE_LEFT = "page_left"
AUTOCAPTURE = "autocapture"
# The user moves, reads, watches or clicks, which continues a session.
SHOW_PRESENCE = frozenset({PAGE_PING, HEARTBEAT, PAGE_LEFT, AUTOCAPTURE})
_NAMES: dict[str, str] = {
    "pageping": PAGE_PING,
    "ping": HEARTBEAT,
    "pingevent": HEARTBEAT,
    "pageleft": PAGE_LEFT,
    "screenend": PAGE_LEFT,
    "$pageleave": PAGE_LEFT,
    "$autocapture": AUTOCAPTURE,
    "$copyautocapture": AUTOCAPTURE,
    "$rageclick": AUTOCAPTURE,
    "$deadclick": AUTOCAPTURE,
    "$featureflagcalled": "feature_flag_called",
    "$webvitals": "web_vitals",
    "webvitals": "web_vitals",
    "$performanceevent": "web_vitals",
    "$exception": "exception",
    "applicationerror": "exception",
    "$heatmap": "heatmap",
    "$snapshot": "snapshot",
    "$optin": "opt_in",
    "$aigeneration": "ai_trace",
    "$aitrace": "ai_trace",
    "$aispan": "ai_trace",
    "$aiembedding": "ai_trace",
}
NAMES = frozenset({*_NAMES.values(), HEARTBEAT})
_NOT_IN_WORDS = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def name_of(event: str) -> str | None:
    """What an event with this name observes, as one of `NAMES`; None for an action of the user."""
    # PostHog's own names start with $: a site's `Snapshot` is an action.
    joined = ("$" if event.startswith("$") else "") + _NOT_IN_WORDS.sub("", event.lower())
    return HEARTBEAT if joined.endswith("heartbeat") else _NAMES.get(joined)
