from support.collector_client import Collector

from stream_app.errors import BrokerError


def test_health_and_readiness() -> None:
    collector = Collector()
    assert collector.client.get("/health").status_code == 200
    assert collector.client.get("/ready").status_code == 200
    collector.delivery.error = BrokerError("lost")
    assert collector.client.get("/health").status_code == 200
    assert collector.client.get("/ready").status_code == 503


def test_paths_that_are_not_ours_share_one_label() -> None:
    collector = Collector()
    for path in ("/x", "/y/c"):
        collector.client.get(path)
    assert collector.counted("stream_app_collector_requests_total", route="other", status="404") == 2


def test_the_demo_page_runs_no_foreign_code() -> None:
    client = Collector().client
    assert client.get("/").headers["location"] == "/demo"
    page, script = client.get("/demo"), client.get("/demo.js")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert page.headers["content-type"].startswith("text/html")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "http" not in page.text
