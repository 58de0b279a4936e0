"""What a data folder keeps of who somebody is; `erase` and `export-user` on it."""

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest
from support.planted import PERSONAL, found_in, found_in_outputs, planted_events
from typer.testing import CliRunner, Result

from stream_app.cli import main
from stream_app.errors import InputError, StateError
from stream_app.features.user_row import UserRow
from stream_app.folder.opening import open_replay
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.embedded.store import Checkpoint, Store
from stream_app.schemas.outputs import PrivacyReceipt
from stream_app.settings.environment import Settings
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import write_simulation
from stream_app.testing import RecordedSource, event, label, page, session

USER = "somebody-to-erase"
SETTINGS = Settings(hashed_fields=("email", "phone"))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main.app, [str(argument) for argument in arguments])


def fill(folder: Path, values: list[bytes], partitions: int = 1, name: str = "recorded") -> Metrics:
    metrics = Metrics()
    with open_replay(folder, SETTINGS, metrics, partitions) as (_, _, replay):
        # Live, as a collector is: a history waits for several users before it moves its watermark.
        replay.run(RecordedSource(values, name, is_live=True), lambda _records, _read: None)
        replay.close_idle()
    return metrics


def outputs_of(folder: Path) -> list[bytes]:
    with Store(folder, read_only=True) as store:
        return list(store.outputs())


@pytest.mark.parametrize("personal", PERSONAL)
@pytest.mark.parametrize("partitions", [1, 3])
def test_a_personal_text_is_kept_nowhere(
    tmp_path: Path, personal: str, partitions: int, caplog: pytest.LogCaptureFixture
) -> None:
    values = list(planted_events(personal))
    metrics = fill(tmp_path, values, partitions)
    assert metrics.event_outcomes()["failed"] >= 2
    assert found_in(tmp_path, PERSONAL) == set()
    assert found_in_outputs(outputs_of(tmp_path), PERSONAL) == set()
    told = caplog.text + generate_latest(metrics.registry).decode()
    assert not any(text in told for text in PERSONAL)


def test_nothing_that_the_simulator_plants_is_kept(tmp_path: Path) -> None:
    summary = write_simulation(SimulationSettings(users=80, days=4, seed=3), tmp_path / "simulated")
    truths = map(orjson.loads, summary.truth_path.read_bytes().splitlines())
    users = [truth for truth in truths if truth["kind"] == "user"]
    planted = {text for user in users for kind in ("emails", "phones", "addresses") for text in user[kind]}
    values = summary.events_path.read_bytes().splitlines()
    sent = b"".join(values).decode()
    assert len([text for text in planted if text in sent]) > 80
    metrics = fill(tmp_path / "data", values, partitions=2)
    assert found_in(tmp_path / "data", planted) == set()
    assert found_in_outputs(outputs_of(tmp_path / "data"), planted) == set()
    told = generate_latest(metrics.registry).decode()
    assert not any(text in told for text in planted)


HISTORY = [
    event("page", "", 0, anonymousId="visitor-before", messageId="0", properties={"product_id": "item-0"}),
    *(page(USER, at * 60.0, f"item-{at}", messageId=str(at)) for at in range(1, 6)),
    event("identify", USER, 400, anonymousId="visitor-before", messageId="said", traits={"plan": "gold"}),
    label(USER, 410, 2),
    session(USER, 420, 300, 5),
    *(page("other", at * 60.0, f"item-{at}", messageId=f"o{at}") for at in range(5)),
    session("other", 430, 300, 5),
    b'{"type": "page", "userId": "' + USER.encode() + b'", "timestamp": "no time"}',
    b'{"type": "page", "userId": "' + USER.encode() + b'", broken',
    page("other", 90_000.0),
    page(USER, 500.0, "late"),
]
TRACES = (USER, "visitor-before")


