"""Makes the baseline by a checkout's build: through its command line, a real broker, and within its process.

    git worktree add --detach OTHER dc90abe   # and in it `make install`
    PYTHONPATH=tests python -m baseline.make --checkout OTHER

What the build does is run by its own interpreter, OTHER/.venv/bin/python; this process only asks and packs.
"""

import asyncio
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import orjson
import typer
from baseline.files import FOLDER, FOLDER_KEY, SNAPSHOT_KEY, pack_folder, record_line, write_lines

from load_tests.broker import free_port, running_broker
from load_tests.topics import Topics

TESTS = Path(__file__).resolve().parents[1]
DRIVERS = TESTS.parent / "load_tests"
PARTITIONS = 2
FOLDER_SHARE = 0.75
"""Of the simulated events, those that are in the data folder; the others come later."""
DEADLINE_SECONDS = 120.0
POLL_SECONDS = 0.2
_EVENTS_TOTAL = re.compile(rb"^stream_app_events_total\{[^}]*\} (\S+)", re.MULTILINE)
# Tiers are not learned on Kafka, so that their model, half a megabyte, lies in the data folder alone.
UNTAUGHT = "no_such_target"
APP_ID = "baseline"
# RocksDB's own messages name folders and times; nothing reads them.
LEFT_OUT = ("rows/LOG*", "lock")
MADE = (
    "changelog.jsonl.gz", "changelog-features.jsonl.gz", "data-folder-features.jsonl.gz",
    "feature-names.jsonl.gz", "later.jsonl.gz", "later-outputs.jsonl.gz", "recommender-snapshots.jsonl.gz",
    "snapshots.jsonl.gz", "stream.jsonl.gz", "stream-outputs.jsonl.gz",
)  # fmt: skip


