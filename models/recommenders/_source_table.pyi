from collections.abc import Collection
from typing import Any

from stream_app.models.recommenders.types import FloatArray

REVISION: int

class SourceTable:
    def __new__(
        cls,
        arrays: tuple[Any, ...],
        postings: list[Any],
        posting_ends: list[int],
        most_postings: int,
        nearest_clicks: int,
        most_neighbours: int,
        matched_items: int,
        match_decay: float,
        rule_clicks: int,
        walk_clicks: int,
        walk_width: int,
        /,
    ) -> SourceTable: ...
    def expect(
        self,
        latest: list[int],
        first_click: int,
        live_sessions: int,
        leaders: list[int],
        leader_weights: list[float],
        /,
    ) -> None: ...
    def mix(self, weights: FloatArray, /) -> None: ...
    def parts(self) -> tuple[float, float, float]: ...
    def correct(self, current: float, earlier: float, /) -> None: ...
    def expected(self, number: int, /) -> list[float]: ...
    def leading(
        self, most: int, left_out: Collection[int], /
    ) -> tuple[list[int], list[float], list[int]]: ...
    def leading_of(self, source: int, most: int, /) -> list[int]: ...
