"""`contracts`: what a change to a contract would break."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from stream_app.cli.options import AsJson, console
from stream_app.errors import BrokenContractError, InputError

contracts_app = typer.Typer(
    help="The contracts of inputs and outputs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
Schemas = Annotated[Path, typer.Argument(help="A JSON Schema, or a folder of them by topic.")]


@contracts_app.callback()
def _gather() -> None:
    """The contracts of inputs and outputs."""


@contracts_app.command("check")
def check(old: Schemas, new: Schemas, as_json: AsJson = False) -> None:
    """Report what a new contract would break for users of the old one; exit code 8 if anything."""
    from stream_app.schemas.compatibility import breaking_changes

    before, after = _read(old), _read(new)
    if old.is_file() and new.is_file():
        [(name, _)] = before.items()
        after = {name: next(iter(after.values()))}
    broken = {
        name: breaking_changes(schema, after[name]) if name in after else [f"{name} is gone"]
        for name, schema in before.items()
    }
    broken = {name: changes for name, changes in broken.items() if changes}
    if as_json:
        console.file.write(orjson.dumps(broken).decode() + "\n")
    else:
        for name, changes in broken.items():
            for change in changes:
                console.print(f"{name}: {change}", markup=False, highlight=False, soft_wrap=True)
    if broken:
        count = sum(map(len, broken.values()))
        raise BrokenContractError(
            f"{count} changes would break consumers or producers: keep the old fields beside the new, or "
            "publish under a topic of the next version"
        )
    if not as_json:
        console.print("nothing in it would break consumers or producers")


def _read(path: Path) -> dict[str, Any]:
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no JSON Schema")
    return {file.stem: _schema(file) for file in files}


def _schema(file: Path) -> Any:
    try:
        found = orjson.loads(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise InputError(f"{file} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{file} is no JSON Schema: write an object")
    return found
