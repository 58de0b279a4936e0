"""One line for each output about a user."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from stream_app.serving.api.ports import Entry
from stream_app.serving.pages.words import CHANCES, OUTPUTS, date_and_time
from stream_app.serving.pictures.numbers import plain, share

MOST_ITEMS = 4


def describe_entry(entry: Entry) -> dict[str, str]:
    """When it was, in event time, and what it says."""
    output = orjson.loads(entry.body)
    told = _TOLD.get(entry.schema_name)
    what = told(output) if told else OUTPUTS.get(entry.schema_name, entry.schema_name)
    return {"when": date_and_time(datetime.fromisoformat(output["as_of"])), "what": what}


def _tier(output: dict[str, Any]) -> str:
    before = output["previous_tier"]
    came = (
        "first tier" if before is None else "tier confirmed" if before == output["tier"] else "tier changed"
    )
    return f"{came}: {output['tier_name']}"


def _outlook(output: dict[str, Any]) -> str:
    chances = [
        f"{CHANCES.get(chance['target'], chance['target'])} {share(chance['probability'])}"
        for chance in output["chances"]
    ]
    return f"outlook: {', '.join(chances)}"


def _session(output: dict[str, Any]) -> str:
    items = list(dict.fromkeys(output["items"]))
    more = f" and {len(items) - MOST_ITEMS} more" if len(items) > MOST_ITEMS else ""
    seen = f", looked at {', '.join(items[:MOST_ITEMS])}{more}" if items else ""
    minutes = output["duration"] / 60
    return f"visit of {minutes:.0f} min with {plain(output['event_count'])} events{seen}"


def _list(output: dict[str, Any]) -> str:
    items = [item["item_id"] for item in output["items"]]
    more = f" and {len(items) - MOST_ITEMS} more" if len(items) > MOST_ITEMS else ""
    return f"was recommended {', '.join(items[:MOST_ITEMS])}{more}"


def _click(output: dict[str, Any]) -> str:
    return f"clicked {output['item_id']}, place {output['rank']} of what was recommended"


_TOLD = {
    "engagement_tier": _tier,
    "outlook": _outlook,
    "closed_session": _session,
    "recommendations": _list,
    "recommendation_click": _click,
}
