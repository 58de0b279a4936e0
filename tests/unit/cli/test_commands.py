import io
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from support.command_line import CommandLine
from typer.testing import CliRunner, Result

from stream_app.cli import main
from stream_app.errors import InputError, RefusedEventsError, SettingsError, StateError
from stream_app.runtimes.embedded.output_table import FILE_NAME
from stream_app.runtimes.embedded.store import ReadPosition, Store
from stream_app.schemas.outputs import EngagementTier
from stream_app.settings.environment import Settings
from stream_app.testing import page, session

EVENTS = [page("u", at * 70.0, f"item-{at}") for at in range(6)] + [b"{bad", session("v", 400, 60, 2)]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main.app, [str(argument) for argument in arguments])


def replay(folder: Path, *arguments: object) -> dict[str, object]:
    result = call("replay", *arguments, "--data-dir", folder, "--json")
    assert result.exception is None, result.output
    return orjson.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def events_file(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(EVENTS))
    return path


def test_a_replay_reports_what_came_of_it(tmp_path: Path, events_file: Path) -> None:
    report = replay(tmp_path / "data", events_file)
    assert report["records"] == 8
    assert report["events"] == {"processed": 7, "failed": 1}
    assert report["failed"] == {"bad_json": 1}
    assert (report["users"], report["users_by_tier"]) == (2, {"low": 2})
    assert report["outputs"]["closed_session"] == report["sessions_learned"] + 1 == 2
    assert replay(tmp_path / "data", events_file)["records"] == 0


def test_a_replay_of_which_much_was_late_says_so(tmp_path: Path) -> None:
    late = [page("v", -9_000.0 * number, "item") for number in range(2, 30)]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join([*EVENTS[:6], *late]))
    result = call("replay", path, "--data-dir", tmp_path / "data")
    assert isinstance(result.exception, RefusedEventsError)
    assert str(result.exception).startswith(
        "28 of 34 events (82%) failed or were late, 28 of them for the reason late"
    )
    assert "sort the events by time" in str(result.exception)


def test_a_report_leaves_off_the_sources_that_are_off(tmp_path: Path, events_file: Path) -> None:
    off = replay(tmp_path / "off", events_file)["recommendations"]
    on = replay(tmp_path / "on", events_file, "--set", "recommend_factorisation=true")["recommendations"]
    assert on.keys() - off.keys() == {"factorisation"}  # type: ignore[attr-defined]
    assert "blend" in off


def test_the_report_for_people_says_what_to_do_next(tmp_path: Path, events_file: Path) -> None:
    result = call("replay", events_file, "--data-dir", tmp_path / "my data")
    assert result.exit_code == 0
    assert "8 events" in result.stdout
    assert "failed: bad_json" in result.stdout
    assert "stream-app outputs --data-dir" in result.stdout
    assert "'" in result.stdout  # the folder's space is quoted


def test_outputs_are_one_object_a_line_in_their_order(tmp_path: Path, events_file: Path) -> None:
    replay(tmp_path / "data", events_file)
    bodies = call("outputs", "--data-dir", tmp_path / "data", "--json").stdout_bytes.splitlines()
    with Store(tmp_path / "data", read_only=True) as store:
        assert bodies == list(store.outputs())
    tiers = call("outputs", "--data-dir", tmp_path / "data", "--schema", "engagement_tier", "--json")
    users = [EngagementTier.model_validate_json(body).user_key for body in tiers.stdout_bytes.splitlines()]
    assert sorted(users) == ["u", "v"]  # type: ignore[type-var]
    limited = call("outputs", "--data-dir", tmp_path / "data", "--limit", 1)
    assert len(limited.stdout.splitlines()) == 1
    assert "bad_json" in call("outputs", "--data-dir", tmp_path / "data").stdout


def test_an_unknown_schema_is_told_with_those_there_are(tmp_path: Path, events_file: Path) -> None:
    replay(tmp_path / "data", events_file)
    result = call("outputs", "--data-dir", tmp_path / "data", "--schema", "tiers")
    assert isinstance(result.exception, InputError)
    assert "closed_session, engagement_tier, failed_event" in str(result.exception)


def pipe(monkeypatch: pytest.MonkeyPatch, values: list[bytes]) -> None:
    # Click's runner puts a stream of its own in place of standard input.
    stdin = SimpleNamespace(buffer=io.BytesIO(b"\n".join(values)))
    monkeypatch.setattr("stream_app.intake.sources.event_files.sys", SimpleNamespace(stdin=stdin))


def test_standard_input_begins_anew_after_a_whole_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        pipe(monkeypatch, EVENTS)
        assert replay(tmp_path, "-")["records"] == 8


def test_standard_input_goes_on_after_a_stream_that_was_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path) as store:
        store._connection.execute("INSERT INTO sources VALUES ('-', 3, 1.0, checksum('-', 3, 1.0))")
    pipe(monkeypatch, EVENTS)
    result = call("replay", "-", "--data-dir", tmp_path, "--json")
    assert "the first 3 records of the same stream are skipped" in result.stderr
    assert orjson.loads(result.stdout)["records"] == 5
    with Store(tmp_path, read_only=True) as store:
        assert store.source_position("-") == ReadPosition(0, None)


