"""What one slot on a site or in an e-mail may show."""

from dataclasses import dataclass
from enum import StrEnum

from stream_app.models.recommenders.diversity import NO_CAPS, GroupCaps


class Exclusion(StrEnum):
    """What a list may exclude: by the user's history, by the catalogue, or the current item."""

    BOUGHT = "bought"
    CONSUMED = "consumed"
    UNAVAILABLE = "unavailable"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class SurfaceRules:
    """Settings of a surface.

    By default the current item is not excluded: in real data a quarter of next clicks return to it. `caps`
    bound a list's items per category and brand; `exploration` is the share of lists whose last place is
    drawn. Without `factorisation`, users' tastes are not learned, which would cost more than everything else.
    """

    exclude: frozenset[Exclusion] = frozenset({Exclusion.BOUGHT, Exclusion.UNAVAILABLE})
    caps: GroupCaps = NO_CAPS
    exploration: float = 0.0
    offers_per_source: int = 3
    factorisation: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.exploration <= 1:
            raise ValueError(f"exploration is a share from 0 to 1, not {self.exploration}")
        if self.offers_per_source < 1:
            raise ValueError(f"a source must offer one item at least, not {self.offers_per_source}")
        if any(cap is not None and cap < 1 for cap in self.caps):
            raise ValueError(f"caps must let one item through: {self.caps}")
