"""Replays that learn, in processes of their own, killed at a chosen moment."""

import os
import signal
from pathlib import Path
from random import Random

from support.dying_replay import RULES, WALL_CLOCK

from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.learned import LearnedModels
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings
from stream_app.testing import RecordedSource, event, page, track

KEY = b"a key of this test"
TIER, SCORE = "engagement_tier", "engagement_score"
DAY = 86_400.0


def labelled_events(count: int) -> list[bytes]:
    """Pages and courses of a dozen users over some weeks, labels of tiers and scores among them."""
    random, values = Random(3), list[bytes]()
    for number in range(count):
        user, at = f"user-{random.randrange(12)}", number * DAY / 20
        values.append(page(user, at, f"item-{random.randrange(9)}"))
        course = {"course_id": f"course-{number % 5}"}
        values.append(track(user, at, "Course Started" if number % 3 else "Course Completed", course))
        if number % 4 == 0:
            tier = {"target": TIER, "value": random.choice([1, 1, 1, 2, 3])}
            values.append(event("label", user, at + 1, properties=tier))
        if number % 7 == 0:
            score = {"target": SCORE, "value": number % 90, "itemId": f"course-{number}"}
            values.append(event("label", user, at + 2, properties=score | {"features": {"n": number % 9}}))
    return values


LABELLED = labelled_events(480)


def learned_of(store: Store) -> LearnedModels:
    """The models of a folder, as its last checkpoint left them."""
    return LearnedModels(store, KEY, (TIER,), Metrics(), lambda: WALL_CLOCK, Settings().surface_rules)


def learn(folder: Path, die_at: int = 0) -> None:
    """Replay and learn to the end, or be killed before the statement of SQL whose number is given."""
    with Store(folder) as store:
        if die_at:
            die_at_statement(store, die_at)
        replay = Replay(
            store,
            learned_of(store),
            RULES,
            Metrics(),
            lambda: WALL_CLOCK,
            round_records=40,
            checkpoint_rounds=3,
        )
        replay.run(RecordedSource(LABELLED), lambda _records, _read: None)
        replay.close_idle()


def die_at_statement(store: Store, number: int) -> None:
    """Let this process be killed before a statement of SQL, counted from 1."""
    left = number

    def count(_statement: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    store._connection.set_trace_callback(count)
