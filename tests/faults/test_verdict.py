"""What the harness holds against a run, on runs that were tampered with."""

from collections import Counter
from copy import deepcopy

import orjson
import pytest
from faults.outcome import Outcome
from faults.verdict import judge_frozen, judge_learning, targets_of

from stream_app.features.user_row import decode_row, encode_row


@pytest.fixture(scope="module")
def learned(expected: Outcome) -> dict[str, int]:
    bodies = map(orjson.loads, expected.outputs.values())
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
