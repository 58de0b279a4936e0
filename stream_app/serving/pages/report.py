"""One file to send on: the pictures of the pages, and under each what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stream_app.errors import StateError
from stream_app.serving.api.ports import JsonObject, Present, Studies
from stream_app.serving.pages.insight import (
    DRIVERS,
    ITEMS,
    TRAITS,
    driver_report,
    group_pictures,
    score_picture,
    segment_picture,
)
from stream_app.serving.pages.overview import describe_freshness, tier_pictures, tiles
from stream_app.serving.pages.rendering import HERE, drawn, fill
from stream_app.serving.pictures import Bar, bars
from stream_app.serving.pictures.numbers import plain, share

GROUPS = 5
HIT_RATE = "hr@10"
SHOWN = "surface"  # the source that stands for the whole list


def render_report(present: Present, studies: Studies) -> str:
    """The report, as one HTML file that loads nothing; a part of which too little is known is left out."""
    status, history = present.status(), present.days()
    contents = _if_known(lambda: studies.contents(ITEMS), {"items": 0, "scores": []})
    clusters = _if_known(lambda: studies.clusters(GROUPS, TRAITS), None)
    sources: dict[str, dict[str, float]] = studies.models()["recommender"]
    return fill(
        "report.html",
        style=drawn((HERE / "static" / "page.css").read_text()),
        lead=describe_freshness(status),
        tiles=tiles(status),
        drivers=[driver_report(*entry) for entry in studies.drivers(DRIVERS).items()],
        content_told=_tell_content(contents),
        groups_told=_tell_groups(clusters),
        flows_told=_tell_flows(history["days"]),
        events_told=_tell_events(history["days"]),
        **tier_pictures(history["days"]),
        **score_picture(contents["scores"]),
        **(group_pictures(clusters) if clusters else {"clusters": [], "users": "", "map": ""}),
        **_foreseen(sources),
        **_if_known(lambda: segment_picture(studies.segments()), {"segments": None, "segments_told": ""}),
    )


def _if_known(ask: Callable[[], JsonObject], otherwise: Any) -> Any:
    try:
        return ask()
    except StateError:
        return otherwise


def _tell_flows(days: list[dict[str, Any]]) -> str:
    flows = [flow for day in days[-7:] for flow in day["flows"] if flow[0]]
    rose = sum(count for before, after, count in flows if after > before)
    fell = sum(count for before, after, count in flows if after < before)
    return (
        f"On the last seven days {plain(rose)} changes led to a higher tier and {plain(fell)} to a lower one."
    )


def _tell_events(days: list[dict[str, Any]]) -> str:
    if not days:
        return "There are no events yet."
    total = sum(day["events"] for day in days)
    busiest = max(days, key=lambda day: day["events"])
    return (
        f"{plain(total)} events came in sessions that closed on {plain(len(days))} days; most, "
        f"{plain(busiest['events'])}, on {busiest['day']}."
    )


def _tell_content(contents: dict[str, Any]) -> str:
    if not contents["scores"]:
        return ""
    best = max(contents["scores"], key=lambda row: row["score"])
    return (
        f"Of {plain(contents['items'])} items whose starters are known, the {plain(len(contents['scores']))} "
        f"most started are shown. The best is {best['item_id']}: about {best['score']:.0f} % of those who "
        f"start it are expected to complete it; {plain(best['completers'])} of {plain(best['starters'])} did."
    )


def _tell_groups(clusters: dict[str, Any] | None) -> str:
    if not clusters:
        return ""
    largest = max(clusters["clusters"], key=lambda cluster: cluster["users"])
    traits = " and ".join(trait["feature"] for trait in largest["traits"][:2])
    return (
        f"Users were grouped by their features. The largest group has {share(largest['share'])} of them, "
        f"and stands out by {traits}. Bars are differences from everybody's mean, in standard deviations."
    )


def _foreseen(sources: dict[str, dict[str, float]]) -> dict[str, Any]:
    rates = {name: scores[HIT_RATE] for name, scores in sources.items() if HIT_RATE in scores}
    if SHOWN not in rates:
        return {"foreseen": None, "foreseen_told": ""}
    rows = [
        Bar(name.replace("_", " "), rate, is_marked=name == SHOWN)
        for name, rate in sorted(rates.items(), key=lambda entry: -entry[1])
    ]
    popular = rates.get("popularity")
    beside = f" Showing what is popular would have foreseen {share(popular)}." if popular is not None else ""
    return {
        "foreseen": drawn(bars("Next clicks among the first ten", rows, share)),
        "foreseen_told": f"{share(rates[SHOWN])} of next clicks were among the first ten items of the lists "
        f"(the marked bar).{beside} Each click was foreseen before it was learned.",
    }
