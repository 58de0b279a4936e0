"""A one-node Apache Kafka broker (KRaft, no Docker), started from the jars of `deploy/kafka/pom.xml`.

    python -m load_tests.broker start --data-dir .kafka --port 9092
    python -m load_tests.broker stop --data-dir .kafka

In a program, `with running_broker() as broker:` starts one on a free port with its own folder.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

POM = Path(__file__).resolve().parents[1] / "deploy" / "kafka" / "pom.xml"
JARS = POM.parent / "target" / "kafka"
RESOLVED_POM = POM.parent / "target" / "resolved-pom.xml"
JAVA_RELEASE = 17
HOST = "127.0.0.1"
READY_LINE = b"Kafka Server started"
POLL_SECONDS = 0.05
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class BrokerError(RuntimeError):
    """The broker did not start or ended by itself; the message contains the end of its log."""


def missing_requirements() -> str | None:
    """The reason why no broker can run here, in one line, or None if one can."""
    java = _java()
    if java is None:
        return f"no Java on the PATH (Java {JAVA_RELEASE} or newer is needed)"
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', answer.stderr)
    if version is None or int(version.group(1)) < JAVA_RELEASE:
        found = answer.stderr.strip().partition("\n")[0]
        return f"Java {JAVA_RELEASE} or newer is needed, found: {found}"
    if not _jars_resolved() and shutil.which("mvn") is None:
        return "no Maven (mvn) on the PATH, which fetches the broker's jars"
    return None


def resolve_jars() -> None:
    """Let Maven copy the broker and its dependencies to `deploy/kafka/target/kafka`, once per pom.

    Raises BrokerError with Maven's output when it fails.
    """
    RESOLVED_POM.parent.mkdir(parents=True, exist_ok=True)
    with (RESOLVED_POM.parent / "lock").open("w") as lock:
        # Two test processes may do this at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _jars_resolved():
            return
        shutil.rmtree(JARS, ignore_errors=True)
        command = ["mvn", "--batch-mode", "--quiet", "-f", str(POM), "package"]
        maven = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if maven.returncode:
            raise BrokerError(f"{' '.join(command)} failed:\n{maven.stdout[-3000:]}")
        shutil.copyfile(POM, RESOLVED_POM)


def free_port() -> int:
    """A TCP port of the loopback interface that is currently free."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class SecuredListener:
    """Clients must use TLS and log in by SCRAM-SHA-512.

    `keystore` is a PEM file with the broker's key (PKCS #8) and certificates, `passwords` are by user.
    """

    keystore: Path
    passwords: Mapping[str, str]

    def properties(self, port: int, controller_port: int) -> dict[str, str]:
        """The lines of server.properties; the broker itself uses another, plain-text listener."""
        internal = f"INTERNAL://{HOST}:{free_port()}"
        listener = f"SASL_SSL://{HOST}:{port}"
        login_module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return {
            "listeners": f"{listener},{internal},CONTROLLER://{HOST}:{controller_port}",
            "advertised.listeners": f"{listener},{internal}",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "INTERNAL",
            "listener.name.sasl_ssl.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": login_module,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.keystore.resolve()),
        }

    @property
    def storage_options(self) -> list[str]:
        """The options that create the users when the storage is formatted."""
        users = (f"SCRAM-SHA-512=[name={name},password={word}]" for name, word in self.passwords.items())
        return [part for user in users for part in ("--add-scram", user)]


