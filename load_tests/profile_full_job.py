"""Where the full job spends its time: a worker's sampled call stacks, by part.

    python -m load_tests.profile_full_job [--events N]

py-spy, from the peers' environment (`make peers`), samples the process from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from load_tests import full_job, recording
from load_tests.markdown import table
from load_tests.reduced_comparison import PEERS_PYTHON
from load_tests.samples import Rate, steady_rate
from load_tests.stack_parts import count_parts
from load_tests.testbed import prepared

SAMPLER = PEERS_PYTHON.with_name("py-spy")
SAMPLES_PER_SECOND = 200
FIRST_SHARE = 0.15


@dataclass(frozen=True)
class Profile:
    """Samples by part, and the job's rate meanwhile."""

    counts: Mapping[str, int]
    rate: Rate

    def rows(self) -> list[Sequence[str]]:
        """Parts by cost, highest first: microseconds per event, and share of the total."""
        total = sum(self.counts.values())
        each = 1e6 / self.rate.per_cpu_second
        ordered = sorted(self.counts.items(), key=lambda entry: -entry[1])
        return [(part, f"{each * count / total:,.1f}", f"{count / total:.1%}") for part, count in ordered]


async def profile(events: int) -> Profile:
    """Sample a worker while it processes events, without the first ones."""
    pool = recording.simulate()
    async with prepared() as testbed:
        application = await full_job.make_application(testbed)
        await application.write(recording.multiply(pool, events))
        stacks = testbed.folder / "stacks"
        async with full_job.working(application) as workers:
            worker = workers.contenders[0]
            await workers.watch(int(events * FIRST_SHARE))
            with _sampling(worker.pid, stacks):
                looks = await workers.watch(events)

        return Profile(count_parts(stacks.read_text().splitlines()), steady_rate(looks, events))


@contextlib.contextmanager
def _sampling(pid: int, stacks: Path) -> Iterator[None]:
    command = [str(SAMPLER), "record", "--pid", str(pid), "--format", "raw", "--output", str(stacks)]
    # Only threads that hold the interpreter lock: waiting for a core or the broker costs nothing.
    command += ["--gil", "--rate", str(SAMPLES_PER_SECOND), "--duration", "3600"]
    sampler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        sampler.send_signal(signal.SIGINT)  # upon which it writes its results
        sampler.wait()


def main(events: Annotated[int, typer.Option(help="Events to process.")] = 40_000) -> None:
    """Print microseconds per event by part."""
    if not SAMPLER.exists():
        typer.echo("Cannot profile: py-spy is not installed (make peers).", err=True)
        raise typer.Exit(1)
    result = asyncio.run(profile(events))
    typer.echo(
        f"{result.rate.per_cpu_second:,.0f} events/CPU s, sampled {SAMPLES_PER_SECOND} times a second\n"
    )
    typer.echo(table(["part", "µs an event", "share"], result.rows()))


if __name__ == "__main__":
    typer.run(main)
