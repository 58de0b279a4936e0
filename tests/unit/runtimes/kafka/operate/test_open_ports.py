"""What listens, and to whom, unless it is told otherwise."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.consume.app import build_trainer, build_worker
from stream_app.settings.environment import Settings


@pytest.mark.parametrize("build", [build_worker, build_trainer])
def test_fausts_own_web_server_is_off(build, tmp_path: Path) -> None:
    app = build(Settings(state_dir=tmp_path, snapshot_key="a key for tests alone"), Metrics())
    app.finalize()
    assert not app.conf.web_enabled
    assert app.web not in app.boot_strategy.server()


def test_every_address_is_loopback_by_default() -> None:
    hosts = {name: field.default for name, field in Settings.model_fields.items() if name.endswith("_host")}
    assert set(hosts) == {"metrics_host", "collector_host", "api_host"}
    assert all(ip_address(host).is_loopback for host in hosts.values())
