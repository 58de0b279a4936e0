"""Rules and dashboard, checked by promtool and answered by a Prometheus that scraped real processes."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml
from support.kafka_cluster import Cluster
from support.worker_process import worker_process

from load_tests.broker import Broker, free_port
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.operate import feeding
from stream_app.testing import RecordedSource, label, page

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/stream-app.json").read_text("utf-8"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
ALERTS = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
}
DASHBOARD_EXPRESSIONS = [target["expr"] for panel in PANELS.values() for target in panel["targets"]]
DECLARED = {declaration.name: declaration for declaration in Metrics().declared}
ADDED_BY_PROMETHEUS = {"job", "instance"}
SELECTOR = re.compile(r"\b(stream_app_\w+)(\{[^}]*\})?")
# Two processes and a few plain page views collect nothing over HTTP, remove nobody and judge no list.
NOT_BROUGHT_ABOUT = re.compile(
    r"stream_app_(collector|removed_users|recommend|forgotten_ids|bounded_rows|placeholder_ids|dropped_fields|refused_(identity|numbers))"
)
DEADLINE_SECONDS = 50.0
EVENTS_WRITTEN = 341
USERS = 20  # a label that brings its features makes no row


def labels_of(metric: str) -> set[str]:
    if metric.endswith("_bucket"):
        assert DECLARED[metric.removesuffix("_bucket")].kind == "histogram"
        return {*DECLARED[metric.removesuffix("_bucket")].labels, "le"}
    return set(DECLARED[metric].labels)


@pytest.mark.parametrize("expression", [*ALERTS.values(), *DASHBOARD_EXPRESSIONS])
def test_expression_names_declared_metrics_and_labels(expression: str):
    known = set(ADDED_BY_PROMETHEUS)
    for metric, matchers in SELECTOR.findall(expression):
        known |= labels_of(metric)
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) <= labels_of(metric) | ADDED_BY_PROMETHEUS
    grouping = re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression)
    assert {name.strip() for names in grouping for name in names.split(",")} <= known


def test_every_metric_is_on_the_dashboard():
    shown = {metric for expression in DASHBOARD_EXPRESSIONS for metric, _ in SELECTOR.findall(expression)}
    assert {metric.removesuffix("_bucket") for metric in shown} == set(DECLARED)


@pytest.mark.parametrize("title", PANELS)
def test_panel_explains_itself(title: str):
    panel = PANELS[title]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "prometheus"
    for target in panel["targets"]:
        grouping = re.findall(r"\bby \(([^)]*)\)", target["expr"])
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= set(
            ", ".join(grouping).split(", ")
        )


def test_panels_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.fixture(scope="module")
def programs() -> dict[str, str]:
    """Paths of prometheus and promtool, both in Debian's package `prometheus`."""
    found = {name: shutil.which(name) for name in ("prometheus", "promtool")}
    if missing := [name for name, path in found.items() if path is None]:
        reason = f"{' and '.join(missing)} not on the PATH (Debian: apt-get install prometheus)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must run the Prometheus tests: {reason}")
        pytest.skip(f"Prometheus tests need Prometheus: {reason}")
    return {name: path for name, path in found.items() if path is not None}


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts_test.yml"],
    ],
    ids=" ".join,
)
def test_promtool_accepts(programs: dict[str, str], arguments: list[str]):
    answer = subprocess.run(
        [programs["promtool"], *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "FAILED" not in answer.stdout + answer.stderr


def test_every_alert_is_tested_firing():
    tests = (PROMETHEUS / "alerts_test.yml").read_text("utf-8")
    assert set(re.findall(r'ALERTS\{alertname="(\w+)"', tests)) == set(ALERTS)


@contextmanager
def running(command: list[str], log: Path) -> Iterator[None]:
    """A Prometheus for the length of a `with` block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.kill()
            process.wait()


class Server:
    """The HTTP API of a Prometheus."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, path: str, **parameters: str) -> Any:
        with urlopen(f"{self.url}{path}?{urlencode(parameters)}", timeout=10) as answer:
            body = json.load(answer)
        assert body["status"] == "success", body
        return body["data"]

    def query(self, expression: str) -> list[Any]:
        result: list[Any] = self.ask("query", query=expression)["result"]
        return result

    def ready(self) -> bool:
        try:
            return self.ask("query", query="vector(1)") is not None
        except (URLError, ConnectionError):
            return False


def wait_until_answered(server: Server, expressions: set[str], logs: list[Path]) -> None:
    """Return once every expression has a result that is not empty."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    pause = threading.Event()
    while not server.ready() or (expressions := {one for one in expressions if not server.query(one)}):
        if time.monotonic() > deadline:
            tails = "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in logs)
            pytest.fail(f"no data after {DEADLINE_SECONDS:.0f} s for {sorted(expressions)}\n{tails}")
        pause.wait(0.5)


def events() -> list[bytes]:
    """Pages, labels for both models, and a line that is no event."""
    lines = [page(f"user-{number % USERS}", number * 40.0, f"item-{number % 7}") for number in range(300)]
    lines += [label(f"user-{number}", 12_100 + number, number % 3 + 1) for number in range(20)]
    for number in range(20):
        properties = {"target": "engagement_score", "value": number * 5, "features": {"length": number}}
        event = json.loads(label(f"course-{number}", 12_200 + number, 1))
        lines.append(json.dumps(event | {"properties": properties}).encode())
    lines.append(b"no event")
    assert len(lines) == EVENTS_WRITTEN
    return lines


def write_config(folder: Path, ports: dict[str, int]) -> Path:
    """The deployed configuration, with the processes of this test as its targets."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(PROMETHEUS / "alerts.yml")]
    assert {job["job_name"] for job in config["scrape_configs"]} == set(ports)
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.mark.kafka
def test_prometheus_answers_every_expression(
    programs: dict[str, str], broker: Broker, topic_prefix: str, tmp_path: Path
):
    ports = {"worker": free_port(), "trainer": free_port()}
    cluster = Cluster(broker.bootstrap_servers, topic_prefix, tmp_path, partitions=2, snapshot_examples=1)
    asyncio.run(cluster.create_topics())
    server_port = free_port()
    prometheus = [
        programs["prometheus"],
        f"--config.file={write_config(tmp_path, ports)}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{server_port}",
    ]
    logs = [tmp_path / "prometheus.log"]
    with ExitStack() as processes:
        processes.enter_context(running(prometheus, logs[0]))
        for command in (["worker", "--no-trainer"], ["trainer"]):
            settings = cluster.settings.model_copy(update={"metrics_port": ports[command[0]]})
            process = processes.enter_context(worker_process(settings, tmp_path, *command))
            logs.append(process.log)
        asyncio.run(feeding.produce(RecordedSource(events()), cluster.settings, lambda *_: None))

        selectors = {
            name + matchers
            for expression in ALERTS.values()
            for name, matchers in SELECTOR.findall(expression)
        }
        shown = {expression.replace("$__rate_interval", "1m") for expression in DASHBOARD_EXPRESSIONS}
        server = Server(server_port)
        silent = {expression for expression in shown if NOT_BROUGHT_ABOUT.search(expression)}
        wait_until_answered(server, selectors | shown - silent, logs)
        for expression in silent:
            assert server.query(expression) is not None  # an error would have raised

        assert [sample["value"][1] for sample in server.query("up")] == ["1", "1"]
        # These were fed, not only begun at zero.
        refused = {"stream_app_refused_snapshots_total", "stream_app_refused_records_total"}
        fed = {name: f"{name}_count" if DECLARED[name].kind == "histogram" else name for name in DECLARED}
        counted = {
            f"sum({fed[name]}) > 0"
            for name in DECLARED.keys() - refused
            if DECLARED[name].kind != "gauge" and not NOT_BROUGHT_ABOUT.search(name)
        }
        wait_until_answered(server, counted, logs)
        settled = {
            'sum(stream_app_lag_records{topic="clickstream.events.v1"}) == 0',
            f"sum(stream_app_event_latency_seconds_count) == {EVENTS_WRITTEN}",
            f"sum(stream_app_events_total) == {EVENTS_WRITTEN}",
            f"sum(stream_app_users) == {USERS}",
            'stream_app_model_examples{job="worker", model="engagement_tier"} == 20',
            'sum(stream_app_lag_records{topic="training.examples.v1"}) == 0',
            'stream_app_commits_total{job="trainer"} > 0',
            'stream_app_batch_seconds_count{job="trainer"} > 0',
        }
        wait_until_answered(server, settled, logs)
        rules = server.ask("rules")["groups"][0]["rules"]
        assert {rule["name"]: rule["health"] for rule in rules} == dict.fromkeys(ALERTS, "ok")
        for expression in ALERTS.values():
            server.query(expression)
