"""The key of a data folder and its audit log: a wrong key refused, one replaced, acts told."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from stream_app.cli import main
from stream_app.errors import SettingsError, StateError
from stream_app.folder.opening import open_replay
from stream_app.models.snapshot import is_signed_with
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.folder_keys import KEY_FILE, folder_keys
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings
from stream_app.testing import RecordedSource, label, page

OLD, NEW = "the old key of these tests", "the new key of these tests"
USER = "somebody-to-erase"
HISTORY = [
    *(page(USER, at * 60.0, f"item-{at}") for at in range(5)),
    label(USER, 400, 2),
    *(page("other", at * 60.0, f"item-{at}") for at in range(5)),
    label("other", 410, 1),
    page("other", 90_000.0),
]


@pytest.fixture(autouse=True)
def no_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREAM_APP_SNAPSHOT_KEY", raising=False)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main.app, [str(argument) for argument in arguments])


def fill(folder: Path, name: str = "recorded", **settings: object) -> Metrics:
    metrics = Metrics()
    with open_replay(folder, Settings(**settings), metrics) as (_, _, replay):  # type: ignore[arg-type]
        replay.run(RecordedSource(HISTORY, name, is_live=True), lambda *_: None)
        replay.close_idle()
    return metrics


def flags(*keys: str) -> list[str]:
    given = ["--set", f"snapshot_key={keys[0]}"] if keys else []
    return [*given, *(["--set", f"earlier_snapshot_keys={','.join(keys[1:])}"] if keys[1:] else [])]


def acts(folder: Path) -> list[str]:
    return [
        orjson.loads(line)["act"]
        for line in call("audit", "--data-dir", folder, "--json").stdout.splitlines()
    ]


def signed_with(folder: Path, key: bytes) -> set[bool]:
    with Store(folder, read_only=True) as store:
        found = [store.snapshot(name) for name in ("engagement_tier", "engagement_score")]
    signed = {is_signed_with(data, key) for data in found if data is not None}
    assert signed
    return signed


def test_a_folder_that_was_filled_with_another_key_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, snapshot_key=OLD)
    before = {path: path.read_bytes() for path in tmp_path.glob("*.sqlite3")}
    for settings in (
        {"snapshot_key": NEW},
        {},
        {"snapshot_key": NEW, "earlier_snapshot_keys": "yet another key"},
    ):
        with pytest.raises((SettingsError, StateError), match=r"STREAM_APP_(SNAPSHOT|EARLIER_SNAPSHOT)_KEY"):
            fill(tmp_path, "again", **settings)
    assert not (tmp_path / KEY_FILE).exists()
    assert {path: path.read_bytes() for path in tmp_path.glob("*.sqlite3")} == before
    assert sum(fill(tmp_path, "again", snapshot_key=OLD).event_outcomes().values()) == len(HISTORY)


def test_a_folder_s_own_key_is_not_made_anew_where_it_is_missing(tmp_path: Path) -> None:
    fill(tmp_path)
    key = (tmp_path / KEY_FILE).read_bytes()
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(StateError, match="put back the key"):
        fill(tmp_path, "again")
    (tmp_path / KEY_FILE).write_bytes(key)
    fill(tmp_path, "again")


@pytest.mark.parametrize("of_settings", [True, False])
def test_a_key_is_replaced_and_who_was_erased_under_it_stays_so(tmp_path: Path, of_settings: bool) -> None:
    fill(tmp_path, **({"snapshot_key": OLD} if of_settings else {}))
    before = folder_keys(tmp_path)[0] if not of_settings else OLD.encode()
    present = flags(OLD) if of_settings else []
    erased = call("erase", "--data-dir", tmp_path, "--user", USER, *present)
    assert erased.exception is None, erased.output
    both = flags(NEW, OLD) if of_settings else []
    rotated = call("key", "rotate", "--data-dir", tmp_path, "--json", *both)
    assert rotated.exception is None, rotated.output
    [first, second] = orjson.loads(rotated.stdout)
    assert first["needed_until"] is not None
    assert second["needed_until"] is None
    assert signed_with(tmp_path, before) == {False}
    keys = {"snapshot_key": NEW, "earlier_snapshot_keys": OLD} if of_settings else {}
    assert fill(tmp_path, "the same again", **keys).event_outcomes()["erased"] == 6
    # Asked again, it is the same erasure, now known by the new key too.
    assert call("erase", "--data-dir", tmp_path, "--user", USER, *both).exception is None
    assert acts(tmp_path) == ["erasure", "key_change", "erasure"]
    change = orjson.loads(call("audit", "--data-dir", tmp_path, "--json").stdout.splitlines()[1])
    assert change["details"] == {"from": first["fingerprint"], "to": second["fingerprint"]}


def test_examples_that_were_marked_under_an_earlier_key_are_forgotten(tmp_path: Path) -> None:
    fill(tmp_path, snapshot_key=OLD)
    both = flags(NEW, OLD)
    assert call("key", "rotate", "--data-dir", tmp_path, *both).exception is None
    assert call("erase", "--data-dir", tmp_path, "--user", USER, *both).exception is None
    with Store(tmp_path, read_only=True) as store:
        _, second = [orjson.loads(output) for output in store.outputs("privacy_receipt")]
    assert {model["model"]: model["examples"] for model in second["models"]}["engagement_tier"] == 1


def test_a_rotation_without_another_key_says_what_to_set(tmp_path: Path) -> None:
    fill(tmp_path, snapshot_key=OLD)
    refused = call("key", "rotate", "--data-dir", tmp_path, *flags(OLD))
    assert isinstance(refused.exception, SettingsError)
    assert "set STREAM_APP_SNAPSHOT_KEY to a new one" in str(refused.exception)
    shown = call("key", "show", "--data-dir", tmp_path, "--json", *flags(OLD))
    assert len(orjson.loads(shown.stdout)) == 1
    assert OLD not in shown.stdout


def test_erasures_and_exports_are_told_by_keyed_hashes_alone(tmp_path: Path) -> None:
    fill(tmp_path)
    assert call("export-user", "--data-dir", tmp_path, "--user", USER, "--json").exception is None
    receipt = orjson.loads(call("erase", "--data-dir", tmp_path, "--user", USER, "--json").stdout)
    told = call("audit", "--data-dir", tmp_path, "--json").stdout
    export, erasure = map(orjson.loads, told.splitlines())
    assert (export["act"], erasure["act"]) == ("export", "erasure")
    assert export["subject"] == erasure["subject"] == receipt["subject"]
    assert erasure["until"] == receipt["as_of"]
    assert erasure["request_id"] == receipt["request_id"]
    shown = call("audit", "--data-dir", tmp_path)
    assert receipt["subject"][:6] in shown.stdout
    assert USER not in told + shown.stdout
    elsewhere = tmp_path / "elsewhere.jsonl"
    call("export-user", "--data-dir", tmp_path, "--user", "other", "--set", f"audit_file={elsewhere}")
    assert elsewhere.read_bytes().count(b"\n") == 1


def test_what_cannot_be_logged_is_not_done(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "audit.jsonl").mkdir()
    for command in ("export-user", "erase"):
        refused = call(command, "--data-dir", tmp_path, "--user", USER)
        assert isinstance(refused.exception, StateError)
        assert USER not in refused.output
    (tmp_path / "audit.jsonl").rmdir()
    assert call("export-user", "--data-dir", tmp_path, "--user", USER, "--json").exception is None
