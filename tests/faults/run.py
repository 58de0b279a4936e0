"""The long form, with each seed and each comparison: `PYTHONPATH=tests python -m faults.run 1 2 3`."""

import asyncio
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from faults.outcome import Outcome, run_uninterrupted
from faults.plan import LONG_PLAN, LONG_SCALES, Report, draw, run
from faults.recorded_stream import ByPartition, record_stream, record_tail

from load_tests.broker import running_broker

PARTITIONS = 4
TAIL_EVENTS = 2_000
SHOWN_FINDINGS = 20


def main(
    seeds: Annotated[list[int], typer.Argument(help="Seeds of the faults; the stream is always the same.")],
    events: Annotated[int, typer.Option(help="Length of the recorded stream.")] = 300_000,
    mode: Annotated[str, typer.Option(help="Models: frozen, learning or both.")] = "both",
    out: Annotated[Path | None, typer.Option(help="Where the table is written, in Markdown.")] = None,
) -> None:
    """Strike a running job with every fault, and compare what comes of it with an uninterrupted run."""
    stream = record_stream(events, PARTITIONS)
    tail = record_tail(TAIL_EVENTS, PARTITIONS)
    expected = run_uninterrupted(stream, tail=tail)
    print(f"{events:,} events: {len(expected.rows):,} rows, {len(expected.outputs):,} outputs", flush=True)
    reports: list[tuple[int, str, Report]] = []
    for seed in seeds:
        for name in ("frozen", "learning") if mode == "both" else (mode,):
            report = _strike(seed, name == "frozen", stream, tail, expected)
            reports.append((seed, name, report))
            print(_table(reports), flush=True)
            for finding in report.findings[:SHOWN_FINDINGS]:
                print(f"- {finding}", flush=True)
    if out is not None:
        out.write_text(_table(reports))
    raise typer.Exit(any(report.findings for _, _, report in reports))


def _strike(seed: int, is_frozen: bool, stream: ByPartition, tail: ByPartition, expected: Outcome) -> Report:
    chance = Random(seed)
    begun_at = time.monotonic()

    def tell(what: str) -> None:
        print(f"seed {seed}, {time.monotonic() - begun_at:6.1f} s: {what}", flush=True)

    folder = Path(tempfile.mkdtemp(prefix=f"faults-{seed}-"))
    with running_broker(folder / "broker") as broker:
        due = draw(LONG_PLAN, LONG_SCALES, chance)
        report = asyncio.run(
            run(broker, "faults-", folder, stream, tail, expected, due, chance, is_frozen, tell=tell)
        )
    for exit_ in report.exits:
        print(f"  exit {exit_.code}: {exit_.line}", flush=True)
    return report


def _table(reports: list[tuple[int, str, Report]]) -> str:
    names = (
        *("seed", "models", "faults", "SIGKILLs", "gave up", "slowest leave"),
        *("rows", "outputs", "repeats", "findings", "time"),
    )
    lines = [names, ["---"] * len(names)]
    for seed, name, report in reports:
        struck = report.struck
        lines.append(
            [
                str(seed),
                name,
                str(struck.total()),
                str(struck["kill_worker"] + 2 * struck["kill_worker_twice"] + struck["kill_all_workers"]),
                str(len(report.exits)),
                f"{report.slowest_leave:.1f} s",
                f"{report.rows:,}",
                f"{report.outputs:,}",
                f"{report.repeats:,}",
                str(len(report.findings)),
                f"{report.seconds:.0f} s",
            ]
        )
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    typer.run(main)
