from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from load_tests.broker import free_port
from stream_app.observability.metrics import Metrics


def test_the_health_page_says_what_is_wrong_beside_the_metrics() -> None:
    metrics, port = Metrics(), free_port()
    metrics.serve("127.0.0.1", port)
    with urlopen(f"http://127.0.0.1:{port}/health") as page:
        assert page.read() == b'{"status":"ok"}'
    metrics.health.report("no broker has answered for 7 s")
    with pytest.raises(HTTPError) as refusal:
        urlopen(f"http://127.0.0.1:{port}/health")
    assert refusal.value.code == 503
    assert refusal.value.read() == b'{"status":"no broker has answered for 7 s"}'
    with urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        assert b"stream_app_stalled_seconds 0.0" in page.read()
    metrics.health.report()
    with urlopen(f"http://127.0.0.1:{port}/health") as page:
        assert page.status == 200
