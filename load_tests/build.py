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
    """A folder that is no checkout with an environment, or a program of it that failed."""


@dataclass(frozen=True)
class Build:
    """Commands are to be run in `root`, whose packages come before all others."""

    root: Path
    python: str

    @classmethod
    def at(cls, root: Path) -> Build:
        """The build of a checkout, run by its own environment.

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
        """The command that runs a module of the build's own."""
        return [self.python, "-m", name, *arguments]

    def driver(self, name: str, *arguments: str) -> list[str]:
        """The command that runs one of this checkout's drivers on the build's packages."""
        return [self.python, "-c", _RUN_DRIVER, str(ROOT / "load_tests"), f"drivers.{name}", *arguments]

    def output_of(self, command: list[str]) -> bytes:
        """What a command prints.

        Raises:
            BuildError: it failed.
        """
        done = subprocess.run(command, cwd=self.root, capture_output=True, check=False)
        if done.returncode:
            raise BuildError(f"{self.root} failed at {command[-3:]}: {done.stderr.decode()[-2000:]}")
        return done.stdout

    def commit(self) -> str:
        """The commit that is checked out, with a `+` where files differ from it; empty without Git."""
        command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        return done.stdout.strip()


HERE = Build(ROOT, sys.executable)
