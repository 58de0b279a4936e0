import re
from pathlib import Path

from stream_app.planning.campaigns import Campaign
from stream_app.planning.reasons import Reason
from stream_app.planning.segments import SEGMENTS

DOCUMENT = (Path(__file__).parents[2] / "docs/campaigns.md").read_text("utf-8")


def words_of(section: str) -> list[str]:
    text = DOCUMENT.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [
        word
        for row in re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
        for word in re.findall(r"`(\w+)`", row)
    ]


def test_every_segment_is_described() -> None:
    assert re.findall(r"^\| (\w[\w ]+) \| \w", DOCUMENT, re.MULTILINE)[1 : 1 + len(SEGMENTS)] == list(
        SEGMENTS
    )


def test_every_reason_is_explained_and_no_other() -> None:
    assert sorted(words_of("Why somebody got nothing")) == sorted([*Reason, "nothing_came_up"])


def test_every_word_of_a_file_that_is_explained_exists() -> None:
    schema = str(Campaign.model_json_schema())
    assert [word for word in words_of("What a file says") if f"'{word}'" not in schema] == []
