"""Where and when a recommendation is requested, from the full context down to none."""

from functools import lru_cache
from typing import NamedTuple

HOUR_SECONDS = 3_600.0
HOURS_PER_BAND = 6
BANDS = ("night", "morning", "afternoon", "evening")


class Context(NamedTuple):
    """What is known about a request; unknown parts are None. `hour_band` is one of `BANDS`."""

    device: str | None = None
    hour_band: str | None = None
    country: str | None = None

    def narrowest_first(self) -> tuple[str, ...]:
        """Return the keys under which evidence is stored, from the most specific to the most general.

        The hour is dropped first and the country last, because language and assortment depend on it. The key
        for all requests together is not included.
        """
        return _keys_of(self.device or "", self.hour_band or "", self.country or "")


@lru_cache(maxsize=4_096)
def _keys_of(device: str, hour_band: str, country: str) -> tuple[str, ...]:
    widening = ((device, hour_band, country), (device, "", country), ("", "", country))
    return tuple(dict.fromkeys("|".join(parts) for parts in widening if any(parts)))


NO_CONTEXT = Context()


def context_at(at: float, device: str | None, country: str | None) -> Context:
    """Return the context of a time in epoch seconds; hours are in UTC."""
    hour = int(at // HOUR_SECONDS) % 24
    return Context(device, BANDS[hour // HOURS_PER_BAND], country)
