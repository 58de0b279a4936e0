"""Named pipes through which arriving events are seen."""

import os
from itertools import islice
from pathlib import Path

from stream_app.runtimes.embedded.onlookers import (
    FOLDER_NAME,
    MOST_WAITING,
    Onlookers,
    arriving,
    looking_on,
)


def test_all_who_look_on_see_every_event_whole(tmp_path: Path) -> None:
    onlookers = Onlookers(tmp_path)
    with looking_on(tmp_path) as reading:
        onlookers.show([b'{"a": 1}', b'{"b": 2}'])
        onlookers.show([b'{"c": 3}'])
        seen = [value for values in islice(arriving(reading, 0.0), 2) for value in values]
    assert seen == [b'{"a": 1}', b'{"b": 2}', b'{"c": 3}']


def test_nothing_is_left_where_nobody_looks(tmp_path: Path) -> None:
    onlookers = Onlookers(tmp_path)
    onlookers.show([b"early"])
    with looking_on(tmp_path) as reading:
        assert list(islice(arriving(reading, 0.0), 1)) == [[]]
    onlookers.show([b"late"])
    assert list(tmp_path.iterdir()) == []


def test_a_slow_onlooker_misses_events_and_nobody_waits(tmp_path: Path) -> None:
    onlookers = Onlookers(tmp_path)
    value = b"x" * 100_000
    with looking_on(tmp_path) as reading:
        for _ in range(3 * MOST_WAITING // len(value)):
            onlookers.show([value])
        seen = 0
        lines = arriving(reading, 0.0)
        for _ in range(200):
            seen += sum(len(line) == len(value) for line in next(lines))
            onlookers.flush()
        assert 0 < seen <= (MOST_WAITING + 200_000) // len(value)
        onlookers.show([b"after"])
        assert b"after" in [line for lines_ in islice(lines, 2) for line in lines_]


def test_the_pipe_of_one_who_was_killed_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER_NAME
    folder.mkdir()
    os.mkfifo(folder / "1")
    (folder / "no-pipe").write_text("kept")
    Onlookers(tmp_path).show([b"x"])
    assert [path.name for path in folder.iterdir()] == ["no-pipe"]
    assert (folder / "no-pipe").read_text() == "kept"


def test_one_who_leaves_disturbs_nobody(tmp_path: Path) -> None:
    onlookers = Onlookers(tmp_path)
    with looking_on(tmp_path):
        onlookers.show([b"1"])
    onlookers.show([b"2"])
    with looking_on(tmp_path) as reading:
        onlookers.show([b"3"])
        assert list(islice(arriving(reading, 0.0), 1)) == [[b"3"]]
