"""What hostile inputs cost, and how long they take: `PYTHONPATH=tests python -m hostile.run`."""

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from hostile.inputs import shuffled
from hostile.ways import Outcome, collect, replay, work

from load_tests.broker import running_broker

LONGEST_SECONDS = 1.0


def main(
    inputs: Annotated[
        int, typer.Option(help="Hostile inputs; a quarter as many good ones go with them.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the inputs.")] = 1,
) -> None:
    """Send the same inputs through each way in, and print a line for each."""
    now = time.time()
    stream = shuffled(seed, inputs, now)
    good = sum(bool(each.user) for each in stream)
    print(f"{inputs:,} hostile inputs and {good:,} good ones, seed {seed}\n")
    print("| through | lost | unanswered | slowest | 99.9 % within | largest row |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outcomes = [_show("the embedded runtime", replay(stream, folder / "embedded", now))]
        outcomes.append(_show("the collector", collect(stream, folder / "collector")))
        with running_broker(folder / "broker") as broker:
            outcomes.append(
                _show("Kafka (a batch of 10)", work(stream, broker, "hostile-", folder / "kafka", 10))
            )
    is_slow = any(max(outcome.seconds) > LONGEST_SECONDS for outcome in outcomes)
    raise typer.Exit(is_slow or not all(outcome.is_whole for outcome in outcomes))


def _show(way: str, outcome: Outcome) -> Outcome:
    slowest = sorted(outcome.seconds)
    print(
        f"| {way} | {outcome.lost.total()} | {outcome.unanswered} | {slowest[-1]:.2f} s | "
        f"{slowest[len(slowest) * 999 // 1000]:.3f} s | {outcome.largest_row:,} bytes |",
        flush=True,
    )
    return outcome


if __name__ == "__main__":
    typer.run(main)
