"""A build of the product: a checkout and the interpreter that runs it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_RUN_DRIVER = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1));"
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


class BuildError(RuntimeError):
    """A folder is not a checkout with an environment, or one of its programs failed."""


@dataclass(frozen=True)
class Build:
    """Commands must be run in `root`, whose packages take precedence."""

    root: Path
    python: str

    @classmethod
    def at(cls, root: Path) -> Build:
        """The build of a checkout, with its own environment.

        Raises:
            BuildError: it has none.
        """
        root = root.resolve()
        if root == ROOT:
            return HERE
        python = root / ".venv" / "bin" / "python"
        if not (root / "stream_app").is_dir() or not python.exists():
            raise BuildError(f"{root} is no checkout with an environment: run `make install` in it")
        return cls(root, str(python))

    def module(self, name: str, *arguments: str) -> list[str]:
        """The command that runs one of the build's modules."""
        return [self.python, "-m", name, *arguments]

    def driver(self, name: str, *arguments: str) -> list[str]:
        """The command that runs one of this checkout's drivers with the build's packages."""
        return [self.python, "-c", _RUN_DRIVER, str(ROOT / "load_tests"), f"drivers.{name}", *arguments]

    def output_of(self, command: list[str]) -> bytes:
        """Return what a command prints.

        Raises:
            BuildError: it failed.
        """
        done = subprocess.run(command, cwd=self.root, capture_output=True, check=False)
        if done.returncode:
            raise BuildError(f"{self.root} failed at {command[-3:]}: {done.stderr.decode()[-2000:]}")
        return done.stdout

    def commit(self) -> str:
        """The checked-out commit, with a `+` if files differ from it; empty without Git."""
        command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        return done.stdout.strip()


HERE = Build(ROOT, sys.executable)
