"""A data folder restored from a backup: who was erased since is erased again."""

import shutil
import time
from pathlib import Path

import orjson
import pytest
from support.planted import found_in
from typer.testing import CliRunner, Result

from stream_app.cli import main
from stream_app.folder.opening import open_replay
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings
from stream_app.testing import START, RecordedSource, event, label, page, session

USER, DEVICE, GONE, BACK = "user-restored", "device-restored", "user-of-no-row", "user-who-came-back"
LOG = "audit.jsonl"
PARTITIONS = 3


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(main.app, [str(argument) for argument in arguments])
    assert result.exception is None, result.output
    return result


def visits(user: str, first: float) -> list[bytes]:
    viewed = [page(user, first + at * 60.0, f"item-{at}") for at in range(4)]
    return [*viewed, label(user, first + 300, 2), session(user, first + 310, 300, 4)]


HISTORY = [
    event("page", "", 0, anonymousId=DEVICE, properties={"product_id": "item-0"}),
    *visits(USER, 10),
    event("identify", USER, 400, anonymousId=DEVICE),
    *visits("other", 20),
    *visits(BACK, 30),
]
SINCE = [*visits(GONE, 100_000), page("other", 200_000.0)]


def fill(folder: Path, values: list[bytes], name: str, audit: Path | None = None) -> Metrics:
    metrics = Metrics()
    with open_replay(folder, Settings(audit_file=audit), metrics, PARTITIONS) as (_, _, replay):
        replay.run(RecordedSource(values, name, is_live=True), lambda *_: None)
        replay.close_idle()
    return metrics


def rows_of(folder: Path) -> set[str]:
    with Store(folder, read_only=True) as store:
        return {user for _, user, _ in store.rows()}


def erase_after_backup(folder: Path, *flags: object) -> Path:
    """The folder as it was backed up, before users were erased and one of them came back."""
    backup = shutil.copytree(folder, folder.with_name("backup"))
    fill(folder, SINCE, "since", Path(flags[1].removeprefix("audit_file=")) if flags else None)  # type: ignore[attr-defined]
    for user in (USER, GONE, BACK):
        call("erase", "--data-dir", folder, "--user", user, *flags)
    return backup


def assert_erased(folder: Path, audit: Path | None = None) -> None:
    assert rows_of(folder) == {"other"}
    assert found_in(folder, [USER, DEVICE]) == set()
    again = fill(folder, [*HISTORY, *SINCE], "once more", audit)
    assert rows_of(folder) == {"other"}
    assert again.event_outcomes()["erased"] == 6 + 1 + 6 + 6 + 1  # pages, labels and sessions, and what links
    with Store(folder, read_only=True) as store:
        named = {orjson.loads(body)["user_key"] for body in store.outputs()}
    assert not named & {USER, DEVICE, BACK}


def test_a_log_outside_the_folder_is_caught_up_with_at_its_opening(tmp_path: Path) -> None:
    folder, audit = tmp_path / "data", tmp_path / "log" / LOG
    audit.parent.mkdir()
    fill(folder, HISTORY, "recorded", audit)
    flags = ("--set", f"audit_file={audit}")
    backup = erase_after_backup(folder, *flags)
    assert {USER, DEVICE, BACK} <= rows_of(backup)
    done = call("erasures", "replay", "--data-dir", backup, *flags)
    assert done.stdout == "4 erasures done again; 3 user keys were held\n"
    assert call("erasures", "replay", "--data-dir", backup, *flags).stdout.startswith("0 erasures")
    assert_erased(backup, audit)
    acts = [orjson.loads(line)["act"] for line in audit.read_bytes().splitlines()]
    assert set(acts) == {"erasure"}


def test_any_command_that_fills_the_folder_catches_up(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    fill(folder, HISTORY, "recorded")
    backup = erase_after_backup(folder)
    shutil.copy(folder / LOG, backup / LOG)
    fill(backup, [page("other", 200_100.0)], "anything")
    assert_erased(backup)


def test_the_log_of_another_place_is_replayed_where_it_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    fill(folder, HISTORY, "recorded")
    backup = erase_after_backup(folder)
    shutil.copy(folder / LOG, tmp_path / "kept.jsonl")
    done = call("erasures", "replay", "--data-dir", backup, "--from", tmp_path / "kept.jsonl")
    assert done.stdout == "4 erasures done again; 3 user keys were held\n"
    assert_erased(backup)


def test_who_came_back_after_an_erasure_stays(tmp_path: Path) -> None:
    fill(tmp_path, HISTORY, "recorded")
    call("erase", "--data-dir", tmp_path, "--user", BACK)
    fill(tmp_path, [page(BACK, time.time() - START + 10)], "after the request")
    call("erasures", "replay", "--data-dir", tmp_path, "--from", tmp_path / LOG)
    fill(tmp_path, [page("other", 200_000.0)], "anything")
    assert BACK in rows_of(tmp_path)


@pytest.mark.parametrize("lines", [None, b"{}\n"])
def test_what_is_no_log_is_refused(tmp_path: Path, lines: bytes | None) -> None:
    fill(tmp_path / "data", HISTORY, "recorded")
    log = tmp_path / "log"
    if lines is not None:
        log.write_bytes(lines)
    command = ["erasures", "replay", "--data-dir", str(tmp_path / "data"), "--from", str(log)]
    refused = CliRunner().invoke(main.app, command)
    assert refused.exception is not None
    assert "audit" in str(refused.exception)
