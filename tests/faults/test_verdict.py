"""What the harness holds against a run, on runs that were tampered with."""

from collections import Counter
from copy import deepcopy
from typing import Any

import msgspec
import orjson
import pytest
from faults.households import MARK, PEOPLE, VISITS, judge_households
from faults.outcome import Outcome
from faults.verdict import judge_frozen, judge_learning, targets_of

from stream_app.features.user_row import Kind, UserRow, decode_row, encode_row


@pytest.fixture(scope="module")
def learned(expected: Outcome) -> dict[str, int]:
    bodies = map(orjson.loads, (*expected.outputs.values(), *expected.household_outputs.values()))
    examples = (body for body in bodies if body["schema_name"] == "training_example")
    return Counter(target for example in examples for target in targets_of(example))


@pytest.fixture
def found(expected: Outcome) -> Outcome:
    return deepcopy(expected)


def of_schema(outcome: Outcome, schema: str) -> str:
    """The id of the last output of a schema."""
    mark = b'"schema_name":"%s"' % schema.encode()
    return [identifier for identifier, body in outcome.outputs.items() if mark in body][-1]


def test_an_equal_run_passes(expected: Outcome, found: Outcome, learned: dict[str, int]) -> None:
    assert judge_frozen(found, expected) == []
    assert judge_learning(found, expected, learned) == []


def test_a_row_that_differs_or_is_missing_is_found(
    expected: Outcome, found: Outcome, learned: dict[str, int]
) -> None:
    (lost, changed), kept = list(found.rows)[:2], found.rows
    del kept[lost]
    row = decode_row(kept[changed])
    row.active_days += 1
    kept[changed] = encode_row(row)
    findings = {f"row {lost} is missing", f"row {changed} differs"}
    assert set(judge_frozen(found, expected)) == set(judge_learning(found, expected, learned)) == findings


def test_a_decision_in_a_row_counts_with_frozen_models_alone(
    expected: Outcome, found: Outcome, learned: dict[str, int]
) -> None:
    user = next(iter(found.rows))
    row = decode_row(found.rows[user])
    row.tier = 1 + row.tier % 3
    found.rows[user] = encode_row(row)
    assert judge_frozen(found, expected) == [f"row {user} differs"]
    assert judge_learning(found, expected, learned) == []


@pytest.mark.parametrize("schema", ["closed_session", "training_example", "failed_event", "recommendations"])
def test_an_output_that_is_missing_or_makes_itself_up_is_found(
    expected: Outcome, found: Outcome, learned: dict[str, int], schema: str
) -> None:
    lost = of_schema(found, schema)
    found.outputs["made up"] = found.outputs.pop(lost)
    assert len(judge_frozen(found, expected)) == 2
    findings = judge_learning(found, expected, learned)
    assert any(lost in finding for finding in findings)
    assert any("made up" in finding for finding in findings)


def test_a_repeat_with_another_content_is_found(
    expected: Outcome, found: Outcome, learned: dict[str, int]
) -> None:
    session, list_sent = of_schema(found, "closed_session"), of_schema(found, "recommendations")
    for identifier in (session, list_sent):
        body = orjson.loads(found.outputs[identifier]) | {"emitted_at": "2024-03-04T08:00:00Z"}
        found.add([orjson.dumps(body)])
        assert found.conflicts == []
        found.add([orjson.dumps(body | {"as_of": "1999-01-01T00:00:00Z"})])
        assert found.conflicts == [identifier]
        assert judge_frozen(found, expected) == [f"output {identifier} was repeated with another content"]
        is_decided = identifier == list_sent
        assert bool(judge_learning(found, expected, learned)) is not is_decided
        found.conflicts.clear()


def test_an_example_that_was_learned_twice_is_found(
    expected: Outcome, found: Outcome, learned: dict[str, int]
) -> None:
    twice = learned | {"churn": learned["churn"] + 1}
    (finding,) = judge_learning(found, expected, twice)
    assert finding.startswith("churn: ")


def test_examples_of_an_erased_household_may_be_unlearned_and_no_others(
    expected: Outcome, found: Outcome, learned: dict[str, int]
) -> None:
    examples = map(orjson.loads, found.household_outputs.values())
    user = next(each["user_key"] for each in examples if each["schema_name"] == "training_example")
    less = learned | {"churn": learned["churn"] - 1}
    assert judge_learning(found, expected, less, {user.split("/")[0]}) == []
    assert len(judge_learning(found, expected, less)) == 1


@pytest.fixture
def lives() -> dict[str, UserRow]:
    """One household's rows at the end, each with what it did itself and a device's history."""
    rows = {
        f"{MARK}1/{name}": UserRow(merged_into="", kinds={"page": Kind(VISITS // 2, 1.0)}) for name in PEOPLE
    }
    rows |= {f"{MARK}1/{name}": UserRow(merged_into=f"{MARK}1/p0") for name in ("d0", "d1", "old0")}
    rows[f"{MARK}1/p0"].recent_items = [f"{MARK}1/p0:1", f"{MARK}1/d0:2", f"{MARK}1/old0:3"]
    return rows


def test_a_household_of_which_each_event_counts_once_passes(lives: dict[str, UserRow]) -> None:
    assert judge_households(lives, {f"{MARK}1"}, set()) == []


@pytest.mark.parametrize(
    ("user", "change", "finding"),
    [
        ("p0", {"kinds": {"page": Kind(VISITS, 1.0)}}, f"{VISITS + VISITS // 2} of {VISITS} page views"),
        ("p0", {"kinds": {}}, f"{VISITS // 2} of {VISITS} page views"),
        ("p1", {"recent_items": [f"{MARK}1/p0:1"]}, "p1 holds what"),
        ("p1", {"top_items": {f"{MARK}2/d0:1": 1}}, "p1 holds what"),
        ("d0", {"outgoing": b"history"}, "d0 was merged and still holds a history"),
    ],
)
def test_what_a_household_breaks_is_found(
    lives: dict[str, UserRow], user: str, change: dict[str, Any], finding: str
) -> None:
    lives[f"{MARK}1/{user}"] = msgspec.structs.replace(lives[f"{MARK}1/{user}"], **change)
    [found] = judge_households(lives, {f"{MARK}1"}, set())
    assert finding in found


def test_what_an_erased_user_did_is_found_and_views_may_lack(lives: dict[str, UserRow]) -> None:
    [found] = judge_households(lives, {f"{MARK}1"}, {f"{MARK}1"})
    assert "p0 holds what an erased user did" in found
    del lives[f"{MARK}1/p0"]
    assert judge_households(lives, {f"{MARK}1"}, {f"{MARK}1"}) == []
