"""Processes forked of one that has imported everything: an interpreter's start costs seconds of imports.

The process that they are forked of never opened a store or a connection, whose threads would be missing in a
copy. There is one of it to a test process, so that what is imported beforehand stands here for all.
"""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

TESTS = Path(__file__).parents[1]
# Commands import the rest only when they run.
PRELOADED = [
    "faults.faulty_worker",
    "support.piped_replay",
    "support.worker_process",
    "stream_app.serving.collector.collector",
    "stream_app.serving.collector.server",
    "stream_app.cli.collect",
    "stream_app.cli.kafka",
    "stream_app.cli.replay",
    "stream_app.runtimes.embedded.collecting",
    "stream_app.runtimes.kafka.operate.collecting",
    "stream_app.runtimes.kafka.operate.feeding",
    "stream_app.runtimes.kafka.operate.worker",
]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)
# The process that is forked from looks for our modules there.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))


def fork(work: Callable[..., object], *arguments: object) -> BaseProcess:
    """A process that does something; it is ended with this one."""
    process = _context.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process
