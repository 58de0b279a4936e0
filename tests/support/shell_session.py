"""Commands of a document run one after another, as a reader would type them into one shell."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from load_tests.broker import free_port

DEADLINE_SECONDS = 120.0
POLL_SECONDS = 0.1
_SERVES = re.compile(r"(?:^|\s)stream-app (collect|worker|trainer)\b")
_PORTS = re.compile(r"(127\.0\.0\.1:|(?:metrics|METRICS|collector|COLLECTOR)_(?:port|PORT)=)(\d+)")


class ShellSession:
    """A folder, an environment and the servers begun in it; `kafka_servers` replaces the documents' broker.

    Ports are replaced by free ones, the same for the same port, so that sessions can run side by side.
    """

    def __init__(self, folder: Path, kafka_servers: str = "") -> None:
        self._folder = folder
        self._variables = dict(os.environ)
        self._variables["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._ports: dict[str, str] = {}
        self._kafka_servers = kafka_servers
        self._servers: list[tuple[str, str, subprocess.Popen[bytes]]] = []
        self._variables |= {"STREAM_APP_METRICS_PORT": "0", "STREAM_APP_COLLECTOR_PORT": self._port("8090")}

    def __enter__(self) -> "ShellSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_servers()

    def stop_servers(self) -> None:
        """Stop what was left running in the background, as its operator would."""
        for *_, server in reversed(self._servers):
            os.killpg(server.pid, signal.SIGTERM)
        for _, command, server in self._servers:
            assert server.wait(30) in (0, -signal.SIGTERM), f"{command}, see its log in {self._folder}"
        self._servers.clear()

    def write(self, name: str, text: str) -> None:
        """Write a file, as a reader would by an editor."""
        (self._folder / name).write_text(text)

    def run_alone(self, command: str) -> str:
        """Run a command while the servers are stopped, then start them again, as the documents say to."""
        begun = [(name, text) for name, text, _ in self._servers]
        self.stop_servers()
        printed = self.run(command)
        for name, text in begun:
            self._serve(name, text)
        return printed

    def run(self, command: str) -> str:
        """Run a command and return what it prints; a server goes on in the background once it is ready."""
        if self._kafka_servers:
            command = re.sub(r"127\.0\.0\.1:909[24]", self._kafka_servers, command)
        command = _PORTS.sub(self._with_free_port, command)
        if command.startswith("export "):
            self._export(command)
            return ""
        if found := _SERVES.search(command):
            self._serve(found[1], command.removesuffix("&"))
            return ""
        return self._output(command)

    def run_until_it_prints(self, command: str) -> str:
        """Run a command again and again until what it asks for has arrived."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        pause = threading.Event()
        while not (printed := self.run(command)).strip():
            assert time.monotonic() < deadline, f"{command} printed nothing in time"
            pause.wait(POLL_SECONDS)
        return printed

    def _output(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self._folder,
            env=self._variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _export(self, command: str) -> None:
        printed = self._output(f"{command}; env -0")
        self._variables = dict(entry.split("=", 1) for entry in printed.split("\0") if "=" in entry)

    def _serve(self, name: str, command: str) -> None:
        log = self._folder / f"{name}-{len(self._servers)}.log"
        with log.open("wb") as messages:
            server = subprocess.Popen(
                ["bash", "-c", f"exec env {command}"],
                cwd=self._folder,
                env=self._variables,
                stdout=messages,
                stderr=messages,
                start_new_session=True,
            )
        self._servers.append((name, command, server))
        deadline = time.monotonic() + DEADLINE_SECONDS
        pause = threading.Event()
        while name == "collect" and not self._is_collecting():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            pause.wait(POLL_SECONDS)

    def _is_collecting(self) -> bool:
        address = f"http://127.0.0.1:{self._port('8090')}/ready"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _with_free_port(self, found: re.Match[str]) -> str:
        written = f"{found[1]}{found[2]}"
        return written if written == self._kafka_servers else f"{found[1]}{self._port(found[2])}"

    def _port(self, documented: str) -> str:
        return self._ports.setdefault(documented, str(free_port()))
