"""Why an output is as it is, in sentences from what is stored."""

from pathlib import Path

import orjson
import pytest
from support.command_line import CommandLine

from stream_app.cli.explanations import explain_output, explain_sessions
from stream_app.cli.output_lines import ABOUT, output_line
from stream_app.schemas.topics import TOPICS
from stream_app.testing import page, session

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
MODEL = {"name": "engagement_tier", "version": 1, "examples_seen": 1200, "status": "ready"}
TIER = {
    "schema_name": "engagement_tier", "user_key": "u", "as_of": "2026-03-02T10:00:00Z", "tier": 2,
    "tier_name": "medium", "previous_tier": 1, "model": MODEL, "probabilities": {"1": 0.2, "2": 0.8},
    "reasons": [{"feature": "count_action_Product Added", "value": 3.0, "contribution": 0.25}],
}  # fmt: skip
SESSION = {
    "as_of": "2026-03-02T09:00:00Z", "started_at": "2026-03-02T08:50:00Z", "duration": 90.0,
    "event_count": 1, "page_views": 4, "items": ["a", "a", "b"],
}  # fmt: skip


def test_a_tier_names_model_features_and_what_would_change_it() -> None:
    assert explain_output(TIER, "stream-app what-if --user u") == [
        "u is in tier 2 (medium) since 2026-03-02T10:00:00Z; it follows tier 1.",
        "The model engagement_tier has learned 1,200 examples; its state is ready. "
        "It gave 20% for tier 1, 80% for tier 2.",
        "What weighed most, with how much it moved the answer: count_action_Product Added = 3 (+0.25).",
        "What would change it: stream-app what-if --user u --control 'count_action_Product Added'",
    ]


def test_without_a_model_the_rule_decided() -> None:
    told = explain_output({**TIER, "model": None, "previous_tier": None, "reasons": []}, "")
    assert "it is their first tier" in told[0]
    assert told[1].startswith("The built-in rule decided it")


def test_recommendations_say_where_each_came_from() -> None:
    [example] = (EXAMPLES / "engagement.recommendations.v1").glob("*.json")
    output = orjson.loads(example.read_bytes())
    told = explain_output(output, "")
    assert [line.split(",")[0] for line in told[1:4]] == [
        f"{place}. {item['item_id']}" for place, item in enumerate(output["items"], 1)
    ]


def test_an_outlook_says_each_chance() -> None:
    [example] = (EXAMPLES / "engagement.outlooks.v1").glob("*.json")
    told = explain_output(orjson.loads(example.read_bytes()), "stream-app what-if")
    for words in ("they come back: ", "they stay away: ", "they buy: "):
        assert any(line.startswith(words) for line in told)


def test_only_sessions_that_ended_before_count() -> None:
    later = {**SESSION, "as_of": "2026-03-03T00:00:00Z", "page_views": 100}
    assert explain_sessions([SESSION, later], TIER["as_of"]) == (
        "It rests on 1 visit with 4 page views; the last began 2026-03-02T08:50:00Z, took 90 s, "
        "had 1 event and a, b."
    )
    assert "the visit under way" in explain_sessions([later], TIER["as_of"])


@pytest.fixture
def data_dir(tmp_path: Path, command_line: CommandLine) -> Path:
    events = [page("u", at * 70.0, f"item-{at}") for at in range(6)] + [session("v", 400, 60, 2)]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(events))
    assert command_line.run("replay", tmp_path / "events.jsonl", "--data-dir", tmp_path / "data").code == 0
    return tmp_path / "data"


def test_the_newest_of_each_kind_is_explained_or_the_one_that_is_named(
    data_dir: Path, command_line: CommandLine
) -> None:
    told = command_line.run("explain", "--user", "u", "--data-dir", data_dir).out
    assert "u is in tier" in told
    assert "The built-in rule decided it" in told
    by_id = orjson.loads(command_line.run("explain", "--user", "u", "--data-dir", data_dir, "--json").out)
    one = next(iter(by_id))
    alone = command_line.run("explain", "--user", "u", "--data-dir", data_dir, "--output", one, "--json").out
    assert orjson.loads(alone) == {one: by_id[one]}


def test_what_is_not_stored_cannot_be_explained(data_dir: Path, command_line: CommandLine) -> None:
    nobody = command_line.run("explain", "--user", "w", "--data-dir", data_dir)
    nobody.assert_refused("holds no tier, recommendation or outlook of w")
    other = command_line.run("explain", "--user", "u", "--data-dir", data_dir, "--output", "x")
    other.assert_refused("x is none of u's outputs; the newest are")


def outputs() -> list[Path]:
    folders = [
        EXAMPLES / topic.name for topic in TOPICS if topic.has_outputs and (EXAMPLES / topic.name).is_dir()
    ]
    found = [path for folder in folders for path in folder.glob("*.json")]
    return [path for path in found if b"schema_name" in path.read_bytes()]


@pytest.mark.parametrize("path", outputs(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_output_says_what_it_is_about(path: Path) -> None:
    output = orjson.loads(path.read_bytes())
    assert output["schema_name"] in ABOUT
    assert ABOUT[output["schema_name"]](output)
    assert output["schema_name"] in output_line(path.read_bytes())


def test_the_hint_of_an_outlook_can_be_pasted() -> None:
    [example] = (EXAMPLES / "engagement.outlooks.v1").glob("*.json")
    *_, hint = explain_output(orjson.loads(example.read_bytes()), "stream-app what-if --user u")
    assert hint == "What would change it: stream-app what-if --user u --target will_return"
