"""The command line loads a command when it is asked for, and lists all without loading any."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream_app.cli import main
from stream_app.cli.lazy_group import load_command
from stream_app.runtimes.embedded.store import Store


@pytest.mark.parametrize(("name", "entry"), main.COMMANDS.items())
def test_the_help_says_of_a_command_what_the_command_says(name, entry) -> None:
    command = load_command(name, entry)
    assert (command.help or "").split("\n\n")[0].replace("\n", " ") == entry.help


HEAVY = {"sklearn", "river", "faust", "numpy", "pydantic", "msgspec"}
HELPS = [[], *([name] for name in main.COMMANDS), ["topics", "read"], ["evaluate", "recommendations"]]


def modules_after(*commands: list[str]) -> set[str]:
    asked = "from stream_app.cli.main import app"
    runs = [f"app({command!r}, standalone_mode=False)" for command in commands]
    told = "import sys; print('\\n'.join(['', *sys.modules]))"
    code = "\n".join((asked, *runs, told))
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(run.stdout.splitlines())


def test_no_help_loads_a_heavy_library() -> None:
    with_a_command = modules_after(*([*command, "--help"] for command in HELPS))
    assert {"stream_app.cli.what_if", "stream_app.cli.kafka"} <= with_a_command
    assert HEAVY & with_a_command <= {"pydantic"}  # where typer's completion options are
    assert not HEAVY & modules_after(["replay", "--help"], ["evaluate", "recommendations", "--help"])
    assert not {name for name in with_a_command if name.startswith("stream_app.schemas.")}


def test_the_outputs_are_read_without_learning_libraries(tmp_path: Path) -> None:
    Store(tmp_path).close()
    assert not {*HEAVY, "scipy", "rocksdict"} & modules_after(["outputs", "--data-dir", str(tmp_path)])


def test_the_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(main.app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"stream-app {version('stream-app')}\n")


@pytest.mark.parametrize(
    ("words", "completed"), [("stream-app recomm", "recommend"), ("stream-app outputs --sch", "--schema")]
)
def test_the_shell_completes_commands_and_options(words: str, completed: str) -> None:
    environment = {
        **os.environ,
        "_STREAM_APP_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    program = Path(sys.executable).with_name("stream-app")
    run = subprocess.run([program], env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == [completed]


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(main.app, ["replya"])
    assert result.exit_code == 2
    assert "Did you mean 'replay'" in result.output
