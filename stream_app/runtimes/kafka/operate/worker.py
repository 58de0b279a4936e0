"""Runs an app until it is asked to stop or cannot continue."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence

from stream_app.errors import StateError, StreamAppError
from stream_app.observability.guard import Position
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.departure import call_on_stop_signal, leave
from stream_app.runtimes.common.folder_lock import lock_folder
from stream_app.runtimes.common.guarded import guarded
from stream_app.runtimes.kafka.consume.app import Footing, StreamApp, make_state_folder, state_folder
from stream_app.runtimes.kafka.operate.access import find_coordinator
from stream_app.runtimes.kafka.operate.keys import settle_keys
from stream_app.runtimes.kafka.operate.lifetimes import read_lifetimes
from stream_app.runtimes.kafka.operate.topics import check_topics, source_names
from stream_app.runtimes.kafka.operate.watching import Watch
from stream_app.settings.environment import Settings

log = logging.getLogger(__name__)

STOP_SECONDS = 6.0


async def run_app(
    app_id: str,
    build: Callable[[Footing], StreamApp],
    settings: Settings,
    metrics: Metrics,
    trainer_command: Sequence[str] = (),
    ends_with_input: bool = False,
) -> None:
    """Run an app until SIGINT or SIGTERM, or until standard input closes if it should end with that.

    If a command is given, a trainer process runs beside it. `build` receives where to note its position, and
    the ids of the source topics.

    Raises:
        StreamAppError: it cannot start or continue; the message says why.
    """
    stop = asyncio.Event()
    call_on_stop_signal(stop.set)
    ends: list[Awaitable[object]] = [stop.wait(), _input_closed()] if ends_with_input else [stop.wait()]
    folder = state_folder(app_id, settings)
    make_state_folder(folder)
    with lock_folder(folder), guarded(folder, settings.stall_timeout) as position:
        await _first_of(*ends, _work(build, position, settings, metrics, trainer_command))
    log.info("stopped")


async def _work(
    build: Callable[[Footing], StreamApp],
    position: Position,
    settings: Settings,
    metrics: Metrics,
    trainer_command: Sequence[str],
) -> None:
    facts = await check_topics(settings)
    await settle_keys(settings)
    sources = {declared: facts[name] for name, declared in source_names(settings).items()}
    topic_ids = {declared: source.topic_id for declared, source in sources.items()}
    app = build(Footing(position, topic_ids, await read_lifetimes(settings)))
    await find_coordinator(app.conf.id, settings)
    parts: list[Awaitable[object]] = [_run(app), Watch(app, settings, metrics, sources).run()]
    if trainer_command:
        parts.append(_run_trainer(trainer_command))
    await _first_of(*parts)


async def _first_of(*parts: Awaitable[object]) -> None:
    """Run until one has ended, then end the others; raises the error of the one that ended."""
    running = [asyncio.ensure_future(part) for part in parts]
    try:
        finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for part in finished:
            part.result()
    except Exception as error:
        leave(error.exit_code if isinstance(error, StreamAppError) else 1, str(error) or repr(error))
        raise
    finally:
        for part in running:
            part.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _run(app: StreamApp) -> None:
    """Run the app until it crashes, or this is cancelled; then let it leave its group."""
    app.finalize()
    try:
        try:
            await app.start()
        except FileNotFoundError as error:
            raise StateError(f"the state folder went away during start ({error})") from error
        log.info("%s is running", app.conf.id)
        await app.wait_until_stopped()
        reason = app.crash_reason
        if isinstance(reason, StreamAppError):
            raise reason
        raise StreamAppError(f"{app.conf.id} stopped: {reason!r}") from reason
    finally:
        try:
            await asyncio.wait_for(app.stop(), STOP_SECONDS)
        except TimeoutError:
            log.warning("the app did not stop within %.0f s and is left", STOP_SECONDS)
        except asyncio.CancelledError:
            # Faust cancels parts of itself when it stops after a crash, which must not hide the reason.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            log.warning("the app was stopped in the middle of a commit")
        except Exception as error:
            # Neither must errors in parts of Faust that the crash has already ended.
            if app.crash_reason is None:
                raise
            log.warning("after its crash the app did not stop in order: %r", error)


async def _run_trainer(command: Sequence[str]) -> None:
    """Run a trainer alongside the worker; it ends when this process does, whatever the cause.

    Raises:
        StreamAppError: the trainer ended.
    """
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    try:
        code = await process.wait()
        raise StreamAppError(f"the trainer ended with exit code {code}; its own message says why")
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _input_closed() -> None:
    """Return once standard input is closed, that is, when the parent process has gone."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()