def test_event_csv_and_folders_are_replayed(tmp_path: Path, events_file: Path) -> None:
    (tmp_path / "more.csv").write_text("type,userId,timestamp\npage,w,2024-03-04T09:00:00Z\n")
    assert replay(tmp_path / "data", tmp_path)["records"] == 9


def test_clicks_are_replayed(tmp_path: Path) -> None:
    path = tmp_path / "clicks.txt"
    path.write_text("SessionId\tItemId\tTime\n1\tx\t1396437466.94\n1\ty\t1396437470\n2\tx\t1396437480\n")
    report = replay(tmp_path / "data", "--format", "clicks", path)
    assert (report["records"], report["users"], report["sessions_learned"]) == (3, 2, 2)


def test_marketing_tables_give_every_user_a_tier(tmp_path: Path) -> None:
    users, sessions = tmp_path / "users.csv", tmp_path / "sessions.csv"
    users.write_text("user_id;age;abandoned_cart;user_category;marketing_target\na;31;1;new;2\nb;;0;;3\n")
    sessions.write_text(
        "user_id,session_id,timestamp,device_type,browser,operating_system,ip_address,country,"
        "search_query,page_views,session_duration\n"
        "a,s1,2024-03-04T10:00:00,mobile,Chrome,Android,1.2.3.4,NL,,2,120\n"
        "b,s2,2024-03-04T12:00:00,mobile,Chrome,Android,1.2.3.4,NL,,2,120\n"
    )
    report = replay(tmp_path / "data", "--format", "marketing", "--users", users, "--sessions", sessions)
    assert (report["users"], report["users_by_tier"].get("none", 0)) == (2, 0)  # type: ignore[attr-defined]
    assert report["models"]["engagement_tier"]["examples"] == 2


def test_courses_teach_the_engagement_score(tmp_path: Path) -> None:
    features, target = tmp_path / "features.csv", tmp_path / "target.csv"
    features.write_text("Length\n" + "\n".join(str(number) for number in range(5)) + "\n")
    target.write_text("Engagement Score\n" + "\n".join(str(number * 10) for number in range(5)) + "\n")
    report = replay(tmp_path / "data", "--format", "courses", "--features", features, "--target", target)
    assert report["models"]["engagement_score"]["examples"] == 5


def test_settings_are_all_listed_and_secrets_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_APP_SNAPSHOT_KEY", "a-secret-of-many-characters")
    listed = orjson.loads(call("settings", "--json", "--set", "partitions=9").stdout)
    assert listed.keys() == Settings.model_fields.keys()
    assert (listed["partitions"], listed["snapshot_key"]) == ("9", "(set)")
    table = call("settings")
    assert "a-secret" not in table.output
    assert "STREAM_APP_PARTITIONS" in table.output


def test_success_is_exit_code_0(command_line: CommandLine) -> None:
    assert command_line.run("settings", "--json").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["replay"], 2, "name the files to read, or - for standard input"),
        (["replay", "nowhere.jsonl"], 2, "nowhere.jsonl does not exist"),
        (["replay", "--format", "marketing"], 2, "needs --users and --sessions"),
        (["replay", "--format", "courses", "--features", "x"], 2, "needs --features and --target"),
        (["replay", "x", "--set", "partitons=1"], 2, "did you mean partitions?"),
        (["outputs", "--data-dir", "nothing"], 3, "nothing holds no data"),
        (["replay", "--no-such-option"], 2, "No such option"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    arguments: list[str],
    code: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command_line: CommandLine,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = command_line.run(*arguments)
    assert ended.code == code
    assert sentence in ended.err
    assert "Traceback" not in ended.err


def test_a_folder_in_use_is_exit_code_3(
    tmp_path: Path,
    events_file: Path,
    command_line: CommandLine,
) -> None:
    with Store(tmp_path / "data"):
        ended = command_line.run("replay", events_file, "--data-dir", tmp_path / "data")
    assert (ended.code, ended.err.count("\n")) == (3, 1)


def test_errors_say_what_kind_they_are() -> None:
    assert [kind.exit_code for kind in (SettingsError, InputError, StateError)] == [2, 2, 3]


def test_a_damaged_store_is_exit_code_3(tmp_path: Path, events_file: Path, command_line: CommandLine) -> None:
    replay(tmp_path / "data", events_file)
    (tmp_path / "data" / FILE_NAME).write_bytes(b"no database" * 1_000)
    for suffix in ("-wal", "-shm"):
        (tmp_path / "data" / (FILE_NAME + suffix)).unlink(missing_ok=True)
    assert command_line.run("replay", events_file, "--data-dir", tmp_path / "data").code == 3
    assert command_line.run("outputs", "--data-dir", tmp_path / "data").code == 3