OF_OTHER_TRACKERS = {
    "posthog": b'{"event": "$pageview", "distinct_id": "%s", "properties": {}, "timestamp": "%s"}',
    "mixpanel": b'{"event": "e", "properties": {"$user_id": "%s", "mp_lib": "web", "time": "%s"}}',
    "amplitude": b'{"event_type": "e", "user_id": "%s", "event_time": "%s"}',
    "flat": b'{"event": "view", "user_id": "%s", "item_id": "item-1", "ts": "%s"}',
    "matomo": b"idsite=1&rec=1&uid=%s&url=https://shop.example/&cdt=%s",
    "google_analytics": b'{"client_id": "%s", "events": [{"name": "e", "timestamp_micros": "%s"}]}',
    "snowplow_payload": b'{"e": "pv", "uid": "%s", "ttm": "%s", "url": "https://shop.example/"}',
    "snowplow_enriched": b'{"event": "page_view", "user_id": "%s", "collector_tstamp": "%s"}',
}
FORM_USER = b"user-of-a-form"  # one that is not spread to the first of four partitions


@pytest.mark.parametrize("form", OF_OTHER_TRACKERS)
def test_a_user_of_any_tracker_is_found_among_several_partitions(tmp_path: Path, form: str) -> None:
    assert partition_of(FORM_USER, 4) != 0
    written = OF_OTHER_TRACKERS[form]
    at = b"1772438400000000" if form == "google_analytics" else b"2026-03-02T08:00:00Z"
    values = [written % (FORM_USER, at), written % (FORM_USER, b"no time")]
    values += [values[0][:-2], page("other", 0.0)]
    fill(tmp_path, values, partitions=4)
    exported = call("export-user", "--data-dir", tmp_path, "--user", FORM_USER.decode(), "--json")
    assert exported.exception is None, exported.output
    found = orjson.loads(exported.stdout)
    assert list(found["rows"]) == [FORM_USER.decode()]
    assert found_in(tmp_path, [FORM_USER.decode()])
    receipt = call("erase", "--data-dir", tmp_path, "--user", FORM_USER.decode(), "--json")
    assert receipt.exception is None, receipt.output
    assert orjson.loads(receipt.stdout)["stores"][0]["removed"]["rows"] == 1
    assert found_in(tmp_path, [FORM_USER.decode()]) == set()
    again = fill(tmp_path, values, partitions=4, name="the same under another name")
    assert again.event_outcomes()["erased"] == len(values) - 1
    assert found_in(tmp_path, [FORM_USER.decode()]) == set()


@pytest.mark.parametrize("partitions", [1, 4])
def test_an_erased_user_leaves_no_trace_and_does_not_come_back(tmp_path: Path, partitions: int) -> None:
    fill(tmp_path, HISTORY, partitions)
    assert found_in(tmp_path, TRACES) == set(TRACES)
    result = call("erase", "--data-dir", tmp_path, "--user", USER, "--json")
    assert result.exception is None, result.output
    receipt = PrivacyReceipt.model_validate_json(result.stdout)
    assert USER not in result.stdout
    stores = {store.store: store.removed for store in receipt.stores}
    assert stores["user rows"]["rows"] == 1
    assert stores["outputs"]["training_example"] == 1
    # Who is late hangs on the newest event of the partition.
    assert stores["outputs"]["failed_event"] == (3 if partitions == 1 else 2)
    assert stores["recommender"]["sessions"] >= 1
    assert found_in(tmp_path, TRACES) == set()
    again = fill(tmp_path, HISTORY, partitions, name="the same under another name")
    assert again.event_outcomes()["erased"] == 12
    assert found_in(tmp_path, TRACES) == set()
    assert b'"other"' in b"".join(outputs_of(tmp_path))


def test_nothing_that_was_deleted_is_left_in_the_files_of_an_open_folder(tmp_path: Path) -> None:
    row = UserRow(traits={"note": "to be deleted" * 100})
    with Store(tmp_path) as store:
        store.write(Checkpoint({(0, f"{USER}-{number}"): row for number in range(50)}, [], {}, {}, {}))
        store.write(Checkpoint({(0, f"{USER}-{number}"): None for number in range(50)}, [], {}, {}, {}))
        assert found_in(tmp_path, [USER, "to be deleted"]) == {USER, "to be deleted"}
        store.purge()
        assert found_in(tmp_path, [USER, "to be deleted"]) == set()


