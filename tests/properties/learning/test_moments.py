"""Labels of the days to come, against a brute force that keeps every use."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.core.partition import Partition
from stream_app.core.records import Batch
from stream_app.core.step import step
from stream_app.features.reading import read_features
from stream_app.features.user_row import Moment, UserRow, decode_row, encode_row
from stream_app.learning import moments
from stream_app.learning.trainer import by_label
from stream_app.schemas.outputs import TrainingExample
from stream_app.settings.rules import DAY, Rules
from stream_app.testing import INTAKE, RECEIVED_AT, START, FixedModels, page, records, track

RULES = Rules(outlook_horizon=2 * DAY, outlook_interval=DAY)


def history(seed: int, users: int, count: int) -> list[tuple[float, str, bool]]:
    """Uses as (time, user, whether it is a purchase), some of them an hour late at most."""
    random = Random(seed)
    times = sorted(random.uniform(0, 12 * DAY) for _ in range(count))
    uses = [(at, f"u{random.randrange(users)}", random.random() < 0.15) for at in times]
    # Moments come as time goes on, so somebody is there every hour.
    uses += [(hour * 3_600.0, "clock", False) for hour in range(20 * 24)]
    return sorted(uses, key=lambda use: use[0] + random.uniform(0, 3_500))


def value_of(at: float, user: str, is_purchase: bool) -> bytes:
    return track(user, at, "Order Completed", {"revenue": 5}) if is_purchase else page(user, at, "item")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(2, 120), st.integers(1, 50))
def test_labels_are_what_was_done_within_the_horizon(seed: int, users: int, count: int, cut: int) -> None:
    uses = history(seed, users, count)
    values = records([value_of(*use) for use in uses])
    partition, rows = Partition(0, RULES), dict[str, UserRow]()
    made: list[TrainingExample] = []
    for first in range(0, len(values), cut):
        batch = Batch("events", 0, values[first : first + cut])
        result = step(partition, batch, rows, INTAKE, FixedModels().models, RULES, RECEIVED_AT)
        rows |= {user: decode_row(encode_row(row)) for user, row in result.rows.items() if row is not None}
        made += [output for output in result.outputs if isinstance(output, TrainingExample)]
    by_moment: dict[tuple[str, float], dict[str, bool]] = defaultdict(dict)
    for example in made:
        moment = round(example.as_of.timestamp() - RULES.outlook_horizon - START, 3)
        by_moment[str(example.user_key), moment] |= {
            single.target: bool(single.label) for single in by_label(example)
        }
    for (user, moment), labels in by_moment.items():
        theirs = [(round(at, 3), bought) for at, who, bought in uses if who == user]
        after = [bought for at, bought in theirs if moment < at <= moment + RULES.outlook_horizon]
        assert labels == {"will_return": bool(after), "churn": not after, "purchase": any(after)}
    # Every user who ended a session was asked about, and nobody more often than the interval allows.
    assert {user for user, _ in by_moment} >= {user for _, user, _ in uses}
    for asked in users_moments(by_moment).values():
        assert all(later - earlier >= DAY for earlier, later in pairwise(asked))


def users_moments(by_moment: dict[tuple[str, float], dict[str, bool]]) -> dict[str, list[float]]:
    moments: dict[str, list[float]] = defaultdict(list)
    for user, moment in sorted(by_moment, key=lambda key: key[1]):
        moments[user].append(moment)
    return moments


def test_features_are_those_of_the_moment() -> None:
    row = UserRow(first_at=START, last_at=START, next_moment_at=START)
    row.activity.add(3.0, START, DAY)
    moments.note_moment(row, START + DAY, RULES)
    expected = moments.select(read_features(row, START + DAY))
    row.activity.add(50.0, START + DAY, DAY)
    [outcome, *_] = moments.pop_due(row, START + 3 * DAY, RULES)
    assert outcome.features.keys() == expected.keys()
    for name, value in outcome.features.items():
        assert abs(float(value) - float(expected[name])) <= 1e-6 * abs(float(expected[name])), name


def test_who_has_long_been_idle_is_not_asked_about() -> None:
    row = UserRow(first_at=START, last_at=START, next_moment_at=START)
    moments.note_moment(row, START + (2 * moments.IDLE_HORIZONS + 1) * DAY, RULES)
    assert (row.moments, row.next_moment_at) == ([], 0.0)


def test_a_moment_of_an_older_program_has_fewer_features() -> None:
    row = UserRow(moments=[Moment(START, b"\x00\x00\x80?")])
    [outcome, *_] = moments.pop_due(row, START + 3 * DAY, RULES)
    assert outcome.features == {moments.OUTLOOK_FEATURES[0]: 1.0}
