"""What can be known of the Kubernetes manifests and the systemd unit without either."""

import configparser
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
OBJECTS: list[dict[str, Any]] = list(
    yaml.safe_load_all((ROOT / "deploy/kubernetes/stream-app.yaml").read_text("utf-8"))
)
WORKLOADS = {
    each["metadata"]["name"]: each for each in OBJECTS if each["kind"] in {"StatefulSet", "Deployment"}
}
UNIT = ROOT / "deploy/systemd/stream-app.service"
SECRETS = {"STREAM_APP_SNAPSHOT_KEY", "STREAM_APP_WRITE_KEYS"}
PAGES = {"metrics": {"/health", "/metrics"}, "events": {"/health", "/ready"}}


def container(workload: dict[str, Any]) -> dict[str, Any]:
    [found] = workload["spec"]["template"]["spec"]["containers"]
    return found


def help_of(*command: str) -> int:
    return CliRunner().invoke(app, [*command, "--help"]).exit_code


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_runs_a_command_of_ours_by_settings_of_ours(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [config] = [each["data"] for each in OBJECTS if each["kind"] == "ConfigMap"]
    found = container(WORKLOADS[name])
    assert help_of(*found["args"]) == 0
    assert not SECRETS & config.keys()
    for variable in found["env"]:
        assert set(variable) == {"name", "valueFrom"}  # a secret is named, and never written here
        monkeypatch.setenv(variable["name"], "a secret for the test")
    for variable, value in config.items():
        assert variable.startswith(PREFIX)
        monkeypatch.setenv(variable, value)
    assert load_settings().kafka_servers == "kafka:9092"


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_is_bounded_probed_and_without_rights(name: str) -> None:
    spec = WORKLOADS[name]["spec"]
    found = container(WORKLOADS[name])
    ports = {port["name"] for port in found["ports"]}
    for probe in (value for key, value in found.items() if key.endswith("Probe")):
        assert probe["httpGet"]["port"] in ports
        assert probe["httpGet"]["path"] in PAGES[probe["httpGet"]["port"]]
    assert "memory" in found["resources"]["limits"]
    assert spec["template"]["spec"]["securityContext"]["runAsNonRoot"]
    assert not found["securityContext"]["allowPrivilegeEscalation"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert found["image"] == f"stream-app:{version}"


def test_every_state_has_a_volume_and_every_service_its_pods() -> None:
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in WORKLOADS.values()]
    for each in OBJECTS:
        if each["kind"] == "StatefulSet":
            [claim] = each["spec"]["volumeClaimTemplates"]
            mounted = {mount["name"]: mount["mountPath"] for mount in container(each)["volumeMounts"]}
            assert mounted == {claim["metadata"]["name"]: "/state"}
        if each["kind"] == "Service":
            assert each["spec"]["selector"] in labels


def test_the_unit_runs_all_on_one_machine() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(UNIT.read_text("utf-8"))
    service = unit["Service"]
    program, command, *options = service["ExecStart"].split()
    assert program.endswith("/stream-app")
    assert help_of(command) == 0
    assert options == ["--data-dir", f"/var/lib/{service['StateDirectory']}"]
    assert service["NoNewPrivileges"] == "yes"
    assert not re.search(rf"^Environment={PREFIX}", UNIT.read_text("utf-8"), re.MULTILINE)
