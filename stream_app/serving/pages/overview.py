"""Today: users by tier, events, outputs and models, as of now."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stream_app.serving.api.keys import Caller, Scope
from stream_app.serving.api.service import service_of
from stream_app.serving.pages.entry import guarded
from stream_app.serving.pages.rendering import drawn, render
from stream_app.serving.pages.words import OUTPUTS, TIERS, date_and_time
from stream_app.serving.pictures import Bar, Series, bars, columns
from stream_app.serving.pictures.numbers import plain, share

MOST_DAYS = 60
FLOW_DAYS = 7
LESS_TELLING = {"weighted_f1", "accuracy", "brier"}


async def today(request: Request, caller: Caller) -> Response:
    """The page."""
    service = service_of(request)
    status, history = service.present.status(), service.present.days()
    models = await service.kept_study("models", service.studies.models)
    days = history["days"]
    return render(
        request,
        "today.html",
        caller,
        freshness=describe_freshness(status),
        tiles=tiles(status),
        is_empty=not status["users"],
        data_dir=request.app.state.data_dir,
        flows=_flows(days[-FLOW_DAYS:]),
        models=_models(models["models"]),
        made=drawn(
            bars(
                "Outputs",
                [Bar(OUTPUTS.get(name, name), count) for name, count in _largest(status["outputs"])],
            )
        ),
        failed=drawn(
            bars(
                "Refused events",
                [Bar(name.replace("_", " "), count) for name, count in _largest(history["failed"])],
            )
        )
        if history["failed"]
        else None,
        **tier_pictures(days),
    )


def tier_pictures(days: list[dict[str, Any]]) -> dict[str, Any]:
    """Users by tier at the end of each day, and the events of each day."""
    standing: Counter[int] = Counter()
    ends: list[Counter[int]] = []
    for day in days:
        for before, after, count in day["flows"]:
            standing[after] += count
            standing[before] -= count
        ends.append(Counter(standing))
    shown, names = days[-MOST_DAYS:], [day["day"][5:] for day in days[-MOST_DAYS:]]
    series = [
        Series(name, [end[tier] for end in ends[-MOST_DAYS:]], f"series-{tier}")
        for tier, name in TIERS.items()
    ]
    total = sum(count for tier, count in standing.items() if tier)
    high = standing[3] / total if total else 0.0
    return {
        "tiers": drawn(columns("Users by tier at the end of each day", names, series)),
        "tiers_told": f"{plain(total)} users have a tier; {share(high)} of them are highly engaged.",
        "events": drawn(columns("Events a day", names, [Series("events", [day["events"] for day in shown])])),
    }


def describe_freshness(status: dict[str, Any]) -> str:
    """How new the newest output is."""
    if status["event_time"] is None:
        return "Nothing was told yet."
    newest = date_and_time(datetime.fromisoformat(status["event_time"]))
    behind = status["seconds_behind"]
    ago = f"{behind:.0f} seconds" if behind < 120 else f"{behind / 60:.0f} minutes"
    return f"The newest output is of {newest} in the events' time. It was written {ago} ago."


def tiles(status: dict[str, Any]) -> list[tuple[str, str]]:
    """The numbers at the top."""
    tiers = [(f"{name} tier", plain(count)) for name, count in status["users_by_tier"].items()]
    sessions = status["outputs"].get("closed_session", 0)
    return [("users", plain(status["users"])), *tiers, ("sessions closed", plain(sessions))]


def _flows(days: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    counts: Counter[tuple[int, int]] = Counter()
    for day in days:
        for before, after, count in day["flows"]:
            counts[before, after] += count
    names = {0: "new", **TIERS}
    return [(names[before], names[after], plain(count)) for (before, after), count in counts.most_common()]


def _models(models: list[dict[str, Any]]) -> list[dict[str, str]]:
    rows = []
    for model in models:
        if not model["examples_seen"]:
            continue
        baseline = model["scores"]["baseline"]["overall"]
        for score, ours in model["scores"]["model"]["overall"].items():
            if score in LESS_TELLING:
                continue
            rows.append(
                {
                    "name": model["name"].replace("_", " "),
                    "status": model["status"].replace("_", " "),
                    "examples": plain(model["examples_seen"]),
                    "score": score.replace("_", " "),
                    "ours": _score(ours),
                    "theirs": _score(baseline.get(score)),
                }
            )
    return rows


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _largest(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda entry: -entry[1])


router = APIRouter(include_in_schema=False)
router.add_api_route("/", guarded(Scope.AGGREGATE, today), methods=["GET"])
