"""What commit dc90abe wrote (tests/baseline), read by this version, and its recorded streams taken again."""

import base64
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from baseline import changelog
from baseline.differences import ALL, DIFFERENCES, Difference, compared, with_unmoved
from baseline.files import (
    FOLDER,
    FOLDER_KEY,
    SNAPSHOT_KEY,
    entry_line,
    read_entry,
    read_lines,
    read_record,
    unpack_folder,
)
from baseline.frozen import FeatureNames
from baseline.recording import NOW, replay_stream
from support.command_line import CommandLine

from load_tests.drivers.names import find

MOST_BYTES = 1_500_000
MODELS = ("churn", "engagement_score", "engagement_tier", "purchase", "will_return")
# Why an old snapshot may be refused; docs/operations.md says under Upgrade what to do then.
MAY_BE_REFUSED_FOR = ("format_version", "library_versions")


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return unpack_folder(FOLDER / "data-folder.tar.xz", tmp_path / "data")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


def records(name: str) -> list[Any]:
    return [read_record(line) for line in read_lines(FOLDER / name)]


def values(name: str) -> list[bytes]:
    entries = map(read_entry, read_lines(FOLDER / name))
    return [entry for entry in entries if isinstance(entry, bytes)]


def names() -> FeatureNames:
    return FeatureNames(map(orjson.loads, read_lines(FOLDER / "feature-names.jsonl.gz")))


def recorded_features(name: str) -> dict[str, dict[str, Any]]:
    told = map(orjson.loads, read_lines(FOLDER / name))
    return {line["user_key"]: line["features"] for line in told}


def assert_features(rows: Iterable[tuple[str, Any]], name: str) -> None:
    recorded = recorded_features(name)
    found = {line["user_key"]: line["features"] for line in changelog.features_of(find, rows)}
    assert found.keys() == recorded.keys()
    for user_key, features in recorded.items():
        known = {feature: found[user_key].get(feature) for feature in features}
        assert known == features, user_key


def assert_outputs(found: list[bytes], name: str) -> None:
    expected = compared(read_lines(FOLDER / name))
    assert expected
    assert compared(found) == expected


def test_the_files_are_those_that_dc90abe_made() -> None:
    manifest = orjson.loads((FOLDER / "manifest.json").read_bytes())
    assert manifest["commit"] == "dc90abe"
    files = {file.name: file.read_bytes() for file in FOLDER.iterdir() if file.name != "manifest.json"}
    assert {name: sha256(data).hexdigest() for name, data in files.items()} == manifest["sha256"]
    assert sum(map(len, files.values())) < MOST_BYTES


def test_rows_of_the_data_folder_are_read(data_folder: Path) -> None:
    with find("Store")(data_folder, read_only=True) as store:
        assert_features(
            ((user_key, row) for _, user_key, row in store.rows()), "data-folder-features.jsonl.gz"
        )


def test_rows_of_the_changelog_are_read() -> None:
    taken = records("changelog.jsonl.gz")
    assert_features(changelog.rows_of(find, taken).items(), "changelog-features.jsonl.gz")


def test_a_partition_knows_from_the_changelog_how_far_it_came() -> None:
    taken = records("changelog.jsonl.gz")
    metas = changelog.metas_of(find, taken)
    assert metas.keys() == {0, 1}
    for number, meta in metas.items():
        partition = find("Partition")(number, find("Rules")(), meta)
        assert partition.meta.applied[find("EVENTS").name] > 500


def test_a_recorded_stream_gives_the_outputs_of_dc90abe(tmp_path: Path) -> None:
    stream = with_unmoved(map(read_entry, read_lines(FOLDER / "stream.jsonl.gz")))
    assert_outputs(replay_stream(find, tmp_path, stream, names()), "stream-outputs.jsonl.gz")


