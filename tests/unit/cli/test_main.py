"""The command line loads a command when it is asked for, and lists all without loading any."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from stream_app.cli import main
from stream_app.cli.lazy_group import load_command


@pytest.mark.parametrize(("name", "entry"), main.COMMANDS.items())
def test_the_help_says_of_a_command_what_the_command_says(name, entry) -> None:
    command = load_command(name, entry)
    assert (command.help or "").split("\n\n")[0].replace("\n", " ") == entry.help


def test_the_help_loads_no_learning_library() -> None:
    asked = "from stream_app.cli.main import app; app(['--help'], standalone_mode=False)"
    told = "import sys; print({'sklearn', 'river', 'faust', 'numpy'} & sys.modules.keys())"
    run = subprocess.run(
        [sys.executable, "-c", f"{asked}\n{told}"], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.splitlines()[-1] == "set()"


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(main.app, ["replya"])
    assert result.exit_code == 2
    assert "Did you mean 'replay'?" in result.output
