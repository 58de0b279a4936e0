"""One name for each device kind, system and browser, however a tracker or a parser spells it."""

from __future__ import annotations

from stream_app.intake.cleaning.data_files import read_table
from stream_app.intake.cleaning.missing import present
from stream_app.intake.cleaning.personal import scrub

MAX_NAME = 32


def _by_spelling(spellings: dict[str, list[str]]) -> dict[str, str]:
    table = {name.casefold(): name for name in spellings}
    table.update((other.casefold(), name) for name, others in spellings.items() for other in others)
    return table


_NAMES = read_table("names.toml")
_DEVICES = _by_spelling(_NAMES["device"])
_SYSTEMS = _by_spelling(_NAMES["os"])
_BROWSERS = _by_spelling(_NAMES["browser"])
_DEVICE_OF_SYSTEM: dict[str, str] = {
    system: device for device, systems in _NAMES["device_of_os"].items() for system in systems
}


def name_device(text: str | None) -> str:
    """The kind of device named by a tracker; empty if it is not one, such as Segment's `ios`."""
    return _DEVICES.get(present(text, MAX_NAME).casefold(), "")


def name_system(text: str | None) -> str:
    """An operating system's name; names missing from the table are kept, at most 32 characters."""
    return _name(text, _SYSTEMS)


def name_browser(text: str | None) -> str:
    """A browser's name; names missing from the table are kept, at most 32 characters."""
    return _name(text, _BROWSERS)


def device_of_system(system: str) -> str:
    """The kind of device that this system usually runs on; empty if there is none."""
    return _DEVICE_OF_SYSTEM.get(system, "")


def _name(text: str | None, table: dict[str, str]) -> str:
    given = " ".join(present(text, 2 * MAX_NAME).split())
    known = table.get(given.casefold())
    return known if known is not None else " ".join(scrub(given).split())[:MAX_NAME].rstrip()
