"""Which faults strike when: drawn from a seed, over the progress of a recorded stream."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from faults import strikes
from faults.households import judge_households
from faults.job import HarnessError, Job
from faults.outcome import Outcome
from faults.recorded_stream import ByPartition, households_in
from faults.slot import Exit
from faults.strikes import Fault
from faults.verdict import judge_frozen, judge_learning

from load_tests.broker import Broker
from stream_app.features.user_row import decode_row

LONG_PLAN: dict[Fault, int] = {
    strikes.kill_worker: 24,
    strikes.kill_worker_twice: 4,
    strikes.kill_all_workers: 1,
    strikes.kill_trainer: 4,
    strikes.stop_worker: 2,
    strikes.stop_starting_worker: 2,
    strikes.kill_broker: 2,
    strikes.freeze_broker_briefly: 2,
    strikes.freeze_broker: 1,
    strikes.freeze_worker: 2,
    strikes.freeze_writer: 3,
    strikes.fill_disk: 2,
    strikes.delete_folder: 2,
    strikes.delete_open_folder: 2,
    strikes.corrupt_folder: 2,
    strikes.poison: 3,
    strikes.shift_clock: 8,
    strikes.erase: 6,
}
# Workers by the share of the stream from which on there are so many.
LONG_SCALES = {0.0: 1, 0.15: 3, 0.6: 2, 0.85: 1}
LAST_FAULT_AT = 0.97
SLICE_SECONDS = (0.1, 0.6)


@dataclass
class Report:
    """What a run went through, and what was found."""

    struck: Counter[str] = field(default_factory=Counter)
    exits: list[Exit] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    outputs: int = 0
    repeats: int = 0
    rows: int = 0
    seconds: float = 0.0
    slowest_leave: float = 0.0


def draw(plan: dict[Fault, int], scales: dict[float, int], chance: Random) -> list[tuple[float, Fault]]:
    """Every fault as often as planned, each at some share of the stream; scaling at its own."""
    drawn: list[tuple[float, Fault]] = [
        (chance.uniform(0.01, LAST_FAULT_AT), fault) for fault, count in plan.items() for _ in range(count)
    ]
    drawn += [(share, partial(scale, count)) for share, count in scales.items()]
    return sorted(drawn, key=lambda entry: entry[0])


async def scale(count: int, job: Job, chance: Random) -> None:
    """Have another number of workers."""
    await job.scale(count)


async def run(
    broker: Broker,
    prefix: str,
    folder: Path,
    stream: ByPartition,
    tail: ByPartition,
    expected: Outcome,
    due: list[tuple[float, Fault]],
    chance: Random,
    is_frozen: bool,
    is_fed_in_slices: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    **settings: Any,
) -> Report:
    """Have the job take the stream while faults strike, and judge what came of it.

    A fault strikes when the job has taken its share of the stream; or, fed in slices, a moment after as
    much was sent, which makes short streams last.
    """
    report = Report()
    begun_at = asyncio.get_running_loop().time()
    name = "start"
    async with Job(broker, prefix, folder, stream, tail, is_frozen, **settings) as job:
        try:
            if not is_frozen:
                job.start_trainer()
            for share, fault in due:
                await job.feed(share if is_fed_in_slices else 1)
                if is_fed_in_slices:
                    await job.tend_for(chance.uniform(*SLICE_SECONDS))
                else:
                    await job.tend_until(partial(_has_taken, job, share))
                name = getattr(fault, "__name__", "scale")
                tell(f"{share:.3f} {name}")
                await fault(job, chance)
                report.struck[name] += 1
            await job.feed(1)
            await job.tend_until(job.is_done)
            name = strikes.make_topic_anew.__name__
            tell(f"1.000 {name}")
            await strikes.make_topic_anew(job, chance)
            report.struck[name] += 1
            await job.tend_until(job.is_done)
            for slot in list(job.slots.values()):
                await job.leave(slot)
        except HarnessError as broken:
            report.findings.append(f"after {name}: {broken}")
            return report
        found = await job.outcome()
        learned = {} if is_frozen else await job.examples_learned()
    report.exits, report.slowest_leave = job.exits, job.slowest_leave
    if is_frozen:
        report.findings = judge_frozen(found, expected)
    else:
        report.findings = judge_learning(found, expected, learned, job.erased)
    rows = {user: decode_row(row) for user, row in found.household_rows.items()}
    report.findings += judge_households(rows, households_in(stream), job.erased)
    report.rows, report.outputs, report.repeats = len(found.rows), len(found.outputs), found.repeats
    report.seconds = asyncio.get_running_loop().time() - begun_at
    return report


async def _has_taken(job: Job, share: float) -> bool:
    return await job.progress() >= share
