"""Sentences that explain an output, derived only from stored outputs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from stream_app.core.reasons import why_recommended

Output = Mapping[str, Any]

CHANCES = {"will_return": "they come back", "churn": "they stay away", "purchase": "they buy"}
MOST_ITEMS = 5
USAGE_RULE = "usage_rule"


def explain_output(output: Output, what_if: str) -> list[str]:
    """Why a tier, a list or an outlook is so; `what_if` begins a command that asks for changes."""
    match output["schema_name"]:
        case "engagement_tier":
            return _explain_tier(output, what_if)
        case "recommendations":
            return _explain_recommendations(output)
        case _:
            return _explain_outlook(output, what_if)


def explain_sessions(sessions: Sequence[Output], as_of: str) -> str:
    """What the user had done by then."""
    before = [session for session in sessions if session["as_of"] <= as_of]
    if not before:
        return "No visit of theirs had ended by then: it rests on the visit under way."
    last = before[-1]
    items = ", ".join(dict.fromkeys(last["items"])) or "no item"
    pages = sum(session["page_views"] for session in before)
    return (
        f"It rests on {_counted(len(before), 'visit')} with {_counted(pages, 'page view')}; the last began "
        f"{last['started_at']}, took {last['duration']:.0f} s, had {_counted(last['event_count'], 'event')} "
        f"and {items}."
    )


def _explain_tier(output: Output, what_if: str) -> list[str]:
    before = output["previous_tier"]
    came = "is their first tier" if before is None else f"follows tier {before}"
    shares = ", ".join(f"{share:.0%} for tier {tier}" for tier, share in output["probabilities"].items())
    sentences = [
        f"{output['user_key']} is in tier {output['tier']} ({output['tier_name']}) "
        f"since {output['as_of']}; it {came}.",
        f"{_explain_model(output['model'])} It gave {shares or 'no probabilities'}.",
        _explain_reasons(output["reasons"]),
    ]
    controls = "".join(f" --control {shlex.quote(reason['feature'])}" for reason in output["reasons"][:3])
    if controls:
        sentences.append(f"What would change it: {what_if}{controls}")
    else:
        sentences.append("What would change it: more visits, or a label that says how engaged they are.")
    return sentences


def _explain_recommendations(output: Output) -> list[str]:
    items = output["items"]
    sentences = [
        f"{_counted(len(items), 'item')} recommended to {output['user_key']} at {output['as_of']}. "
        + _explain_model(output["model"], "visits")
    ]
    for place, item in enumerate(items[:MOST_ITEMS], 1):
        why = why_recommended(item["source"])
        tried = "; it is shown to learn whether it is liked" if item["is_explored"] else ""
        sentences.append(f"{place}. {item['item_id']}, for {why} (score {item['score']:.2f}){tried}.")
    if len(items) > MOST_ITEMS:
        sentences.append(f"And {len(items) - MOST_ITEMS} more, with lower scores.")
    sentences.append("What would change it: what they look at next, and what others do in the meantime.")
    return sentences


def _explain_outlook(output: Output, what_if: str) -> list[str]:
    sentences = [f"The outlook of {output['user_key']} from {output['as_of']} until {output['ends_at']}:"]
    for chance in output["chances"]:
        what = CHANCES.get(chance["target"], chance["target"])
        sentences.append(f"{what}: {chance['probability']:.0%}. {_explain_model(chance['model'])}")
    if output["cluster"] is not None:
        traits = ", ".join(trait["feature"] for trait in output["cluster"].get("traits", ()))
        sentences.append(f"They behave like a group of users that stands out by {traits or 'little'}.")
    sentences.append(f"What would change it: {what_if} --target will_return")
    return sentences


def _explain_model(model: Output | None, learned: str = "examples") -> str:
    if model is None or model["name"] == USAGE_RULE:
        return "The built-in rule decided it, since no model has learned enough yet."
    state = (
        "it is still warming up, so it answers with little more than what is usual"
        if model["status"] == "warming_up"
        else f"its state is {model['status']}"
    )
    return f"The model {model['name']} has learned {model['examples_seen']:,} {learned}; {state}."


def _explain_reasons(reasons: Sequence[Output]) -> str:
    if not reasons:
        return "No feature is named that set them apart."
    told = ", ".join(
        f"{reason['feature']} = {_shown(reason['value'])} ({reason['contribution']:+.2f})"
        for reason in reasons
    )
    return f"What weighed most, with how much it moved the answer: {told}."


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
