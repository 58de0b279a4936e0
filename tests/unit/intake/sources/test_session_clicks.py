import pytest

from stream_app.intake.sources.session_clicks import read_positions, read_session_clicks
from stream_app.models.judging.recommendation_evaluation import ClickedSession


@pytest.fixture
def write(tmp_path):
    def write(text: str):
        path = tmp_path / "clicks.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_clicks_are_grouped_by_session_in_order_of_time(write):
    path = write("SessionId\tItemId\tTime\n2\tx\t5\n1\ta\t3.5\n1\tb\t1\n2\ty\t5\n\n")
    assert read_session_clicks(path) == [
        ClickedSession("2", ("x", "y"), (5.0, 5.0)),
        ClickedSession("1", ("b", "a"), (1.0, 3.5)),
    ]


@pytest.mark.parametrize(
    ("text", "line", "advice"),
    [
        ("", 1, "write the header SessionId<tab>ItemId<tab>Time"),
        ("1\ta\t3\n", 1, "write the header"),
        ("SessionId\tItemId\tTime\n1\ta\t3\n1\ta\n", 3, "write 3 fields"),
        ("SessionId\tItemId\tTime\n1\ta\tyesterday\n", 2, "write seconds since 1970"),
        ("SessionId\tItemId\tTime\n1\ta\tinf\n", 2, "write seconds since 1970"),
        ("SessionId\tItemId\tTime\n1\t\t3\n", 2, "neither may be empty"),
    ],
)
def test_a_malformed_row_is_named_with_what_to_write(write, text, line, advice):
    path = write(text)
    with pytest.raises(ValueError, match=f"line {line}: .*{advice}") as raised:
        read_session_clicks(path)
    assert str(path) in str(raised.value)


def test_positions_are_pairs(write):
    assert read_positions(write("SessionId;Position\n8;1\n8;2\n9;1\n")) == {("8", 1), ("8", 2), ("9", 1)}


@pytest.mark.parametrize("position", ["0", "-1", "1.5", "", "²"])
def test_a_position_counts_from_one(write, position):
    with pytest.raises(ValueError, match=r"line 2: .*whole number from 1"):
        read_positions(write(f"SessionId;Position\n8;{position}\n"))