def test_a_data_folder_goes_on_as_dc90abe_would_have(data_folder: Path) -> None:
    """Open sessions, tiers, moments, starts: all that a row holds has a part in what comes out next."""
    later = map(read_entry, read_lines(FOLDER / "later.jsonl.gz"))
    assert_outputs(replay_stream(find, data_folder, later, names()), "later-outputs.jsonl.gz")


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_the_data_folder_is_read_or_refused_with_its_reason(data_folder: Path, name: str) -> None:
    with find("Store")(data_folder, read_only=True) as store:
        data = store.snapshot(name)
    assert_read_or_refused(data, FOLDER_KEY, name)


def test_models_of_the_topic_are_read_or_refused_with_their_reason() -> None:
    found: dict[str, Any] = {}

    def keep(name: str, version: Any) -> bool:
        return found.setdefault(name, version) is version

    find("SnapshotReader")(keep, pytest.fail).read_records(records("snapshots.jsonl.gz"))
    assert found.keys() == {*MODELS} - {"engagement_tier"}
    for name, version in found.items():
        assert_read_or_refused(version.data, SNAPSHOT_KEY, name)


def assert_read_or_refused(data: bytes, key: bytes, name: str) -> None:
    refused = find("SnapshotRefused")
    try:
        model, header = find("load_snapshot")(data, key)
    except refused as refusal:
        reason = refusal.reason
    else:
        assert model.name == header.model == name
        assert model.examples_seen == header.examples_seen
        assert model.examples_seen > 0 or name == "engagement_score"
        return
    assert reason in MAY_BE_REFUSED_FOR


def test_the_recommender_of_the_topic_is_read() -> None:
    found: list[Any] = []

    def keep(*told: Any) -> bool:
        found.append(told)
        return True

    find("SnapshotReader")(keep, pytest.fail).read_records(records("recommender-snapshots.jsonl.gz"))
    [(name, version)] = found
    state = find("unseal")(version.data, name, version.number, SNAPSHOT_KEY)
    recommender = find("SessionRecommender")(find("Surface").from_state(state))
    assert recommender.stamp().examples_seen > 100
    items = recommender.recommend(find("Occasion")(["p00019"], NOW, "seed"), 10)
    assert len(items) == 10


def test_the_command_line_goes_on_with_the_data_folder_or_says_what_to_do(
    data_folder: Path, tmp_path: Path, command: CommandLine
) -> None:
    later = tmp_path / "later.jsonl"
    later.write_bytes(b"\n".join(values("later.jsonl.gz")))
    ended = command.run("replay", later, "--data-dir", data_folder, "--partitions", 2)
    if ended.code:
        assert any(reason in ended.err for reason in MAY_BE_REFUSED_FOR), ended.err
        assert "replay the events into an empty folder, as docs/operations.md says under Upgrade" in ended.err
    else:
        assert command.run("outputs", "--data-dir", data_folder, "--json").out.count("\n") > 1_000


def test_what_differs_on_purpose_is_listed_with_its_reason_and_alone_passed_over() -> None:
    assert all(difference.reason for difference in DIFFERENCES)
    output = {"schema_name": "outlook", "id": "1", "user_key": "ann"}
    line = orjson.dumps(output, option=orjson.OPT_SORT_KEYS)
    changed = orjson.dumps(output | {"user_key": "ben"})
    assert compared([line]) != compared([changed])
    allowed = [Difference("outlook", "user_key", "a reason")]
    assert compared([line], allowed) == compared([changed], allowed)
    assert compared([line], [Difference("outlook", ALL, "a reason")]) == []
    assert compared([line], [Difference("closed_session", "user_key", "a reason")]) == [line]


def test_a_value_that_is_no_text_is_kept_as_it_was() -> None:
    lines = read_lines(FOLDER / "stream.jsonl.gz")
    odd = [line for line in lines if line.startswith(b'{"base64"')]
    assert odd
    for line in odd:
        value = read_entry(line)
        assert value == base64.b64decode(orjson.loads(line)["base64"])
        assert entry_line(value) == line
