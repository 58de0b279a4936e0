from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson

from stream_app.learning.marking import Marker
from stream_app.models.learning import Example
from stream_app.models.targets import tier_model
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.learned import LearnedModels
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.settings.rules import DAY, Rules
from stream_app.testing import START, RecordedSource, event, label, session

USERS = 360


def history() -> tuple[list[bytes], dict[str, int]]:
    """Users whose tier follows from a trait; each is labelled after the last event that they ever send."""
    chance, values, tiers = Random(5), [], {}
    for n in range(USERS):
        at, age = n * DAY / 12, chance.randrange(18, 70)
        tiers[f"u{n}"] = 3 if age > 62 else 2 if age > 52 else 1
        values.append(event("identify", f"u{n}", at, traits={"age": age}))
        values += [session(f"u{n}", at + 60 * visit, 30, 2) for visit in range(1, 3)]
        values.append(label(f"u{n}", at + 600, tiers[f"u{n}"]))
    return values, tiers


def replayed(folder: Path, values: list[bytes], rounds: int = 200) -> list[dict]:
    now = START + 400 * DAY
    with Store(folder) as store:
        learned = LearnedModels(store, b"key", ["engagement_tier"], Metrics(), lambda: now)
        replay = Replay(store, learned, Rules(), Metrics(), lambda: now, round_records=rounds)
        replay.run(RecordedSource(values, "history"), lambda *_: None)
        replay.finish()
        return [orjson.loads(output) for output in store.outputs("engagement_tier")]


def test_at_the_end_of_a_history_users_have_the_tiers_that_the_model_knows(tmp_path: Path):
    """98 % stood at low, though the labels said otherwise and the model had learned them."""
    values, tiers = history()
    outputs = replayed(tmp_path / "a", values)
    last = {output["user_key"]: output["tier"] for output in outputs}
    shares, truth = Counter(last.values()), Counter(tiers.values())
    assert len(last) == USERS
    assert all(abs(shares[tier] - truth[tier]) < 0.05 * USERS for tier in truth)
    again = replayed(tmp_path / "b", values)
    assert [(o["id"], o["tier"]) for o in again] == [(o["id"], o["tier"]) for o in outputs]
    assert [o["id"] for o in replayed(tmp_path / "a", values)] == [o["id"] for o in outputs]


def test_an_erased_user_leaves_the_models_and_a_second_receipt_says_so(tmp_path: Path):
    values, _ = history()
    replayed(tmp_path / "a", values)
    request = PrivacyRequest(
        request_id="r-1", user_id="u7", requested_at=datetime.fromtimestamp(START + 399 * DAY, UTC)
    )
    with Store(tmp_path / "a") as store:
        learned = LearnedModels(store, b"key", ["engagement_tier"], Metrics(), lambda: START + 400 * DAY)
        replay = Replay(store, learned, Rules(), Metrics(), lambda: START + 400 * DAY, round_records=200)
        assert replay.erase(request).models == []
        tiers = learned.learners.tiers.model
        held = tiers.sample.examples()
        assert len(held) == tiers.examples_seen == USERS - 1
        assert Marker(b"key").owner("u7") not in {mark.owner for _, _, mark in held}
        never = tier_model()
        never.learn_many([Example(x, label) for x, label, _ in held], [mark for _, _, mark in held])
        assert never.scores() == tiers.scores()
        first, second = [orjson.loads(output) for output in store.outputs("privacy_receipt")]
    assert first["request_id"] == second["request_id"] == "r-1"
    assert "announced" in {store["state"] for store in first["stores"] if store["store"] == "models"}
    counts = {model["model"]: model["examples"] for model in second["models"]}
    assert counts["engagement_tier"] == 1
    with Store(tmp_path / "a") as store:
        again = LearnedModels(store, b"key", ["engagement_tier"], Metrics(), lambda: START + 400 * DAY)
        assert again.learners.tiers.model.examples_seen == USERS - 1
        assert not again.learners.tiers.model.has_traces
