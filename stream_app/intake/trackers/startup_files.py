"""The files that trackers read before they send anything, so that a page needs only host and key.

Each only says that events are accepted here: no destinations, no flags, no recordings. Sources: Segment's
`/v1/projects/KEY/settings` (analytics-next, Swift, Kotlin), RudderStack's `/sourceConfig`, PostHog's remote
config and `/flags` (before 2025: `/decide`).
"""

from __future__ import annotations

from typing import Any

import orjson

from stream_app.intake.trackers.declaration import Answer, Reading, Sent
from stream_app.intake.trackers.json_records import parse_object, text_in

UNPACKED_BY = ["gzip", "gzip-js"]


def read_segment_start(sent: Sent) -> Reading:
    """Settings of a Segment source that sends only to this collector; without them it sends to Segment."""
    key = sent.parameters["key"]
    destination = {
        "apiKey": key,
        "apiHost": f"{sent.headers.get('host', '')}/v1",
        "protocol": _page_scheme(sent),
        "versionSettings": {},
    }
    return _reading(
        key,
        {
            "integrations": {"Segment.io": destination},
            "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
            "edgeFunction": {},
            "analyticsNextEnabled": True,
            "middlewareSettings": {},
            "enabledMiddleware": {},
            "metrics": {"sampleRate": 0},
            "legacyVideoPluginsEnabled": False,
            "remotePlugins": [],
        },
    )


def read_rudderstack_start(sent: Sent) -> Reading:
    """The configuration of a RudderStack source without destinations or reports to RudderStack."""
    key = sent.query.get("writeKey")
    off = {"enabled": False}
    source: dict[str, Any] = {
        "id": "collector",
        "name": "collector",
        "writeKey": key,
        "enabled": True,
        "workspaceId": "collector",
        "config": {"statsCollection": {"errors": off, "metrics": off}},
        "destinations": [],
        "connections": [],
        "dataplanes": {},
    }
    return _reading(key, {"source": source, "updatedAt": "2026-01-01T00:00:00.000Z", "isHosted": False})


def read_posthog_start(sent: Sent) -> Reading:
    """PostHog's remote configuration: plain capture, everything else off."""
    key = sent.parameters["key"]
    return _reading(key, _posthog_config(key))


def read_posthog_script(sent: Sent) -> Reading:
    """The same as a script, which posthog-js loads first."""
    key = sent.parameters["key"]
    loaded = {"config": _posthog_config(key), "siteApps": []}
    script = (
        b"(function(w){w._POSTHOG_REMOTE_CONFIG=w._POSTHOG_REMOTE_CONFIG||{};"
        b"w._POSTHOG_REMOTE_CONFIG[" + orjson.dumps(key) + b"]=" + orjson.dumps(loaded) + b"})(window);"
    )
    return Reading([], key, Answer(script, "text/javascript"))


def read_posthog_flags(sent: Sent) -> Reading:
    """No feature flags, for the key in the body."""
    key = text_in(parse_object(sent.body), "token", "api_key", "$token")
    return _reading(key, _posthog_config(key or ""))


def read_posthog_surveys(sent: Sent) -> Reading:
    """No surveys."""
    return _reading(sent.query.get("token"), {"surveys": []})


def _reading(key: str | None, content: dict[str, Any]) -> Reading:
    return Reading([], key, Answer(orjson.dumps(content)))


def _page_scheme(sent: Sent) -> str:
    """`https` or `http`, as the sender's page reaches the collector.

    A proxy that terminates TLS is not always trusted. Its header only affects the answer to its own client,
    and an https page can only have used https.
    """
    forwarded = sent.headers.get("x-forwarded-proto", "").strip().lower()
    is_secure = sent.headers.get("origin", "").startswith("https:") or forwarded.startswith("https")
    return "https" if is_secure else "http"


def _posthog_config(key: str) -> dict[str, Any]:
    # Nothing of surveys: posthog-js loads their script where they are said to be off.
    return {
        "token": key,
        "supportedCompression": UNPACKED_BY,
        "hasFeatureFlags": False,
        "flags": {},
        "featureFlags": {},
        "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False,
        "config": {"enable_collect_everything": True},
        "analytics": {"endpoint": "/i/v0/e/"},
        "autocapture_opt_out": False,
        "autocaptureExceptions": False,
        "captureDeadClicks": False,
        "capturePerformance": False,
        "defaultIdentifiedOnly": True,
        "elementsChainAsString": True,
        "heatmaps": False,
        "isAuthenticated": False,
        "sessionRecording": False,
        "siteApps": [],
        "toolbarParams": {},
    }
