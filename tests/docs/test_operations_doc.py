import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from stream_app import errors
from stream_app.cli import early_stop
from stream_app.cli.main import app
from stream_app.observability.metrics import Metrics
from stream_app.schemas.topics import TOPICS
from stream_app.settings.environment import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/operations.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.+?)```", DOCUMENT, re.DOTALL))
COMMANDS = sorted(
    set(re.findall(r"^\s*(?:[A-Z_]+=\S+ )*stream-app (.+)$", SHELL, re.MULTILINE))
    | set(re.findall(r"`stream-app ([^`]+)`", DOCUMENT))
)


def table_under(header: str) -> list[list[str]]:
    """Cells of the rows of the one table whose header line begins so."""
    _, found, rest = DOCUMENT.partition(f"\n| {header} |")
    assert found, f"no table with the header {header}"
    rows = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]


def default(name: str) -> str:
    value = Settings.model_fields[name].default
    if value is None or value == "":
        return ""
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"


def test_settings_table_is_the_settings():
    assert table_under("Variable") == [
        [f"`{PREFIX}{name.upper()}`", default(name), field.description]
        for name, field in Settings.model_fields.items()
    ]


def test_metrics_table_is_the_declared_metrics():
    assert table_under("Metric") == [
        [f"`{metric.name}`", metric.kind, ", ".join(f"`{label}`" for label in metric.labels), metric.text]
        for metric in Metrics().declared
    ]


def test_alerts_table_is_the_rules():
    groups = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    rows = table_under("Alert")
    assert [name for name, *_ in rows] == [f"`{rule['alert']}`" for rule in rules]
    assert all(condition and advice.endswith(".") for _, condition, advice in rows)
    for rule in rules:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"].endswith(".")


def test_exit_codes_are_those_of_the_errors():
    kinds = [errors.StreamAppError, *errors.StreamAppError.__subclasses__()]
    assert [int(code) for code, *_ in table_under("Exit code")] == sorted(
        {0, early_stop.UNFINISHED_CODE, *(kind.exit_code for kind in kinds)}  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_understood(command: str):
    answer = CliRunner().invoke(app, [*command.split(), "--help"])
    assert answer.exit_code == 0, answer.output


def test_variables_and_topics_exist():
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", DOCUMENT)) <= known
    topics = set(re.findall(r"\b[a-z]+\.[a-z]+\.v\d+\b", DOCUMENT))
    assert topics
    assert topics <= {topic.name for topic in TOPICS}


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", DOCUMENT)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
