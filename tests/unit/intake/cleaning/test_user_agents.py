import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.intake.cleaning.user_agents import MAX_USER_AGENT, NO_CLIENT, Client, parse_user_agent
from stream_app.simulation.devices import BOT_AGENTS, DEVICES

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "Chrome/140.0.0.0"

PEOPLE = [
    (f"{WINDOWS} {BLINK} {CHROME} Safari/537.36", "desktop", "Chrome", "Windows"),
    (f"{WINDOWS} {BLINK} {CHROME} Safari/537.36 Edg/140.0.0.0", "desktop", "Edge", "Windows"),
    (f"{WINDOWS} {BLINK} {CHROME} Safari/537.36 OPR/122.0.0.0", "desktop", "Opera", "Windows"),
    (f"{WINDOWS} {BLINK} {CHROME} Safari/537.36 Vivaldi/7.5", "desktop", "Vivaldi", "Windows"),
    (f"{WINDOWS[:-1]}; rv:143.0) Gecko/20100101 Firefox/143.0", "desktop", "Firefox", "Windows"),
    (
        "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "desktop",
        "Internet Explorer",
        "Windows",
    ),
    (f"{MAC} {WEBKIT} Version/18.6 Safari/605.1.15", "desktop", "Safari", "macOS"),
    (f"{MAC} {BLINK} {CHROME} Safari/537.36", "desktop", "Chrome", "macOS"),
    (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
        "desktop",
        "Firefox",
        "Linux",
    ),
    (
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {BLINK} {CHROME} Safari/537.36",
        "desktop",
        "Chrome",
        "Chrome OS",
    ),
    (
        "Mozilla/5.0 (X11; OpenBSD amd64; rv:125.0) Gecko/20100101 Firefox/125.0",
        "desktop",
        "Firefox",
        "BSD",
    ),
    (f"{IPHONE} {WEBKIT} Version/18.6 Mobile/15E148 Safari/604.1", "mobile", "Safari", "iOS"),
    (f"{IPHONE} {WEBKIT} CriOS/140.0.7339.39 Mobile/15E148 Safari/604.1", "mobile", "Chrome", "iOS"),
    (f"{IPHONE} {WEBKIT} FxiOS/143.0 Mobile/15E148 Safari/605.1.15", "mobile", "Firefox", "iOS"),
    (
        f"{IPHONE} {WEBKIT} Version/18.0 EdgiOS/140.0.3485.50 Mobile/15E148 Safari/605.1.15",
        "mobile",
        "Edge",
        "iOS",
    ),
    (
        f"{IPHONE} {WEBKIT} Version/18.6 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
        "mobile",
        "DuckDuckGo",
        "iOS",
    ),
    (
        f"{IPHONE} {WEBKIT} Mobile/21E236 Instagram 328.0.3.32.90 (iPhone14,5; iOS 17_4_1; en_US; en)",
        "mobile",
        "Instagram",
        "iOS",
    ),
    (
        f"{IPHONE} {WEBKIT} Mobile/21E236 [FBAN/FBIOS;FBAV/459.0.0.30.108;FBDV/iPhone14,5;FBID/phone]",
        "mobile",
        "Facebook",
        "iOS",
    ),
    (f"{IPHONE} {WEBKIT} Mobile/15E148 [Pinterest/iOS]", "mobile", "Pinterest", "iOS"),
    (f"{IPAD} {WEBKIT} Version/17.4 Mobile/15E148 Safari/604.1", "tablet", "Safari", "iOS"),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {BLINK} {CHROME} Mobile Safari/537.36",
        "mobile",
        "Chrome",
        "Android",
    ),
    (f"Mozilla/5.0 (Linux; Android 10; K) {BLINK} {CHROME} Safari/537.36", "tablet", "Chrome", "Android"),
    (
        f"Mozilla/5.0 (Linux; Android 14; SM-S928B) {BLINK} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile "
        "Safari/537.36",
        "mobile",
        "Samsung Internet",
        "Android",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 14; SM-X910) {BLINK} SamsungBrowser/25.0 Chrome/121.0.0.0 "
        "Safari/537.36",
        "tablet",
        "Samsung Internet",
        "Android",
    ),
    ("Mozilla/5.0 (Android 14; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0", "mobile", "Firefox", "Android"),
    ("Mozilla/5.0 (Android 14; Tablet; rv:143.0) Gecko/143.0 Firefox/143.0", "tablet", "Firefox", "Android"),
    (
        f"Mozilla/5.0 (Linux; Android 10; HD1913) {BLINK} {CHROME} Mobile Safari/537.36 EdgA/140.0.0.0",
        "mobile",
        "Edge",
        "Android",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; VOG-L29) {BLINK} {CHROME} Mobile Safari/537.36 OPR/76.2.4027.73374",
        "mobile",
        "Opera",
        "Android",
    ),
    (
        "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
        "mobile",
        "Opera Mini",
        "Android",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A; wv) {BLINK} Version/4.0 {CHROME} Mobile "
        "Safari/537.36",
        "mobile",
        "In-app view",
        "Android",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 8.1.0; CUBOT NOTE 20) {BLINK} {CHROME} Mobile Safari/537.36",
        "mobile",
        "Chrome",
        "Android",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 9; KFMAWI) {BLINK} Silk/108.4.6 like Chrome/108.0.0.0 Safari/537.36",
        "tablet",
        "Amazon Silk",
        "Android",
    ),
    (
        "Mozilla/5.0 (Mobile; LYF/F300B; Android; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
        "mobile",
        "Firefox",
        "KaiOS",
    ),
    (
        f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) {BLINK} 76.0.3809.146/6.0 TV Safari/537.36",
        "tv",
        "Safari",
        "Tizen",
    ),
    (
        f"Mozilla/5.0 (Web0S; Linux/SmartTV) {BLINK} Chrome/94.0.4606.128 Safari/537.36 WebAppManager",
        "tv",
        "Chrome",
        "webOS",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7633; wv) {BLINK} Version/4.0 {CHROME} Mobile "
        "Safari/537.36",
        "tv",
        "In-app view",
        "Android",
    ),
    ("Roku/DVP-12.0 (12.0.0.4182-88)", "tv", "Roku", "Roku"),
    (
        f"Mozilla/5.0 (PlayStation; PlayStation 5/6.50) {WEBKIT} Version/13.0 Safari/605.1.15",
        "other",
        "Safari",
        "",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 12; Quest 3) {BLINK} OculusBrowser/32.0 {CHROME} VR Safari/537.36",
        "other",
        "Oculus Browser",
        "Android",
    ),
    ("ShopExample/5.2 (iPhone; iOS 17.4; Scale/3.00)", "mobile", "In-app view", "iOS"),
    ("ShopExample/5.2 (Linux; Android 14; Pixel 8)", "mobile", "In-app view", "Android"),
    ("MyApp/3 CFNetwork/1494.0.7 Darwin/23.4.0", "mobile", "MyApp", "iOS"),
    ("okhttp/4.12.0", "other", "okhttp", ""),
    ("NewRequest/5.2 (iPhone; iOS 17.4; Scale/3.00)", "mobile", "In-app view", "iOS"),
]

