"""`definitions`: features of a company's own, checked before they act, and listed beside the product's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.options import AsJson, SetOption, console, messages
from stream_app.errors import InputError

if TYPE_CHECKING:
    from stream_app.definitions.file import Definitions

definitions_app = typer.Typer(
    help="Features of your own: check them, list them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
File = Annotated[Path, typer.Argument(help="The file of definitions, in TOML.", show_default=False)]


@definitions_app.callback()
def _gather() -> None:
    """Features of your own: check them, list them."""


@definitions_app.command("check")
def check(file: File, as_json: AsJson = False, flags: SetOption = None) -> None:
    """Name the line and field of each mistake, or show what the features take of a row and of a second."""
    from stream_app.core.audience_checks import check_audiences
    from stream_app.definitions.file import DefinitionsError, read_definitions
    from stream_app.features.declared import bounds
    from stream_app.features.declared.checking import check_definitions
    from stream_app.features.declared.cost import seconds_per_event
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    try:
        read = read_definitions(file, settings.session_gap)
        definitions = check_audiences(check_definitions(read, settings.definitions_bytes))
    except DefinitionsError as error:
        for mistake in error.mistakes:
            messages.print(f"{file}: {mistake}", markup=False, highlight=False, soft_wrap=True)
        raise InputError(f"{file}: mistakes: {len(error.mistakes)}; nothing of it is used") from None
    sizes, total = bounds.sizes(definitions), bounds.most_bytes(definitions)
    cost = seconds_per_event(definitions)
    if as_json:
        answer = {
            "features": {size.name: size.most_bytes for size in sizes},
            "most_bytes": total,
            "limit": settings.definitions_bytes,
            "microseconds_per_event": cost * 1e6,
        }
        console.file.write(orjson.dumps(answer).decode() + "\n")
        return
    table = Table("feature", "line", "bytes of a row, at most", box=box.SIMPLE_HEAD)
    for size in sizes:
        table.add_row(size.name, str(size.line), f"{size.most_bytes:,}")
    console.print(table)
    console.print(
        f"All together take at most {total:,} of {settings.definitions_bytes:,} bytes of a user's row, and "
        f"an event that counts in the most of them {cost * 1e6:.0f} microseconds on this machine.",
        highlight=False,
        soft_wrap=True,
    )


@definitions_app.command("list")
def list_features(as_json: AsJson = False, flags: SetOption = None) -> None:
    """List every feature: your own (STREAM_APP_DEFINITIONS), then the product's."""
    from stream_app.features.listing import built_in_features, declared_features
    from stream_app.settings.loading import load_settings

    definitions: Definitions = load_settings(flags or ()).loaded_definitions
    listed = [*declared_features(definitions), *built_in_features()]
    if as_json:
        console.file.write(orjson.dumps([feature._asdict() for feature in listed]).decode() + "\n")
        return
    table = Table("feature", "what it is", "unit", "aggregate", "windows", "origin", box=box.SIMPLE_HEAD)
    for feature in listed:
        table.add_row(
            feature.name,
            feature.about,
            feature.unit,
            feature.aggregate,
            " ".join(feature.windows),
            feature.origin,
        )
    console.print(table)


@definitions_app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the file, by which editors complete and check it as you write."""
    from stream_app.definitions.file import DefinitionsFile

    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **DefinitionsFile.model_json_schema(),
    }
    console.file.write(orjson.dumps(described, option=orjson.OPT_INDENT_2).decode() + "\n")
