"""What docs/architecture.md says of the way of an event and of where rules lie."""

import ast
import importlib
import re
import sys
from pathlib import Path
from types import FrameType

import pytest

import stream_app
from stream_app.core.partition import Partition
from stream_app.core.records import Batch
from stream_app.core.step import step
from stream_app.features.user_row import UserRow
from stream_app.learning.ports import Models
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, RECEIVED_AT, FixedModels, page, records

PACKAGE = Path(stream_app.__file__).parent
DOC = (PACKAGE.parent / "docs" / "architecture.md").read_text()
STEP = "core/step.py"
# What every station is handed, or asks for the state of the partition; they are not on the way.
CARRIED = {"core/workspace.py", "core/partition.py", "core/timers.py", "core/erasures.py"}
RULES = Rules()


def section(title: str) -> str:
    return DOC.split(f"\n## {title}\n")[1].split("\n## ")[0]


def stations() -> list[str]:
    return re.findall(r"^\| `([\w/]+\.py)` \|", section("The path of one event"), re.MULTILINE)


def questions() -> list[tuple[str, str, str]]:
    return re.findall(
        r"^\| (.+\?) \| `([\w/]+)\.py` \| `(\w+)` \|$", section("Where to find a rule"), re.MULTILINE
    )


class Trace:
    """The modules that `step` calls, and every call of one station from within another."""

    def __init__(self) -> None:
        self.visits: list[str] = []
        self.detours: list[tuple[str, str]] = []
        self._stations = set(stations())

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        module = module_of(frame)
        if event != "call" or module is None or frame.f_back is None:
            return
        caller = module_of(frame.f_back)
        if caller == STEP and module != STEP and module not in CARRIED and module != self.last:
            self.visits.append(module)
        elif caller != STEP and module in self._stations and module != self.last:
            self.detours.append((self.last, module))

    @property
    def last(self) -> str:
        return self.visits[-1] if self.visits else STEP


def module_of(frame: FrameType) -> str | None:
    path = Path(frame.f_code.co_filename)
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else None


def traced(
    partition: Partition, rows: dict[str, UserRow], models: Models, offset: int, value: bytes
) -> Trace:
    batch = Batch(EVENTS.name, 0, records([value], offset))
    trace = Trace()
    sys.setprofile(trace)
    try:
        result = step(partition, batch, rows, INTAKE, models, RULES, RECEIVED_AT)
    finally:
        sys.setprofile(None)
    rows.update({user_key: row for user_key, row in result.rows.items() if row is not None})
    assert result.events["page", "processed"] == 1
    return trace


@pytest.fixture
def views() -> list[Trace]:
    """Page views of one user: their first, one in the same session, and one after that has ended."""
    partition, models = Partition(0, RULES), FixedModels().models
    rows: dict[str, UserRow] = {}
    return [
        traced(partition, rows, models, offset, page("u", at, "item"))
        for offset, at in enumerate((0, 60, 7_200))
    ]


def test_there_are_at_most_twelve_stations_each_one_module() -> None:
    assert 8 <= len(stations()) <= 12
    assert len(set(stations())) == len(stations())
    assert all((PACKAGE / station).is_file() for station in stations())


def test_a_page_view_passes_the_stations_in_their_order_and_none_twice(views: list[Trace]) -> None:
    _, *inner = stations()
    first, second, after_the_session = (view.visits for view in views)
    assert after_the_session == inner
    quiet = [station for station in inner if station != "core/falling_due.py"]
    assert first == second == quiet


def test_no_station_calls_another(views: list[Trace]) -> None:
    assert [view.detours for view in views] == [[], [], []]


@pytest.mark.parametrize("station", [station for station in stations() if station != STEP])
def test_no_station_imports_another(station: str) -> None:
    imported = {
        node.module
        for node in ast.walk(ast.parse((PACKAGE / station).read_text()))
        if isinstance(node, ast.ImportFrom)
    }
    others = {f"stream_app.{other.removesuffix('.py').replace('/', '.')}" for other in stations()}
    types = {"stream_app.intake.decoding", "stream_app.core.application"}  # what they hand on is typed there
    assert imported & others <= types


def test_a_batch_is_written_in_the_workspace_alone() -> None:
    writers = {
        path.name
        for path in (PACKAGE / "core").glob("*.py")
        if "step_result import" in path.read_text() or "workspace.result" in path.read_text()
    }
    # A sweep has no events, and so no workspace.
    assert writers == {"rescoring.py", "step.py", "workspace.py"}
    assert not re.search(r"result\.\w", (PACKAGE / STEP).read_text())


def test_rules_are_found_by_the_names_of_modules() -> None:
    assert len(questions()) == 14
    for _, module, name in questions():
        assert hasattr(importlib.import_module(f"stream_app.{module.replace('/', '.')}"), name), (
            module,
            name,
        )


def test_every_module_that_the_document_names_exists() -> None:
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", DOC))
    rooted = {path for path in named if (PACKAGE.parent / path).exists() or (PACKAGE / path).exists()}
    assert named == rooted