BOTS = [
    *BOT_AGENTS[:-1],
    f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {BLINK} {CHROME} Mobile Safari/537.36 "
    "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    f"Mozilla/5.0 {BLINK[:-1]}; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    f"Mozilla/5.0 {BLINK[:-1]}; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    f"Mozilla/5.0 {BLINK[:-1]}; compatible; ChatGPT-User/1.0; +https://openai.com/bot)",
    "Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)",
    "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
    "Mozilla/5.0 (compatible; a-bot-that-nobody-knows-bot/0.1)",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "Twitterbot/1.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "Mediapartners-Google",
    "WhatsApp/2.23.20.0",
    "Java/17.0.10",
    "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)",
    f"{WINDOWS} {BLINK} {CHROME} Safari/537.36 Cypress/13.7.2",
    f"Mozilla/5.0 (X11; Linux x86_64) {BLINK} {CHROME} Safari/537.36 Chrome-Lighthouse",
    "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
    "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "curl/8.6.0",
    "Wget/1.21.4",
    "Go-http-client/2.0",
    "axios/1.6.8",
    "python-httpx/0.27.0",
    "Python/3.11 aiohttp/3.9.3",
    "Apache-HttpClient/4.5.14 (Java/17.0.10)",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "PostmanRuntime/7.37.3",
    "Scrapy/2.11.1 (+https://scrapy.org)",
    "k6/0.50.0 (https://k6.io/)",
]


@pytest.mark.parametrize(("agent", "device", "browser", "os"), PEOPLE)
def test_agents_of_people(agent, device, browser, os):
    assert parse_user_agent(agent) == Client(device, browser, os, False)


