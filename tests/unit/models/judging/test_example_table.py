from stream_app.models.judging.example_table import EXAMPLES_AT_ONCE, ExampleTable
from stream_app.models.learning import Example

EXAMPLES = [
    Example({"lessons": 3.0}, 40.0),
    Example({"price": 0.1, "lessons": 0.0}, 50.5),
    Example({}, 60.0),
    Example({"stars": float("inf")}, 70.0),
]


def test_examples_come_back_as_they_were_and_know_no_more_than_they_did():
    table = ExampleTable(iter(EXAMPLES))
    assert len(table) == 4
    assert table.examples(range(4)) == EXAMPLES
    assert table.examples([3, 1]) == [EXAMPLES[3], EXAMPLES[1]]
    assert list(table.values) == [40.0, 50.5, 60.0, 70.0]


def test_batches_hold_all_of_the_places_in_their_order():
    count = 2 * EXAMPLES_AT_ONCE + 1
    table = ExampleTable(Example({"n": float(n)}, n / 2) for n in range(count))
    backwards = range(count - 1, -1, -1)
    batches = list(table.batches(backwards))
    assert [len(batch) for batch in batches] == [EXAMPLES_AT_ONCE, EXAMPLES_AT_ONCE, 1]
    assert [value for batch in batches for _, value in batch] == [n / 2 for n in backwards]
