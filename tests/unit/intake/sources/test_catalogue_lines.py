from pathlib import Path

import pytest

from stream_app.errors import InputError
from stream_app.intake.sources.catalogue_lines import read_catalogue


def test_items_come_in_the_order_of_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.jsonl"
    path.write_text('{"item_id": "tea", "category": "drinks"}\n\n{"item_id": "pot", "available": false}\n')
    assert [(item.item_id, item.category, item.available) for item in read_catalogue(path)] == [
        ("tea", "drinks", True),
        ("pot", None, False),
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"item_id": "tea"', "line 2 is no catalogue item: Invalid JSON"),
        ('{"price": 3}', "line 2 is no catalogue item of item_id: Field required"),
        ('{"item_id": "tea", "price": -1}', "line 2 is no catalogue item of price"),
        ('["tea"]', "line 2 is no catalogue item: Input should be an object"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "catalogue.jsonl"
    path.write_text('{"item_id": "pot"}\n' + line)
    with pytest.raises(InputError, match=sentence):
        list(read_catalogue(path))


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(read_catalogue(tmp_path / "none.jsonl"))
