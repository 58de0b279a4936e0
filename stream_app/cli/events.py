"""`events`: what arrives, how it was understood, and why it failed; live, for whoever connects a tracker."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.options import SetOption, messages

if TYPE_CHECKING:
    from stream_app.runtimes.embedded.output_table import OutputReader
    from stream_app.settings.environment import Settings

POLL_SECONDS = 0.25
NEWEST = 20
FAILED = ("failed_event",)


def events(
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="A folder that `collect` fills; without it: Kafka.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on, with what arrives.")] = False,
    newest: Annotated[
        int, typer.Option("--newest", min=0, help="How many of what there is to show first.")
    ] = NEWEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    flags: SetOption = None,
) -> None:
    """Show what arrives as it arrives: how each event was understood, or why it failed."""
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    view = _View(settings, as_json)
    with _ended_by_signals():
        if data_dir is None:
            _show_topics(view, settings, newest, follow)
        else:
            _show_folder(view, data_dir, newest, follow)
    messages.print(f"{view.read:,} events read, {view.failed:,} failed", highlight=False)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """To be stopped is how following ends."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in signals]
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


class _View:
    """Prints what is seen, and counts it."""

    def __init__(self, settings: Settings, as_json: bool) -> None:
        from stream_app.runtimes.common.intake import build_privacy

        self._rules = settings.rules
        self._privacy = build_privacy(settings)
        self._as_json = as_json
        self.read = self.failed = 0

    def see(self, value: bytes) -> None:
        """An event that arrived. Of one that cannot be read, it is the failed event that is shown."""
        from stream_app.cli.event_lines import understood
        from stream_app.intake.decoding import TimedEvent, decode

        timed = decode(value, time.time(), self._privacy, self._rules)
        if isinstance(timed, TimedEvent):
            self.read += 1
            self._print(understood(timed))

    def see_failed(self, body: bytes) -> None:
        """A failed event, whatever arrived for it."""
        from stream_app.cli.event_lines import failed
        from stream_app.schemas.failures import FailedEvent

        self.failed += 1
        self._print(failed(FailedEvent.model_validate_json(body)))

    def _print(self, sight: object) -> None:
        import orjson

        from stream_app.cli.event_lines import sight_line

        assert isinstance(sight, dict)
        line = orjson.dumps(sight).decode() if self._as_json else sight_line(sight)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _show_folder(view: _View, data_dir: Path, newest: int, follow: bool) -> None:
    from stream_app.runtimes.embedded.onlookers import arriving, looking_on
    from stream_app.runtimes.embedded.output_table import OutputReader

    with OutputReader(data_dir) as store:
        places = [0, *(output.sequence for output in store.outputs_after(0, FAILED))]
        place = _see_failures(view, store, places[max(len(places) - 1 - newest, 0)])
        if not follow:
            messages.print(
                "a data folder keeps no events but those that failed; --follow shows all as they come",
                soft_wrap=True,
            )
            return
        with looking_on(data_dir) as reading:
            messages.print("waiting for events; Ctrl-C ends it")
            for values in arriving(reading, POLL_SECONDS):
                for value in values:
                    view.see(value)
                place = _see_failures(view, store, place)


def _see_failures(view: _View, store: OutputReader, place: int) -> int:
    """Show the failed events behind a place in the outputs; the place of the last of them."""
    for output in list(store.outputs_after(place, FAILED)):
        view.see_failed(output.body)
        place = output.sequence
    return place


def _show_topics(view: _View, settings: Settings, newest: int, follow: bool) -> None:
    import asyncio

    from stream_app.runtimes.kafka.operate.following import follow_topics
    from stream_app.schemas import topics

    async def show() -> None:
        async for topic, value in follow_topics((topics.EVENTS, topics.FAILED), settings, newest, follow):
            if topic is topics.EVENTS:
                view.see(value)
            else:
                view.see_failed(value)

    asyncio.run(show())
