"""Browser, system and kind of device from a user agent, by ua-parser's rules and two lists of our own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from ua_parser import Domain, load_lazy_builtins
from ua_parser.regex import Resolver

from stream_app.intake.cleaning.data_files import read_table
from stream_app.intake.cleaning.missing import present
from stream_app.intake.cleaning.names import device_of_system, name_browser, name_system

MAX_USER_AGENT = 512


class Client(NamedTuple):
    """What an event was sent with; empty strings if the agent does not say.

    `device` is desktop, mobile, tablet, tv or other, and empty only if there is no user agent.
    """

    device: str
    browser: str
    os: str
    is_bot: bool


NO_CLIENT = Client("", "", "", False)


def _starting_words(markers: Iterable[str]) -> str:
    return r"(?<![a-z0-9])(?:" + "|".join(map(re.escape, markers)) + ")"


_AGENT_RULES = read_table("automated_agents.toml")
_AUTOMATED = re.compile(
    _starting_words(_AGENT_RULES["markers"]) + "|(?:" + "|".join(_AGENT_RULES["endings"]) + ")(?![a-z])"
)
_NOT_AUTOMATED = re.compile(_starting_words(_AGENT_RULES["exceptions"]))
_KINDS: list[tuple[str, re.Pattern[str]]] = [
    (kind["name"], re.compile(_starting_words(kind["markers"])))
    for kind in read_table("device_kinds.toml")["kind"]
]
# Without ua-parser's own cache, because results are cached here.
_RESOLVE = Resolver(load_lazy_builtins())


@lru_cache(maxsize=4096)
def parse_user_agent(text: str | None) -> Client:
    """Parse a user agent; any text is accepted, and only its first 512 characters count."""
    agent = present(text, MAX_USER_AGENT)
    if not agent:
        return NO_CLIENT
    parsed = _RESOLVE(agent, Domain.ALL)
    lower = agent.casefold()
    family = parsed.user_agent.family if parsed.user_agent else ""
    system = name_system(parsed.os.family) if parsed.os and parsed.os.family != "Other" else ""
    is_spider = parsed.device is not None and parsed.device.family == "Spider"
    if is_spider or _AUTOMATED.search(_NOT_AUTOMATED.sub("", lower)):
        return Client("other", name_browser(family), system, True)
    return Client(_find_kind(lower, system), name_browser(family), system, False)


def _find_kind(lower: str, system: str) -> str:
    for kind, markers in _KINDS:
        if markers.search(lower):
            return kind
    # Chrome's documented rule for Android: a browser that does not say "Mobile" is on a tablet.
    if system == "Android" and lower.startswith("mozilla/"):
        return "tablet"
    return device_of_system(system) or "other"
