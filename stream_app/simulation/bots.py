"""Automatic visitors: bursts of pages at rates that no person reaches, from data centres."""

from collections.abc import Iterator

import numpy as np

from stream_app.simulation.catalogue import Catalogue
from stream_app.simulation.devices import BOT_AGENTS
from stream_app.simulation.population import format_uuid
from stream_app.simulation.settings import DAY_MS
from stream_app.simulation.visits import Happening, Visitor

LONGEST_CRAWL = 240


def draw_crawls(
    catalogue: Catalogue, events: int, day: int, draw: np.random.Generator
) -> Iterator[tuple[int, list[Happening]]]:
    """Crawls of a day with `events` page views in all, as (start in ms, happenings) in order of start."""
    day_ms = catalogue.settings.start_ms + day * DAY_MS
    on_sale = np.flatnonzero(catalogue.released_on <= day)
    lengths: list[int] = []
    while sum(lengths) < events:
        lengths.append(min(int(draw.integers(60, LONGEST_CRAWL)), events - sum(lengths)))
    starts = np.sort(draw.integers(0, DAY_MS, len(lengths)))
    for start, length in zip(starts.tolist(), lengths, strict=True):
        visitor = Visitor(
            user=-1,
            user_id=None,
            anonymous_id=format_uuid(draw.bytes(16).hex()),
            context={
                "ip": f"203.0.113.{draw.integers(1, 255)}",
                "userAgent": BOT_AGENTS[draw.integers(len(BOT_AGENTS))],
                "locale": "en-US",
            },
            start_ms=day_ms + start,
            is_bot=True,
            latency_ms=15,
        )
        pauses = draw.integers(80, 1_200, length).cumsum().tolist()
        items = draw.choice(on_sale, length).tolist()
        yield (
            visitor.start_ms,
            [
                Happening(visitor.start_ms + pause, "page", visitor, False, catalogue.pages[item], "", item)
                for pause, item in zip(pauses, items, strict=True)
            ],
        )
