"""What is held against a run: everything that it lacks, has too much or has otherwise than it must be."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson
from faults.households import household_of
from faults.outcome import Outcome

from stream_app.schemas.outputs import (
    ClosedSession,
    FailedEvent,
    ItemOutcomes,
    Recommendations,
    TrainingExample,
)
from stream_app.schemas.topics import EVENTS

# What follows from the events alone, whatever the models say.
UNDECIDED_OUTPUTS = tuple(
    contract.model_fields["schema_name"].default
    for contract in (ClosedSession, FailedEvent, TrainingExample, ItemOutcomes)
)
TRAINING_EXAMPLE = TrainingExample.model_fields["schema_name"].default
RECOMMENDATIONS = Recommendations.model_fields["schema_name"].default
Outputs = Mapping[str, bytes]


def judge_frozen(found: Outcome, expected: Outcome) -> list[str]:
    """Findings of a run whose models stand still: every row and every output is to be equal."""
    return [
        *_differences("row", found.rows, expected.rows),
        *_differences("output", _of_events(found.outputs), expected.outputs),
        *(
            f"output {identifier} was repeated with another content"
            # A receipt may count what arrived between two answers.
            for identifier in found.conflicts
            if identifier in _of_events(found.outputs)
        ),
    ]


def judge_learning(
    found: Outcome, expected: Outcome, learned: Mapping[str, int], erased: Collection[str] = ()
) -> list[str]:
    """Findings of a run that learns on, against one with other models.

    Rows are to be equal but for decisions, and so are all outputs that no model has a part in. Each
    cause of a recommendation has one, from the first session on that the recommender has learned. `learned`
    are examples by model: each is to have learned all of its own, and none twice. `erased` are households.
    """
    outputs = _of_events(found.outputs)
    findings = _differences("row", found.undecided_rows, expected.undecided_rows)
    for schema in UNDECIDED_OUTPUTS:
        findings += _differences(schema, _of_schema(outputs, schema), _of_schema(expected.outputs, schema))
    conflicts = {identifier: found.outputs[identifier] for identifier in found.conflicts}
    for schema in UNDECIDED_OUTPUTS:
        changed = _of_schema(conflicts, schema)
        findings += [f"{schema} {identifier} was repeated with another content" for identifier in changed]
    # How many examples households make hangs on the order of topics, and erasures take some of them back.
    labelled = _labelled(_of_schema(expected.outputs, TRAINING_EXAMPLE).values())
    taught = labelled + _labelled(_of_schema(found.household_outputs, TRAINING_EXAMPLE).values())
    kept = taught - _labelled(
        example
        for example in _of_schema(found.household_outputs, TRAINING_EXAMPLE).values()
        if household_of(orjson.loads(example)["user_key"]) in erased
    )
    findings += [
        f"{target}: {learned.get(target, 0)} examples were learned of {kept[target]} to {count}"
        for target, count in taught.items()
        if not kept[target] <= learned.get(target, 0) <= count
    ]
    due, sent = (_of_schema(given, RECOMMENDATIONS) for given in (expected.outputs, outputs))
    findings += [f"recommendations {identifier} have no cause" for identifier in sent.keys() - due.keys()]
    begun = _first_offsets(sent)
    for identifier, body in due.items():
        partition, offset = _position(body)
        if identifier not in sent and offset >= begun.get(partition, 0):
            findings.append(f"recommendations {identifier} are missing")
    return findings


def targets_of(example: Mapping[str, Any]) -> list[str]:
    """What the labels of a training example tell of."""
    return [example["target"], *example["other_labels"]]


def _labelled(examples: Iterable[bytes]) -> Counter[str]:
    return Counter(target for example in examples for target in targets_of(orjson.loads(example)))


def _differences(what: str, found: Outputs, expected: Outputs) -> list[str]:
    return [
        *(f"{what} {name} is missing" for name in expected.keys() - found.keys()),
        *(f"{what} {name} should not be" for name in found.keys() - expected.keys()),
        *(
            f"{what} {name} differs"
            for name in found.keys() & expected.keys()
            if found[name] != expected[name]
        ),
    ]


def _of_schema(outputs: Outputs, schema: str) -> dict[str, bytes]:
    mark = b'"schema_name":"%s"' % schema.encode()
    return {identifier: body for identifier, body in outputs.items() if mark in body}


def _of_events(outputs: Outputs) -> dict[str, bytes]:
    """Less what poisoned records of other topics came to: no reference run has them."""
    mark = b'"topic":"%s"' % EVENTS.name.encode()
    return {identifier: body for identifier, body in outputs.items() if mark in body}


def _first_offsets(outputs: Outputs) -> dict[int, int]:
    first: dict[int, int] = {}
    for body in outputs.values():
        partition, offset = _position(body)
        first[partition] = min(first.get(partition, offset), offset)
    return first


def _position(body: bytes) -> tuple[int, int]:
    source = orjson.loads(body)["source"]
    return source["partition"], source["offset"]
