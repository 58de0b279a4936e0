"""Running an app until it is told to stop, or cannot go on: signals, the watch on the broker."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaClient
from aiokafka.errors import KafkaError

from stream_app.errors import BrokerError, StreamAppError
from stream_app.runtimes.folder_lock import lock_folder
from stream_app.runtimes.kafka.app import StreamApp
from stream_app.runtimes.kafka.connection import client_options
from stream_app.runtimes.kafka.topics import check_topics
from stream_app.settings import Settings

log = logging.getLogger(__name__)

WATCH_SECONDS = 2.0
STOP_SECONDS = 10.0


async def run_app(
    build: Callable[[], StreamApp],
    settings: Settings,
    trainer_command: Sequence[str] = (),
    ends_with_input: bool = False,
) -> None:
    """Run an app until SIGINT or SIGTERM, or until standard input closes where it is to end with that.

    A trainer's process runs beside it where a command is given.

    Raises:
        StreamAppError: it cannot start or go on; the message says why.
    """
    await check_topics(settings)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = build()
    lock = lock_folder(settings.state_dir / app.conf.id)
    parts = [stop.wait(), _watch_broker(settings), _run(app)]
    if trainer_command:
        parts.append(_run_trainer(trainer_command))
    if ends_with_input:
        parts.append(_input_closed())
    running = [asyncio.ensure_future(part) for part in parts]
    try:
        finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for part in finished:
            part.result()
    finally:
        for part in running:
            part.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        lock.close()
        log.info("stopped")


async def _run(app: StreamApp) -> None:
    """Run the app until it crashes, or this is cancelled; then let it leave its group."""
    app.finalize()
    try:
        await app.start()
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


async def _watch_broker(settings: Settings) -> None:
    """Ask the brokers for their metadata every few seconds.

    Raises:
        BrokerError: none has answered for `kafka_timeout`; Faust itself would wait for ever.
    """
    client = AIOKafkaClient(**client_options(settings))
    loop = asyncio.get_running_loop()
    answered_at = loop.time()
    connected = False
    try:
        while True:
            try:
                if not connected:
                    await client.bootstrap()
                    connected = True
                await asyncio.wait_for(client.fetch_all_metadata(), settings.kafka_timeout)
                answered_at = loop.time()
            except (KafkaError, OSError, TimeoutError) as error:
                waited = loop.time() - answered_at
                log.warning("no broker has answered for %.0f s: %r", waited, error)
                if waited > settings.kafka_timeout:
                    raise BrokerError(
                        f"the broker is lost: {settings.kafka_servers} did not answer for {waited:.0f} s"
                    ) from error
            await asyncio.sleep(WATCH_SECONDS)
    finally:
        await client.close()


async def _run_trainer(command: Sequence[str]) -> None:
    """Keep a trainer beside the worker; it ends when this process does, however that ends.

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


async def _input_closed() -> None:
    """Return once standard input is closed: the process that started this one has gone."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()
