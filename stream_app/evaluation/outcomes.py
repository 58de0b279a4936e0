"""Predictions of returns, churn and purchases on simulated events, compared with the hidden truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
from sklearn.metrics import roc_auc_score

from stream_app.errors import InputError
from stream_app.evaluation.examples import replay_history
from stream_app.features.reading import read_features
from stream_app.features.user_row import UserRow
from stream_app.learning import moments
from stream_app.learning.trainer import by_label
from stream_app.models.features import Label
from stream_app.models.learning import ClassificationModel, Example
from stream_app.models.targets import OUTCOMES, outcome_model
from stream_app.schemas.outputs import TrainingExample
from stream_app.settings.rules import DAY, Rules

EVENTS_FILE = "events.jsonl"
TRUTH_FILE = "truth.jsonl"
_FORESEEN = {"will_return": "returns", "churn": "churns", "purchase": "buys"}


class _Received(msgspec.Struct, rename="camel"):
    received_at: datetime


class _Visit(NamedTuple):
    started_at: float
    buys: bool


class Truth(NamedTuple):
    """What the simulator knows: each user's outlook by day, and every visit. Times are epoch seconds."""

    horizons: list[int]
    end: float
    outlooks: dict[float, list[dict[str, Any]]]
    visits: dict[str, list[_Visit]]


def evaluate_outcomes(folder: Path, horizon_days: int, day: int | None, seed: int) -> dict[str, Any]:
    """Learn from labels that fell due before a day, predict what users do after it, and return both ROC AUCs.

    The day is given, counting from 1, or the last one whose horizon is within the simulation.

    Raises:
        InputError: the folder was not written by `stream-app simulate`, or is too short.
    """
    truth = read_truth(folder)
    if horizon_days not in truth.horizons:
        raise InputError(f"{folder} knows horizons of {truth.horizons} days, not {horizon_days}")
    moments = sorted(at for at in truth.outlooks if at + horizon_days * DAY <= truth.end)
    if not moments or (day is not None and not 1 <= day <= len(moments)):
        raise InputError(f"{folder} has {len(moments)} days with {horizon_days} more after them")
    at = moments[-1] if day is None else moments[day - 1]
    models = {name: outcome_model(name, seed) for name in OUTCOMES}
    rows: dict[str, UserRow] = {}
    rules = Rules(outlook_horizon=horizon_days * DAY, outlook_interval=horizon_days * DAY / 2)
    for result in replay_history(_events_before(folder, at), rows, rules):
        _learn(models, [output for output in result.outputs if isinstance(output, TrainingExample)])
    users = truth.outlooks[at]
    examples = [_features(rows.get(user["user_id"]), at) for user in users]
    index = truth.horizons.index(horizon_days)
    report: dict[str, Any] = {"at": at, "users": len(users), "horizon_days": horizon_days, "targets": {}}
    for name, model in models.items():
        labels = [_came_true(name, truth.visits[user["user_id"]], at, horizon_days) for user in users]
        if len(set(labels)) < 2:
            raise InputError(f"all {len(users)} users have the same {name} in {folder}: simulate more users")
        model.refresh()
        foreseen = [prediction.probabilities.get(True, 0.0) for prediction in model.predict_many(examples)]
        known = [user[_FORESEEN[name]][index] for user in users]
        report["targets"][name] = {
            "auc": float(roc_auc_score(labels, foreseen)),
            "truth_auc": float(roc_auc_score(labels, known)),
            "rate": sum(labels) / len(labels),
            "examples": model.examples_seen,
        }
    return report


def read_truth(folder: Path) -> Truth:
    """The hidden truth of a simulated folder.

    Raises:
        InputError: it is missing or incomplete.
    """
    horizons: list[int] = []
    end = 0.0
    outlooks: dict[float, list[dict[str, Any]]] = defaultdict(list)
    visits: dict[str, list[_Visit]] = defaultdict(list)
    try:
        with (folder / TRUTH_FILE).open("rb") as lines:
            for line in lines:
                record = orjson.loads(line)
                match record["kind"]:
                    case "settings":
                        horizons = [int(days) for days in record["horizons"]]
                        end = _seconds(record["start"]) + record["days"] * DAY
                    case "outlook":
                        outlooks[_seconds(record["at"])].append(record)
                    case "visit":
                        visit = _Visit(_seconds(record["started_at"]), bool(record["buys"]))
                        visits[record["user_id"]].append(visit)
    except OSError as error:
        raise InputError(f"{folder} holds no {TRUTH_FILE}: write it with `stream-app simulate`") from error
    except (orjson.JSONDecodeError, KeyError) as error:
        raise InputError(f"{folder / TRUTH_FILE} is damaged: {error!r}") from error
    return Truth(horizons, end, outlooks, visits)


def _events_before(folder: Path, at: float) -> Iterator[bytes]:
    decoder = msgspec.json.Decoder(_Received)
    with (folder / EVENTS_FILE).open("rb") as lines:
        for line in lines:
            if decoder.decode(line).received_at.timestamp() < at:
                yield line.rstrip()


def _learn(models: dict[str, ClassificationModel], examples: list[TrainingExample]) -> None:
    labelled = [single for example in examples for single in by_label(example)]
    for name, model in models.items():
        mine: list[Example[Label]] = [
            Example(example.features, bool(example.label)) for example in labelled if example.target == name
        ]
        if mine:
            model.learn_many(mine)


def _features(row: UserRow | None, at: float) -> dict[str, float | str]:
    return moments.select(read_features(row, at)) if row is not None else {}


def _came_true(target: str, visits: list[_Visit], at: float, horizon_days: int) -> bool:
    after = [visit for visit in visits if at <= visit.started_at < at + horizon_days * DAY]
    if target == "purchase":
        return any(visit.buys for visit in after)
    return bool(after) == (target == "will_return")


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
