import pytest

from stream_app.intake.cleaning.transports import is_transport

TRANSPORTS = (
    "analytics-python/2.4.0", "analytics-node-next/latest", "posthog-node/5.70.0", "node", "axios/1.7.2",
    "Go-http-client/1.1", "okhttp/4.9.0", "Apache-HttpClient/4.5.13 (Java/11.0.2)", "Dart/3.0 (dart:io)",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "GuzzleHttp/6.5.5 curl/7.58 PHP/7.4",
    "analytics-go (version: 3.0.0)", "Faraday v1.10", "Python/3.11 aiohttp/3.9.1", "undici", "curl/8.1",
)  # fmt: skip
OTHERS = (
    "", "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0", "Dalvik/2.1.0 (Linux; U; Android 14)",
    "MyApp/3.1 (iPhone; iOS 17)", "Shop/1 CFNetwork/1410 Darwin/22", "Googlebot/2.1 (+http://www.google.com/bot.html)",
    "UptimeRobot/2.0", "GPTBot/1.2", "SomeCrawler/1",
)  # fmt: skip


@pytest.mark.parametrize("agent", TRANSPORTS)
def test_what_carries_events_says_nothing_of_people(agent: str) -> None:
    assert is_transport(agent)


@pytest.mark.parametrize("agent", OTHERS)
def test_browsers_apps_and_bots_speak_for_themselves(agent: str) -> None:
    assert not is_transport(agent)