class Checkout:
    """Another build: its interpreter, and commands run by it in a working folder."""

    def __init__(self, root: Path, work: Path) -> None:
        self.root = root.resolve()
        self.python = str(self.root / ".venv" / "bin" / "python")
        self.work = work

    def run(self, *arguments: str, stdin: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        """`stream-app` with arguments, to its end."""
        with (stdin or Path(os.devnull)).open("rb") as fed:
            subprocess.run(
                [self.python, "-m", "stream_app", *arguments],
                check=True, cwd=self.work, stdin=fed, stdout=subprocess.DEVNULL, env=os.environ | (env or {}),
            )  # fmt: skip

    @contextmanager
    def running(self, *arguments: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        """`stream-app` with arguments for the length of a block, ended in good order."""
        process = subprocess.Popen(
            [self.python, "-m", "stream_app", *arguments], cwd=self.work, env=os.environ | env
        )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            process.wait(DEADLINE_SECONDS)
        finally:
            process.kill()
            process.wait()

    def commit(self) -> str:
        answer = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=self.root, check=True, capture_output=True, text=True
        )
        return answer.stdout.strip()

    def versions(self) -> dict[str, str]:
        program = (
            "import json, platform; from importlib.metadata import version;"
            "names = ('river', 'scikit-learn', 'numpy', 'rocksdict', 'msgspec');"
            "found = {name: version(name) for name in names};"
            "print(json.dumps({'python': platform.python_version(), **found}))"
        )
        answer = subprocess.run([self.python, "-c", program], check=True, capture_output=True)
        versions: dict[str, str] = orjson.loads(answer.stdout)
        return versions


def main(
    checkout: Annotated[Path, typer.Option(help="The other checkout, with its .venv.")],
    out: Annotated[Path, typer.Option(help="Where the files go.")] = FOLDER,
) -> None:
    """Make the baseline anew."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        build = Checkout(checkout, work)
        _simulate(build)
        _fill_folder(build)
        asyncio.run(_run_on_kafka(build))
        _run_within(build)
        for pattern in LEFT_OUT:
            for file in (work / "data").glob(pattern):
                file.unlink()
        pack_folder(work / "data", out / "data-folder.tar.xz")
        for name in MADE:
            (out / name).write_bytes((work / name).read_bytes())
        manifest = {
            "commit": build.commit(),
            "versions": build.versions(),
            "sha256": {file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(out.glob("*.?z"))},
        }
        (out / "manifest.json").write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
    typer.echo(f"{sum(file.stat().st_size for file in out.iterdir()):,} bytes in {out}")


def _simulate(build: Checkout) -> None:
    """People for folder and changelog, and others for the recorded stream."""
    for seed, users, days, name in ((12, 22, 14, "people"), (13, 20, 12, "others")):
        options = {"users": users, "days": days, "seed": seed, "courses": 3, "items": 60, "out": name}
        build.run(
            "simulate", *(part for option, value in options.items() for part in (f"--{option}", str(value)))
        )
    events = (build.work / "people" / "events.jsonl").read_bytes().splitlines(keepends=True)
    cut = int(len(events) * FOLDER_SHARE)
    (build.work / "first.jsonl").write_bytes(b"".join(events[:cut]))
    (build.work / "later.jsonl").write_bytes(b"".join(events[cut:]))
    (build.work / "others" / "events.jsonl").rename(build.work / "stream-events.jsonl")


def _fill_folder(build: Checkout) -> None:
    (build.work / "data").mkdir()
    (build.work / "data" / "snapshot.key").write_bytes(FOLDER_KEY)
    options = ["--data-dir", "data", "--partitions", str(PARTITIONS)]
    # From standard input, whose name is the same everywhere.
    build.run(
        "replay", "-", "--catalogue", "people/catalogue.jsonl", *options, stdin=build.work / "first.jsonl"
    )


async def _run_on_kafka(build: Checkout) -> None:
    with running_broker() as broker:
        port = free_port()
        env = {
            "STREAM_APP_APP_ID": APP_ID,
            "STREAM_APP_KAFKA_SERVERS": broker.bootstrap_servers,
            "STREAM_APP_PARTITIONS": str(PARTITIONS),
            "STREAM_APP_RECOMMENDER_SNAPSHOT_INTERVAL": "3",
            "STREAM_APP_SNAPSHOT_INTERVAL": "5",
            "STREAM_APP_SNAPSHOT_KEY": SNAPSHOT_KEY.decode(),
            "STREAM_APP_STATE_DIR": str(build.work / "state"),
            "STREAM_APP_TIER_TARGETS": UNTAUGHT,
        }
        build.run("topics", "create", env=env)
        build.run("produce", "first.jsonl", env=env)
        events = len((build.work / "first.jsonl").read_bytes().splitlines())
        async with (
            Topics(broker.bootstrap_servers, 1) as single,
            Topics(broker.bootstrap_servers, 2) as spread,
        ):
            snapshots = ("models.snapshots.v1", "models.recommender-snapshots.v1")
            with (
                build.running("trainer", "--set", "metrics_port=0", env=env) as trainer,
                build.running("worker", "--no-trainer", "--set", f"metrics_port={port}", env=env) as worker,
            ):
                deadline = time.monotonic() + DEADLINE_SECONDS
                while _processed(port) < events or not all([await single.length(name) for name in snapshots]):
                    if time.monotonic() > deadline or worker.poll() is not None or trainer.poll() is not None:
                        raise TimeoutError("the worker has not processed all, or nothing was published")
                    await asyncio.sleep(POLL_SECONDS)
            changelog = [record async for record in spread.records(f"{APP_ID}-rows-changelog")]
            write_lines(build.work / "changelog.jsonl.gz", map(record_line, changelog))
            for topic, name in zip(snapshots, ("snapshots", "recommender-snapshots"), strict=True):
                newest = {record.key: record async for record in single.records(topic)}
                write_lines(build.work / f"{name}.jsonl.gz", map(record_line, newest.values()))


def _processed(port: int) -> float:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
            return sum(map(float, _EVENTS_TOTAL.findall(page.read())))
    except OSError:
        return 0.0


def _run_within(build: Checkout) -> None:
    program = (
        "import runpy, sys; sys.path.append(sys.argv.pop(1));"
        "runpy.run_module('baseline.in_checkout', run_name='__main__', alter_sys=True)"
    )
    subprocess.run(
        [build.python, "-c", program, str(TESTS), str(DRIVERS), str(build.work)], check=True, cwd=build.root
    )


if __name__ == "__main__":
    typer.run(main)
