"""The documents' code blocks, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: the document's path in the repository, the line it begins at, its language and text."""

    document: str
    line: int
    language: str
    text: str


class Command(NamedTuple):
    """One shell command of a block, continued lines joined and comments dropped."""

    document: str
    line: int
    text: str


def blocks() -> Iterator[Block]:
    """Every fenced block of every document."""
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        for found in _BLOCK.finditer(text):
            indent, language, body = found.groups()
            lines = [line.removeprefix(indent) for line in body.splitlines()]
            number = text.count("\n", 0, found.start()) + 1
            yield Block(path.relative_to(ROOT).as_posix(), number, language, "\n".join(lines))


def commands(document: str | None = None) -> list[Command]:
    """The shell commands of all documents, or of one."""
    return [
        Command(block.document, block.line, command)
        for block in blocks()
        if block.language == "sh" and document in (None, block.document)
        for command in _commands(block.text)
    ]


def _commands(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if command := _without_comment(line):
            yield command


def _without_comment(line: str) -> str:
    """The line up to a `#` that begins a word and stands in no quotes."""
    for found in re.finditer(r"(?:^|\s)#", line):
        head = line[: found.start()]
        try:
            shlex.split(head)
        except ValueError:  # an open quote: this # is part of a text
            continue
        return head.strip()
    return line.strip()
