"""The cases of an outcome in a data folder: users at a moment, and whether the outcome came true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from stream_app.evaluation.driver_outcome import Outcome
from stream_app.features.reading import read_features
from stream_app.models.insight.drivers import Case
from stream_app.models.targets import WILL_RETURN
from stream_app.runtimes.embedded.store import Store

HIGH_TIER = 3
RETURN_SPAN = timedelta(days=7)
GROUPS_BY_FEATURE = {
    "operating system": "top_os",
    "browser": "top_browser",
    "plan": "trait_plan",
}
PAGE = "page"
DIMENSIONS = (*GROUPS_BY_FEATURE, PAGE)


class Cases(NamedTuple):
    """Cases, one per user, and what the outcome means in words."""

    meaning: str
    cases: list[Case]


class _Example(msgspec.Struct):
    """The parts of a stored training example that are read here."""

    user_key: str | None
    as_of: datetime
    target: str
    features: dict[str, float | str]
    label: bool | float | str
    other_labels: dict[str, bool | float | str] = {}


class _Session(msgspec.Struct):
    """The parts of a stored closed session that are read here."""

    user_key: str | None
    started_at: datetime
    items: list[str]


_example_decoder = msgspec.json.Decoder(_Example)
_session_decoder = msgspec.json.Decoder(_Session)


def collect_cases(store: Store, outcome: Outcome, tier_targets: Collection[str]) -> Cases:
    """Collect the users for whom the outcome is known.

    If the folder has labels, each user's last one is used, with the features from its moment. Otherwise
    retention comes from the sessions and engagement from the tiers that the model decided, without features,
    because current ones would reveal the outcome itself.
    """
    groups = {user_key: _groups(row_features) for user_key, row_features in _row_features(store)}
    sessions: dict[str, list[_Session]] = defaultdict(list)
    for body in store.outputs("closed_session"):
        session = _session_decoder.decode(body)
        if session.user_key is not None:
            sessions[session.user_key].append(session)
    targets = {WILL_RETURN.name} if outcome is Outcome.RETENTION else set(tier_targets)
    labelled = {
        example.user_key: example for example in read_examples(store, targets) if example.user_key is not None
    }
    if labelled:
        if outcome is Outcome.RETENTION:
            meaning = f"came back within the horizon (labels of {WILL_RETURN.name})"
        else:
            meaning = f"tier {HIGH_TIER}, high (labels)"
        cases = [
            Case(
                example.features,
                groups.get(user_key, {}) | _pages(sessions[user_key], example.as_of),
                _came_true(outcome, example.label),
            )
            for user_key, example in labelled.items()
        ]
        return Cases(meaning, cases)
    if outcome is Outcome.RETENTION:
        meaning = f"another session on a later day within {RETURN_SPAN.days} days of the first"
        return Cases(meaning, list(_return_cases(sessions, groups)))
    cases = [
        Case({}, groups[user_key] | _pages(sessions[user_key], None), row.tier == HIGH_TIER)
        for _, user_key, row in store.rows()
        if row.tier
    ]
    return Cases(f"tier {HIGH_TIER}, high (decided by the model, for want of labels)", cases)


def read_examples(store: Store, targets: Collection[str]) -> Iterator[_Example]:
    """The folder's training examples of some targets, oldest first."""
    for example in map(_example_decoder.decode, store.outputs("training_example")):
        for target, label in ({example.target: example.label} | example.other_labels).items():
            if target in targets:
                yield msgspec.structs.replace(example, target=target, label=label)


def _row_features(store: Store) -> Iterator[tuple[str, Mapping[str, float | str]]]:
    for _, user_key, row in store.rows():
        yield user_key, read_features(row, row.last_at)


def _groups(features: Mapping[str, float | str]) -> dict[str, tuple[str, ...]]:
    return {
        dimension: (str(features[name]),) for dimension, name in GROUPS_BY_FEATURE.items() if name in features
    }


def _pages(sessions: list[_Session], until: datetime | None) -> dict[str, tuple[str, ...]]:
    seen = [
        item for session in sessions if until is None or session.started_at <= until for item in session.items
    ]
    return {PAGE: tuple(dict.fromkeys(seen))}


def _came_true(outcome: Outcome, label: bool | float | str) -> bool:
    return bool(label) if outcome is Outcome.RETENTION else str(label) in {str(HIGH_TIER), f"{HIGH_TIER}.0"}


def _return_cases(
    sessions: Mapping[str, list[_Session]], groups: Mapping[str, dict[str, tuple[str, ...]]]
) -> Iterator[Case]:
    newest = max((session.started_at for known in sessions.values() for session in known), default=None)
    for user_key, known in sessions.items():
        first = min(session.started_at for session in known)
        if newest is None or newest - first < RETURN_SPAN:
            continue  # too recent to have returned
        later = [session.started_at for session in known if session.started_at.date() > first.date()]
        came_back = any(started_at - first <= RETURN_SPAN for started_at in later)
        first_day = [session for session in known if session.started_at.date() == first.date()]
        yield Case({}, groups.get(user_key, {}) | _pages(first_day, None), came_back)
