"""Devices, countries and bots as trackers see them."""

from typing import NamedTuple


class Device(NamedTuple):
    """A kind of device with its browser or app."""

    type: str
    os: str
    user_agent: str
    is_app: bool
    weight: float

    @property
    def is_mobile(self) -> bool:
        """Whether it can lose its network for a while."""
        return self.type != "desktop"


class Country(NamedTuple):
    """Where users live."""

    code: str
    locale: str
    time_zone: str
    weight: float


_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"

DEVICES = (
    Device("desktop", "Windows", f"{_WINDOWS} {_BLINK} Chrome/124.0.0.0 Safari/537.36", False, 0.20),
    Device(
        "desktop", "Windows", f"{_WINDOWS} {_BLINK} Chrome/124.0.0.0 Safari/537.36 Edg/124.0.0.0", False, 0.08
    ),
    Device("desktop", "Windows", f"{_WINDOWS[:-1]}; rv:125.0) Gecko/20100101 Firefox/125.0", False, 0.05),
    Device("desktop", "macOS", f"{_MAC} {_WEBKIT} Version/17.4 Safari/605.1.15", False, 0.09),
    Device("desktop", "macOS", f"{_MAC} {_BLINK} Chrome/124.0.0.0 Safari/537.36", False, 0.06),
    Device(
        "desktop",
        "Linux",
        "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
        False,
        0.03,
    ),
    Device("mobile", "iOS", f"{_IPHONE} {_WEBKIT} Version/17.4 Mobile/15E148 Safari/604.1", False, 0.14),
    Device("mobile", "Android", f"{_ANDROID} {_BLINK} Chrome/124.0.0.0 Mobile Safari/537.36", False, 0.14),
    Device("mobile", "iOS", "ShopExample/5.2 (iPhone; iOS 17.4; Scale/3.00)", True, 0.08),
    Device("mobile", "Android", "ShopExample/5.2 (Linux; Android 14; Pixel 8)", True, 0.08),
    Device(
        "tablet",
        "iOS",
        f"{_IPHONE.replace('iPhone', 'iPad', 1)} {_WEBKIT} Version/17.4 Safari/604.1",
        False,
        0.05,
    ),
)

COUNTRIES = (
    Country("US", "en-US", "America/New_York", 0.24),
    Country("US", "en-US", "America/Los_Angeles", 0.14),
    Country("GB", "en-GB", "Europe/London", 0.13),
    Country("DE", "de-DE", "Europe/Berlin", 0.12),
    Country("FR", "fr-FR", "Europe/Paris", 0.09),
    Country("IN", "en-IN", "Asia/Kolkata", 0.12),
    Country("BR", "pt-BR", "America/Sao_Paulo", 0.08),
    Country("JP", "ja-JP", "Asia/Tokyo", 0.05),
    Country("AU", "en-AU", "Australia/Sydney", 0.03),
)

BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    f"Mozilla/5.0 (X11; Linux x86_64) {_BLINK} HeadlessChrome/124.0.0.0 Safari/537.36",
    "python-requests/2.31.0",
    # One that hides behind a browser's name: only its rate gives it away.
    DEVICES[0].user_agent,
)
