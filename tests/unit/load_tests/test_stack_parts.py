import pytest

from load_tests.stack_parts import OTHER, count_parts, part_of

STEP = [
    "run (asyncio/runners.py:190)",
    "Processor.process (stream_app/runtimes/kafka/consume/processor.py:80)",
]


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        (["step (stream_app/core/step.py:55)"], "step, timers, identities"),
        (["decode (stream_app/intake/decoding.py:69)", "loads (json/__init__.py:1)"], "decode"),
        (["apply_event (core/application.py:9)", "add (stream_app/features/windows.py:4)"], "row update"),
        (["_Step._recommend (stream_app/core/step.py:3)", "sum (numpy/x.py:4)"], "recommend"),
        (["RowTable.write (stream_app/runtimes/kafka/state/tables.py:9)", "append (aiokafka/x.py:7)"],
         "rows: encode, changelog, RocksDB"),
        (["BulkProducer.send (stream_app/runtimes/kafka/consume/producer.py:9)"], "produce"),
        ([], "runtime"),
    ],
)  # fmt: skip
def test_a_stack_belongs_to_what_it_does(frames: list[str], part: str) -> None:
    assert part_of([*STEP, *frames]) == part


def test_what_is_left_is_told_too() -> None:
    lines = [f"{';'.join(STEP)};decode (stream_app/intake/decoding.py:1) 3", "select (selectors.py:468) 2"]
    assert count_parts(lines) == {"decode": 3, OTHER: 2}
