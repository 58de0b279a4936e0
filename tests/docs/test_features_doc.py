"""The bounds of a row that docs/features.md states are those of the code."""

import re
from pathlib import Path

from stream_app.core.link_bounds import MAX_HEARD, MAX_LINKED
from stream_app.features.sessions import MAX_OPEN_ITEMS, MAX_OPEN_SESSIONS
from stream_app.features.user_row import MAX_ROW_BYTES

DOCUMENT = (Path(__file__).parents[2] / "docs/features.md").read_text("utf-8")


def test_bounds_are_those_of_the_code() -> None:
    _, _, table = DOCUMENT.partition("| part of a row |")
    cells = [row.split("|")[2].strip() for row in table.split("\n\n")[0].splitlines()[2:]]
    assert cells == [
        f"{MAX_OPEN_SESSIONS}, with {MAX_OPEN_ITEMS} items in all",
        str(MAX_LINKED),
        str(MAX_HEARD),
    ]
    [stated] = re.findall(r"A row takes at most (\d+) KiB", DOCUMENT)
    assert int(stated) * 1024 == MAX_ROW_BYTES