@pytest.mark.parametrize("agent", BOTS)
def test_agents_that_no_person_drives(agent):
    client = parse_user_agent(agent)
    assert client.is_bot
    assert client.device == "other"


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.user_agent)
def test_the_simulator_s_devices_are_read_as_what_they_are(device):
    client = parse_user_agent(device.user_agent)
    assert (client.device, client.os, client.is_bot) == (device.type, device.os, False)


@pytest.mark.parametrize("text", [None, "", "  ", "unknown", "NULL", "(not set)", "undefined", "None"])
def test_missing_agents_tell_nothing(text):
    assert parse_user_agent(text) == NO_CLIENT


def test_an_agent_that_says_nothing_known_is_other():
    assert parse_user_agent("????") == Client("other", "", "", False)


def test_only_the_beginning_of_a_huge_agent_counts():
    agent = PEOPLE[0][0]
    assert parse_user_agent(agent + " " * MAX_USER_AGENT + "Googlebot/2.1" * 100_000) == parse_user_agent(
        agent
    )


def test_no_personal_number_becomes_a_name():
    agent = "+4915112345678/3 CFNetwork/1494.0.7 Darwin/23.4.0"
    assert "4915112345678" not in parse_user_agent(agent).browser


AGENT_PARTS = st.sampled_from(
    ["Mozilla/5.0 (", "Linux; Android 14; ", "iPhone; ", "bot", ") ", "Chrome/", "Safari", "\ud800", "\0"]
)


@given(st.one_of(st.text(), st.lists(st.one_of(AGENT_PARTS, st.text(max_size=8))).map("".join)))
def test_no_text_raises_and_what_comes_is_bounded(text):
    client = parse_user_agent(text)
    assert client.device in {"", "desktop", "mobile", "tablet", "tv", "other"}
    assert max(len(client.browser), len(client.os)) <= 32


ON_MAC = f"{MAC} {BLINK} Chrome/150.0.0.0"


@pytest.mark.parametrize(
    "agent",
    [
        f"{ON_MAC} Safari/537.36; compatible; ChatGPT-User/2.0; +https://openai.com/bot",
        f"{ON_MAC} Safari/537.36; compatible; OAI-AdsBot/1.0",
        "Mozilla/5.0 (compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
        "Claude-Code/2.1 (cli)",
        f"{ON_MAC} Safari/537.36 (compatible; Google-Agent)",
        "Mozilla/5.0 (compatible; Google-NotebookLM)",
        "Mozilla/5.0 (compatible; Google-CloudVertexBot)",
        "Mozilla/5.0 (compatible; MistralAI-User/1.0)",
        "Mozilla/5.0 (compatible; DuckAssistBot/1.2)",
        "Mozilla/5.0 (compatible; Amzn-User/0.1)",
        f"{ON_MAC} Safari/537.36 NovaAct/1.0",
        "Mozilla/5.0 (compatible; Manus-User/1.0)",
        "Mozilla/5.0 (compatible; FirecrawlAgent/1.0)",
        "meta-webindexer/1.1",
        "Uptime-Kuma/2.0.0",
        "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        "Blackbox Exporter/0.27.0",
        "SentryUptimeBot/1.0",
        "Hyperping/1.0",
        "check_http/v2.4 (monitoring-plugins 2.4)",
        "Cloudflare-Healthchecks/1.0",
        "GoogleStackdriverMonitoring-UptimeChecks(https://cloud.google.com/monitoring)",
        "updown.io daemon 2.11",
    ],
)
def test_agents_of_assistants_and_watchers_of_uptime_are_bots(agent: str) -> None:
    assert parse_user_agent(agent).is_bot


@pytest.mark.parametrize(
    "agent",
    [
        f"{ON_MAC} Safari/537.36",
        f"{ON_MAC} Safari/537.36 Edg/150.0.0.0",
        f"{ON_MAC} Safari/537.36 OPR/130.0.0.0",
        f"Mozilla/5.0 (Linux; Android 16; Pixel 9) {BLINK} Chrome/150.0 Mobile Safari/537.36",
        f"{IPHONE} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
        f"{IPHONE} AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/500.0]",
        f"{IPHONE} AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/400.0 Mobile/15E148 Safari/604.1",
        f"Mozilla/5.0 (Linux; Android 15; SM-S938B) {BLINK} SamsungBrowser/29.0 Chrome/140.0 Mobile",
        "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
        "Mozilla/4.0 (compatible; MSIE 6.0; Windows 98; PalmSource/Palm-D062; Blazer/4.5) 16;320x320 Treo",
    ],
)
def test_newer_and_older_browsers_of_people_are_none(agent: str) -> None:
    assert not parse_user_agent(agent).is_bot
