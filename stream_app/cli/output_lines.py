"""One line of text for each output: when, what kind, of whom, and what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

Output = Mapping[str, Any]


def output_line(body: bytes) -> str:
    """An output's line, from its JSON."""
    output = orjson.loads(body)
    detail = ABOUT.get(output["schema_name"], _nothing)(output)
    return f"{output['as_of']}  {output['schema_name']:16}  {output['user_key'] or '-':36}  {detail}"


def _nothing(_: Output) -> str:
    return ""


def _tier(output: Output) -> str:
    return f"{output['previous_tier'] or 'new'} -> {output['tier']} {output['tier_name']}"


def _recommendations(output: Output) -> str:
    return ", ".join(item["item_id"] for item in output["items"])


def _click(output: Output) -> str:
    return f"{output['item_id']}, number {output['rank']} of the list, after {output['delay']:.0f} s"


def _outlook(output: Output) -> str:
    chances = (f"{chance['target']} {chance['probability']:.0%}" for chance in output["chances"])
    return ", ".join(chances) + f", until {output['ends_at']}"


def _session(output: Output) -> str:
    return f"{output['duration']:.0f} s, {output['page_views']} page views"


def _example(output: Output) -> str:
    return f"{output['target']} = {output['label']}"


def _outcomes(output: Output) -> str:
    completed = sum(outcome["is_completed"] for outcome in output["outcomes"])
    return f"{completed} of {len(output['outcomes'])} items completed"


def _content(output: Output) -> str:
    return f"{output['item_id']}: {output['score']:.1f}, {output['starters']} starters"


def _failed(output: Output) -> str:
    return f"{output['reason']}: {output['detail']}"


def _explored(output: Output) -> str:
    return f"a place given to {output['item_source']}: {'clicked' if output['is_clicked'] else 'not clicked'}"


def _audience(output: Output) -> str:
    said = "" if output["is_final"] else ", for all that is known yet"
    why = "; ".join(output["because"])
    return f"{output['change']} {output['audience']}{said}" + (f": {why}" if why else "")


def _erased(_: Output) -> str:
    return "erased, with all that was learned of them"


def _unlearning(_: Output) -> str:
    return "models are to learn without an erased user"


def _receipt(output: Output) -> str:
    return ", ".join(f"{store['store']} {store['state']}" for store in output["stores"])


ABOUT: Mapping[str, Callable[[Output], str]] = {
    "engagement_tier": _tier,
    "recommendations": _recommendations,
    "recommendation_click": _click,
    "audience_change": _audience,
    "outlook": _outlook,
    "closed_session": _session,
    "training_example": _example,
    "item_outcomes": _outcomes,
    "content_score": _content,
    "failed_event": _failed,
    "explored_place": _explored,
    "user_erased": _erased,
    "unlearning": _unlearning,
    "privacy_receipt": _receipt,
}
