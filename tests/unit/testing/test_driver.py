"""The test kit's driver does what a runtime does, and nothing by itself."""

from pathlib import Path
from random import Random

import pytest

from stream_app.errors import InputError
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.outputs import ClosedSession, EngagementTier, Outlook, PrivacyReceipt, Recommendations
from stream_app.settings.rules import Rules
from stream_app.testing import (
    RECEIVED_AT,
    START,
    Driver,
    FixedModels,
    RecordedSource,
    comparable,
    event,
    page,
    random_events,
    script_models,
    track,
)

DUE = Rules().session_gap + Rules().allowed_lateness


def test_event_time_alone_closes_a_session() -> None:
    driver = Driver(clock=START)
    driver.pipe(page("ann", 0, "shoe"))
    assert driver.advance_event_time(DUE - 1).outputs == []
    driver.advance_event_time(DUE)
    [closed] = driver.of(ClosedSession, "ann")
    assert closed.items == ["shoe"]
    assert driver.clock == START


def test_the_clock_alone_closes_a_session_and_leaves_event_time() -> None:
    driver = Driver(clock=START)
    driver.pipe(page("ann", 0))
    watermark = driver.partitions[0].watermark
    driver.advance_clock(DUE)
    assert [closed.user_key for closed in driver.of(ClosedSession)] == ["ann"]
    assert driver.partitions[0].watermark == watermark


def test_scripted_models_decide() -> None:
    models = script_models(
        tier=lambda features: 3 if features["count_page"] else None,
        items=lambda occasion: [f"after-{occasion.session_items[-1]}"],
        chances={"churn": lambda _: 0.25},
    )
    driver = Driver(models=models)
    driver.pipe(page("ann", 0, "shoe"))
    driver.advance_event_time(DUE)
    assert [tier.tier for tier in driver.of(EngagementTier)] == [3]
    assert [item.item_id for item in driver.of(Recommendations)[0].items] == ["after-shoe"]
    [chance] = driver.of(Outlook)[0].chances
    assert (chance.target, chance.probability) == ("churn", 0.25)


def test_it_does_what_the_embedded_runtime_does(tmp_path: Path) -> None:
    values = random_events(Random(5), 400)
    driver = Driver(partitions=3)
    for value in values:
        driver.pipe(value)
    driver.advance_clock(0)
    with Store(tmp_path) as store:
        replay = Replay(
            store, FixedModels(), Rules(), Metrics(), lambda: RECEIVED_AT, partitions=3, round_records=1
        )
        replay.run(RecordedSource(values, is_live=True), lambda _records, _read: None)
        replay.close_idle()
    with Store(tmp_path, read_only=True) as store:
        assert comparable(driver.outputs) == comparable(store.outputs())
        assert driver.rows == {user: row for _, user, row in store.rows()}


def test_a_restart_between_any_two_events_changes_nothing() -> None:
    values = random_events(Random(6), 150)
    steady, restarted = Driver(), Driver()
    for value in values:
        steady.pipe(value)
        restarted.pipe(value)
        restarted.restart()
    assert comparable(restarted.outputs) == comparable(steady.outputs)
    assert restarted.rows == steady.rows


def test_ids_on_different_partitions_become_one_user() -> None:
    driver = Driver(partitions=8)
    driver.pipe(event("page", "", 0, anonymousId="device"), event("identify", "ann", 5, anonymousId="device"))
    driver.pipe(event("page", "", 10, anonymousId="device"))
    assert driver.features("ann", 20)["count_page"] == 2
    driver.erase("ann", at=30)
    assert driver.of(PrivacyReceipt)
    assert driver.rows == {}


def test_objects_are_taken_as_well_as_bytes() -> None:
    driver = Driver()
    driver.pipe({"type": "page", "userId": "ann", "timestamp": "2024-03-04T08:00:00Z"}, None)
    assert driver.outcomes == {("page", "processed"): 1, ("unknown", "failed"): 1}


def test_files_are_read_as_a_replay_reads_them(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(page("ann", 0) + b"\n" + track("ann", 5, "Seen") + b"\n")
    driver = Driver()
    driver.pipe_file(tmp_path / "events.jsonl")
    assert driver.outcomes == {("page", "processed"): 1, ("track", "processed"): 1}
    with pytest.raises(InputError):
        driver.pipe_file(tmp_path / "missing.jsonl")