def test_an_erasure_that_a_reader_keeps_from_the_file_says_so(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write(Checkpoint({(0, f"{USER}-{number}"): UserRow() for number in range(9)}, [], {}, {}, {}))
        with Store(tmp_path, read_only=True) as reader:
            rows = reader.rows()
            next(rows)
            with pytest.raises(StateError, match="still in the file"):
                store.purge()


def test_others_keep_all_that_they_had(tmp_path: Path) -> None:
    fill(tmp_path / "both", HISTORY)
    shutil.copytree(tmp_path / "both", tmp_path / "before")
    call("erase", "--data-dir", tmp_path / "both", "--user", USER)
    with (
        Store(tmp_path / "both", read_only=True) as after,
        Store(tmp_path / "before", read_only=True) as before,
    ):
        assert after.row(0, "other") == before.row(0, "other")
        kept = [body for body in before.outputs() if orjson.loads(body)["user_key"] == "other"]
        assert [body for body in after.outputs() if orjson.loads(body)["user_key"] == "other"] == kept


def test_an_erasure_is_told_as_a_table(tmp_path: Path) -> None:
    fill(tmp_path, HISTORY)
    result = call("erase", "--data-dir", tmp_path, "--user", USER)
    assert result.exit_code == 0
    assert "user rows" in result.stdout
    assert "1 training example" in result.stdout
    assert USER not in result.stdout


def test_an_erasure_needs_a_folder_with_data(tmp_path: Path) -> None:
    assert isinstance(call("erase", "--data-dir", tmp_path, "--user", "u").exception, StateError)


def exported(folder: Path, user: str) -> dict[str, Any]:
    result = call("export-user", "--data-dir", folder, "--user", user, "--json")
    assert result.exception is None, result.output
    return orjson.loads(result.stdout)


@pytest.mark.parametrize("partitions", [1, 4])
def test_an_export_gives_all_that_is_held(tmp_path: Path, partitions: int) -> None:
    fill(tmp_path, HISTORY, partitions)
    found = exported(tmp_path, USER)
    row = found["rows"][USER]
    views = 6 if partitions == 1 else 7
    assert row["fields"]["kinds"]["page"]["count"] == views
    assert row["fields"]["traits"] == {"plan": "gold"}
    assert row["features"]["count_page"] == views
    assert "visitor-before" in row["fields"]["linked"]
    assert {"closed_session", "training_example", "failed_event"} <= found["outputs"].keys()
    assert len(found["outputs"]["failed_event"]) == (3 if partitions == 1 else 2)
    assert any("item-1" in learned["items"] for learned in found["recommender_sessions"])
    assert b'"other"' not in orjson.dumps(found["outputs"])


def test_an_export_is_told_as_a_table(tmp_path: Path) -> None:
    fill(tmp_path, HISTORY)
    result = call("export-user", "--data-dir", tmp_path, "--user", USER)
    assert result.exit_code == 0
    assert "training_example" in result.stdout


def test_nothing_is_exported_after_an_erasure(tmp_path: Path) -> None:
    fill(tmp_path, HISTORY)
    call("erase", "--data-dir", tmp_path, "--user", USER)
    result = call("export-user", "--data-dir", tmp_path, "--user", USER)
    assert isinstance(result.exception, InputError)


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_device_of_two_people_is_exported_and_erased_with_its_owner_alone(
    tmp_path: Path, partitions: int
) -> None:
    visits = [event("page", "", at, anonymousId="dev", messageId=f"d{at}") for at in range(3)]
    said = [event("identify", who, 10, anonymousId="dev", messageId=who) for who in ("anna", "bert")]
    fill(tmp_path, [*visits, said[0]], partitions, "first")
    fill(tmp_path, [said[1], page("bert", 20, "item", messageId="b")], partitions, "second")

    def exported(user: str) -> Any:
        return orjson.loads(call("export-user", "--data-dir", tmp_path, "--user", user, "--json").stdout)

    of_anna = exported("anna")
    assert "dev" not in {
        output["user_key"] for outputs in exported("bert")["outputs"].values() for output in outputs
    }
    receipt = orjson.loads(call("erase", "--data-dir", tmp_path, "--user", "bert", "--json").stdout)
    removed = receipt["stores"][0]["removed"]
    assert (removed["rows"], removed["linked_ids"]) == (1, 0)
    assert exported("anna") == of_anna
    with Store(tmp_path, read_only=True) as store:
        assert {user for _, user, _ in store.rows()} == {"anna", "dev"}
