"""Results as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from load_tests.full_job import FullResult
from load_tests.latency import Latency
from load_tests.reduced_comparison import Result
from load_tests.samples import Rate

MEGABYTE = 1e6


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text, and all others numbers."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def reduced_table(results: Sequence[Result]) -> str:
    """The first result is ours; for the others the table says how many times as fast ours is."""
    ours = results[0].rate
    rows = []
    for result in results:
        if result.rate is None:
            rows.append([result.name, f"not measured: {' '.join(result.reason.split())[-200:]}", "", "", ""])
        else:
            memory = f"{result.peak_bytes / MEGABYTE:,.0f} MB" if result.peak_bytes else ""
            rows.append([result.name, *_rate(result.rate), _times(ours, result.rate), memory])
    return table(["reduced job", "events/s", "events/CPU s", "ours is", "peak memory"], rows)


def full_table(results: Mapping[int, FullResult], plain: Rate | None) -> str:
    """Results by the number of workers, and the plain Faust agent's rate if it was measured."""
    ours = results[1].rate
    rows = []
    for workers, result in results.items():
        name = "ours, 1 worker" if workers == 1 else f"ours, {workers} workers (all cores, broker's too)"
        memory = f"{result.bytes_per_user / 1000:,.1f} kB"
        rows.append([name, *_rate(result.rate), _times(ours, result.rate), f"{result.users:,}", memory])
    if plain is not None:
        rows.append(["same core, plain Faust agent", *_rate(plain), _times(ours, plain), "", ""])
    return table(["full job", "events/s", "events/CPU s", "1 worker is", "users", "memory a user"], rows)


def latency_table(job: str, rows: Sequence[Latency]) -> str:
    """Milliseconds by share of the highest rate."""
    header = [f"{job} job, of the highest rate", "events/s", "kept", "outputs", "p50 ms", "p99 ms"]
    cells = []
    for row in rows:
        numbers = (row.asked, row.kept, row.outputs, row.p50, row.p99)
        cells.append([f"{row.share:.0%}", *(f"{number:,.0f}" for number in numbers)])
    return table(header, cells)


def population_table(job: str, rates: Sequence[tuple[int, Rate]]) -> str:
    """Rates by number of users, and their ratios to the first."""
    first = rates[0][1]
    rows = [
        [f"{users:,}", *_rate(rate), f"{rate.per_cpu_second / first.per_cpu_second:.2f}"]
        for users, rate in rates
    ]
    return table([f"{job} job, users", "events/s", "events/CPU s", "of the first"], rows)


def _rate(rate: Rate) -> list[str]:
    return [f"{rate.per_second:,.0f}", f"{rate.per_cpu_second:,.0f}"]


def _times(ours: Rate | None, other: Rate) -> str:
    return f"{ours.per_cpu_second / other.per_cpu_second:.2f} times" if ours else ""
