"""Every code block of the documents that can run is run; what cannot has its reason here."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.documents import ROOT, Block, Command, blocks, commands
from support.shell_session import ShellSession

from load_tests.broker import running_broker

# Tests of their own run or check what stands in other languages.
HELD_ELSEWHERE = {
    "json": "tests/docs/test_contracts_doc.py holds examples to their contracts",
    "html": "tests/sdk runs what the collector's page shows, in a browser",
    "js": "tests/sdk runs each tracker's snippet",
    "py": "tests/sdk runs each tracker's snippet",
    "text": "what a command prints",
    "toml": "files, written before the document's commands run",
}
LANGUAGES = {"sh", "python", *HELD_ELSEWHERE}
NOT_RUN = {
    r"^make (\w|-)+": "a target of the Makefile, which another test looks up",
    r"^docker ": "no engine here; tests/unit/deploy holds the Compose file to the code",
    r"^kafka-(topics|consumer-groups|configs)\.sh": "Kafka's own scripts",
    r"^\. \.venv/bin/activate": "the session's PATH begins with the environment",
    r"load_tests\.|benchmarks/|-m timeit|-m faults": "measures for minutes",
    r"stream-app simulate --.*users (1500|2000)|evaluate (oracle|outcomes)": "minutes; tests/unit/cli has it",
    r"evaluate (tiers|engagement|recommendations)|stream-app predict": "tests/unit/cli has it on such tables",
    r"\.\./shared/": "data that is not part of the repository",
    r"KAFKA_(SECURITY|SASL|USERNAME|PASSWORD|CA_FILE)": "tests/integration/test_kafka_security.py",
    r"wc -l": "counts what a data set that is not part of the repository gives",
    r"what-if .*--item": "asks a model that learned 200 items; tests/unit/cli has it",
    r"outputs --data-dir from-pages": "nobody opens the page here; tests/sdk/test_readme.py does",
    r"9108/metrics": "tests/integration/test_prometheus.py reads the metrics page",
    r"--follow": "never ends; tests/integration/test_following.py",
    r"state-[123]": "tests/integration runs several workers",
}
ON_ONE_MACHINE = re.compile(
    r"--data-dir|^curl .*/v1/|^export STREAM_APP_(WRITE|CORS|TRUSTED|DEFINITIONS)"
    r"|stream-app (definitions|audiences)|--out shop"
)
PRINTS_WHAT_ARRIVES_LATER = re.compile(r"topics read|stream-app (erase|export-user) --user")

# The text beside them says to stop all workers, or the collector, first.
RUNS_ALONE = re.compile(r"stream-app (positions reset|replay-failed --data-dir)")


def files_shown(document: str) -> list[tuple[str, str]]:
    """Files that a document shows whole: a block whose first line is a comment with the file's name."""
    return [
        (block.text.splitlines()[0].removeprefix("# "), block.text)
        for block in blocks()
        if block.document == document and block.language == "toml"
    ]


def reason_not_to_run(command: Command) -> str:
    return next((reason for pattern, reason in NOT_RUN.items() if re.search(pattern, command.text)), "")


RUN = [command for command in commands() if not reason_not_to_run(command)]
LOCAL = sorted({c.document for c in RUN if ON_ONE_MACHINE.search(c.text)})
KAFKA = sorted(
    {
        c.document
        for c in RUN
        if re.search(r"stream-app (worker|produce|collect|erase)", c.text)
        and not ON_ONE_MACHINE.search(c.text)
    }
)


@pytest.fixture(scope="module")
def input_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the documents name: simulated events, two users among them renamed, and `data` made of them."""
    folder = tmp_path_factory.mktemp("input")
    with ShellSession(folder) as shell:
        shell.run("stream-app simulate --users 200 --days 14 --items 40 --courses 2 --out .")
        events = (folder / "events.jsonl").read_bytes()
        users = Counter(re.findall(rb'"userId":"([^"]+)"', events)).most_common(2)
        for name, (user, _) in zip((b"u-1042", b"u-1043"), users, strict=True):
            events = events.replace(user, name)
        (folder / "events.jsonl").write_bytes(events)
    with ShellSession(folder) as shell:
        shell.run("stream-app replay events.jsonl --catalogue catalogue.jsonl --data-dir data")
    return folder


@pytest.fixture
def shell(input_files: Path, tmp_path: Path, request: pytest.FixtureRequest) -> ShellSession:
    is_new = request.node.callspec.params["document"] == "README.md"
    return ShellSession(_reader_folder(input_files, tmp_path, is_new=is_new))


def _reader_folder(input_files: Path, tmp_path: Path, *, is_new: bool = False) -> Path:
    """A folder as a reader has it: with the events and, unless they are new to it, what came of them."""
    folder = tmp_path / "reader"
    shutil.copytree(input_files, folder)
    if is_new:
        shutil.rmtree(folder / "data")
    return folder


def test_every_block_says_its_language() -> None:
    unknown = [(block.document, block.line) for block in blocks() if block.language not in LANGUAGES]
    assert unknown == []


def test_every_reason_is_needed() -> None:
    texts = [command.text for command in commands()]
    assert [pattern for pattern in NOT_RUN if not any(re.search(pattern, text) for text in texts)] == []


def test_targets_exist() -> None:
    named = {target for command in commands() for target in re.findall(r"^make ([a-z-]+)", command.text)}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named
    assert named <= targets


@pytest.mark.parametrize("document", LOCAL)
def test_commands_run_on_one_machine(document: str, shell: ShellSession) -> None:
    with shell:
        for name, text in files_shown(document):
            shell.write(name, text)
        for command in commands(document):
            if command in RUN and (ON_ONE_MACHINE.search(command.text) or "stream-app" not in command.text):
                run = shell.run_alone if RUNS_ALONE.search(command.text) else shell.run
                run(command.text)


# Not the session's broker: topics have the names that the documents give them.
@pytest.mark.kafka
@pytest.mark.parametrize("document", KAFKA)
def test_commands_run_on_kafka(document: str, input_files: Path, tmp_path: Path) -> None:
    folder = _reader_folder(input_files, tmp_path, is_new=True)
    with running_broker() as broker, ShellSession(folder, broker.bootstrap_servers) as shell:
        shell.run(f"export STREAM_APP_KAFKA_SERVERS={broker.bootstrap_servers}")
        shell.run("export STREAM_APP_SNAPSHOT_KEY=any-secret-of-16-characters-or-more")
        if document not in ("README.md", "docs/operations.md"):
            for first in ("topics create", "worker", "produce events.jsonl"):
                shell.run(f"stream-app {first}")
        for command in commands(document):
            if command in RUN and not ON_ONE_MACHINE.search(command.text):
                if RUNS_ALONE.search(command.text):
                    shell.run_alone(command.text)
                elif PRINTS_WHAT_ARRIVES_LATER.search(command.text):
                    shell.run_until_it_prints(command.text)
                else:
                    shell.run(command.text)


@pytest.mark.parametrize(
    "block",
    [block for block in blocks() if block.language == "python"],
    ids=lambda block: f"{block.document}:{block.line}",
)
def test_python_blocks_run(block: Block, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
