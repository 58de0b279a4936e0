"""`replay-failed`: what failed and can be processed now is taken in again, once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.options import SetOption, messages

if TYPE_CHECKING:
    from stream_app.runtimes.common.mending import Retaken
    from stream_app.settings.environment import Settings


def replay_failed(
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="A folder of the embedded runtime; without it: Kafka.")
    ] = None,
    flags: SetOption = None,
) -> None:
    """Take in again what failed and can be processed now, once."""
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    done = _retake(data_dir, settings)
    messages.print(f"{done.taken:,} taken in again, {done.failing:,} can still not be read", highlight=False)
    if done.late:
        where = "" if data_dir else " for the workers, too"
        messages.print(
            f"{done.late:,} can be read but are later than the allowed {settings.allowed_lateness:.0f} s: to "
            f"take them in, add --set allowed_lateness=SECONDS{where}",
            highlight=False,
            soft_wrap=True,
        )


def _retake(data_dir: Path | None, settings: Settings) -> Retaken:
    if data_dir is None:
        import asyncio

        from stream_app.runtimes.kafka.operate.retaking import retake as retake_topic

        return asyncio.run(retake_topic(settings))
    from stream_app.folder.retaking import retake

    return retake(data_dir, settings)
