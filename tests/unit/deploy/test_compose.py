"""What can be known of the Docker files without Docker."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from stream_app.cli.main import app
from stream_app.settings.environment import PREFIX
from stream_app.settings.loading import load_settings

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("stream-app:")}
LOOPBACK_PORT = re.compile(r"127\.0\.0\.1:\d+:\d+")


def without_secrets(environment: dict[str, str]) -> dict[str, str]:
    """The values with a stand-in for what the environment is to give."""
    return {
        name: re.sub(r"^\$\{.+\}$", "a secret for the test", value) for name, value in environment.items()
    }


@pytest.mark.parametrize("service", OURS)
def test_settings_are_accepted(service: str, monkeypatch: pytest.MonkeyPatch):
    environment = without_secrets(OURS[service]["environment"])
    assert all(name.startswith(PREFIX) for name in environment)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.required_snapshot_key
    assert settings.kafka_servers == "kafka:9092"


@pytest.mark.parametrize("service", OURS)
def test_command_is_understood(service: str):
    answer = CliRunner().invoke(app, [*OURS[service]["command"], "--help"])
    assert answer.exit_code == 0, answer.output


def test_images_are_pinned():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"stream-app:{version}"}
    base = re.findall(r"^FROM (\S+)", (ROOT / "deploy/Dockerfile").read_text("utf-8"), re.MULTILINE)
    for image in [*base, *(service["image"] for service in SERVICES.values())]:
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+(-[\w-]+)?", image), image


def test_kafka_is_the_version_that_is_tested():
    pom = (ROOT / "deploy/kafka/pom.xml").read_text("utf-8")
    [version] = re.findall(r"<kafka.version>(.+)</kafka.version>", pom)
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


def test_ports_are_published_on_loopback_alone():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(LOOPBACK_PORT.fullmatch(port) for port in ports)


def test_secrets_come_from_the_environment():
    secrets = {
        name: value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if re.search("PASSWORD|KEY", name)
    }
    assert set(secrets) == {"STREAM_APP_SNAPSHOT_KEY", "GF_SECURITY_ADMIN_PASSWORD"}
    assert all(re.fullmatch(r"\$\{\w+:\?.+\}", value) for value in secrets.values())


def test_mounted_paths_and_volumes_exist():
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service.get("volumes", [])]
    folders = {source for source, *_ in mounts if source.startswith(".")}
    assert all((ROOT / folder).is_dir() for folder in folders)
    assert all(mount[2:] == ["ro"] for mount in mounts if mount[0] in folders)
    assert {source for source, *_ in mounts} - folders == set(COMPOSE["volumes"])


def test_processes_have_a_state_of_their_own():
    states = [tuple(OURS[name]["volumes"]) for name in ("worker-1", "worker-2", "trainer")]
    assert len(set(states)) == 3
    assert all(
        mount.endswith(f":{OURS['trainer']['environment']['STREAM_APP_STATE_DIR']}") for [mount] in states
    )


def test_what_is_waited_for_can_come_true():
    for service in SERVICES.values():
        for name, condition in service.get("depends_on", {}).items():
            awaited = SERVICES[name]
            match condition["condition"]:
                case "service_healthy":
                    assert awaited["healthcheck"]["test"][0] == "CMD"
                case "service_completed_successfully":
                    assert "restart" not in awaited
                case other:
                    pytest.fail(f"no such condition: {other}")


def test_prometheus_scrapes_every_process():
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    targets = {
        target: job["job_name"]
        for job in config["scrape_configs"]
        for entry in job["static_configs"]
        for target in entry["targets"]
    }
    serving = {name: service for name, service in OURS.items() if "healthcheck" in service}
    assert targets == {
        f"{name}:{service['environment']['STREAM_APP_METRICS_PORT']}": service["command"][0]
        for name, service in serving.items()
    }


def test_grafana_finds_its_dashboard_and_prometheus():
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"])
    folder = ROOT / "deploy/grafana/provisioning"
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    [provider] = yaml.safe_load((folder / "dashboards/stream-app.yml").read_text("utf-8"))["providers"]
    assert provider["options"]["path"] == mounts["./deploy/grafana/dashboards"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "deploy/grafana/dashboards" / Path(home).name).is_file()
    [source] = yaml.safe_load((folder / "datasources/prometheus.yml").read_text("utf-8"))["datasources"]
    assert (source["uid"], source["url"]) == ("prometheus", "http://prometheus:9090")


def test_the_image_is_built_from_what_is_there():
    dockerfile = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    let_in = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE))
    copied = {
        name
        for names in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
        for name in names.split()
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)
    assert "USER stream" in dockerfile