class Broker:
    """A broker process with its folder; data, port and log survive stop, kill and start."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        properties: Mapping[str, str] | None = None,
        heap: str = "512m",
        secured: SecuredListener | None = None,
    ) -> None:
        """`properties` add to or replace lines of the generated server.properties (limits, timeouts)."""
        self.folder = folder.resolve()
        self.port = port
        self.bootstrap_servers = f"{HOST}:{port}"
        self.log_file = self.folder / "broker.log"
        self._heap = heap
        self._secured = secured
        self._controller_port = free_port()
        listener = secured.properties(port, self._controller_port) if secured else {}
        self._properties = listener | dict(properties or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def _server_properties(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "broker.pid"

    @property
    def pid(self) -> int | None:
        """The process id of this folder's running broker, whoever started it, or None."""
        if self._process is not None:
            self._process.poll()
        try:
            with self._pid_file.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
        except FileNotFoundError:
            return None
        except BlockingIOError:
            return int(self._pid_file.read_text())

    def start(self, *, detached: bool = False) -> None:
        """Start the process and return when it is ready; a detached one outlives this program.

        Raises BrokerError when it ends or is not ready in time.
        """
        if self.pid is not None:
            raise BrokerError(f"a broker already runs on {self.folder} (process {self.pid})")
        resolve_jars()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_server_properties()
        if not (self.folder / "data" / "meta.properties").exists():
            self._format_storage()
        command = self._java_command(f"-Xmx{self._heap}", "kafka.Kafka", str(self._server_properties))
        if not detached and (setpriv := shutil.which("setpriv")):
            # So that a killed test run leaves no broker behind (Linux only).
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with self.log_file.open("wb") as log, self._pid_file.open("w") as pid_file:
            # The process inherits this lock and holds it while it lives, because a process id may be reused.
            fcntl.flock(pid_file, fcntl.LOCK_EX)
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[pid_file.fileno()],
                start_new_session=True,
            )
            pid_file.write(str(self._process.pid))
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Shut the process down, and kill it if it has not ended after a deadline."""
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
        if not self._wait_until_ended():
            self.kill()

    def kill(self) -> None:
        """End the process immediately, like a power failure (SIGKILL)."""
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        if not self._wait_until_ended():
            raise BrokerError(f"process {pid} does not end")

    def freeze(self) -> None:
        """Suspend the process (SIGSTOP): connections stay open and nothing answers."""
        self._signal_running(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume a frozen process."""
        self._signal_running(signal.SIGCONT)

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of the broker's log."""
        if not self.log_file.exists():
            return "(no log)"
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])

    def _signal_running(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is None:
            raise BrokerError(f"no broker runs on {self.folder}")
        os.kill(pid, number)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while READY_LINE not in self.log_file.read_bytes():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=POLL_SECONDS)
                raise BrokerError(f"the broker ended with status {process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise BrokerError(f"the broker was not ready after {START_SECONDS:.0f} s:\n{self.log_tail()}")

    def _wait_until_ended(self) -> bool:
        deadline = time.monotonic() + STOP_SECONDS
        pause = threading.Event()
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            pause.wait(POLL_SECONDS)
        return True

    def _format_storage(self) -> None:
        cluster_id = "stream-app-local-000000"
        command = self._java_command("kafka.tools.StorageTool", "format", "--cluster-id", cluster_id)
        command += ["--config", str(self._server_properties)]
        if self._secured is not None:
            command += self._secured.storage_options
        answer = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if answer.returncode:
            raise BrokerError(f"formatting {self.folder / 'data'} failed:\n{answer.stdout[-3000:]}")

    def _write_server_properties(self) -> None:
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            # A killed broker can return only once its old registration has expired.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "group.initial.rebalance.delay.ms": "0",
            # Tests that kill workers should not wait long until their partitions move.
            "group.min.session.timeout.ms": "1000",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            # Its default of 128 MiB would take a quarter of the heap.
            "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        } | self._properties
        lines = [f"{name}={value}\n" for name, value in properties.items()]
        self._server_properties.write_text("".join(lines))

    def _java_command(self, *arguments: str) -> list[str]:
        return [_java() or "java", "-XX:+UseSerialGC", "-cp", f"{JARS}/*", *arguments]


@contextlib.contextmanager
def running_broker(
    folder: Path | None = None,
    *,
    port: int | None = None,
    properties: Mapping[str, str] | None = None,
    secured: SecuredListener | None = None,
) -> Iterator[Broker]:
    """A broker for the length of a `with` block, by default on a free port and in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="kafka-", ignore_cleanup_errors=True) as temporary:
        broker = Broker(
            folder or Path(temporary), port or free_port(), properties=properties, secured=secured
        )
        broker.start()
        try:
            yield broker
        finally:
            # Data about to be deleted needs no orderly shutdown.
            broker.stop() if folder else broker.kill()


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which(Path(home) / "bin" / "java") if home else shutil.which("java")


def _jars_resolved() -> bool:
    return RESOLVED_POM.exists() and RESOLVED_POM.read_bytes() == POM.read_bytes()


cli = typer.Typer(help="Start and stop a one-node Kafka broker on this machine.", no_args_is_help=True)
DataDir = Annotated[Path, typer.Option(help="Folder of the broker's data, settings and log.")]


@cli.command()
def start(
    data_dir: DataDir = Path(".kafka"),
    port: Annotated[int, typer.Option(help="Port of the loopback interface.")] = 9092,
) -> None:
    """Start a broker that keeps running until `stop`."""
    if reason := missing_requirements():
        typer.echo(f"Cannot start Kafka: {reason}.", err=True)
        raise typer.Exit(1)
    broker = Broker(data_dir, port)
    if broker.pid is not None:
        typer.echo(f"Kafka already runs on {data_dir} (process {broker.pid}).")
        return
    try:
        broker.start(detached=True)
    except BrokerError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Kafka serves {broker.bootstrap_servers} (process {broker.pid}, log {broker.log_file}).")


@cli.command()
def stop(data_dir: DataDir = Path(".kafka")) -> None:
    """Stop the broker of a folder, if one runs."""
    broker = Broker(data_dir, port=0)
    if broker.pid is None:
        typer.echo(f"No Kafka runs on {data_dir}.")
        return
    broker.stop()
    typer.echo("Kafka has stopped.")


if __name__ == "__main__":
    cli()
