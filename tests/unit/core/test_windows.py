from random import Random

import pytest

from stream_app.core import windows
from stream_app.core.windows import WINDOWS, Measures

NAMES = [window.name for window in WINDOWS]


def sum_of_covered(events: list[tuple[float, Measures]], window: windows.Window, at: float) -> Measures:
    newest = at // window.hop
    covered = [
        measures
        for happened_at, measures in events
        if newest - window.span / window.hop <= happened_at // window.hop <= newest
    ]
    return Measures(*(sum(column) for column in zip(*covered, strict=True))) if covered else Measures()


@pytest.mark.parametrize("index", range(len(WINDOWS)), ids=NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_reads_are_the_sums_of_all_events_kept(index: int, seed: int) -> None:
    random, window = Random(seed), WINDOWS[index]
    tiles, events, latest, now = windows.new_tiles(), [], 0.0, 1.7e9
    for _ in range(600):
        now += random.choice([0, random.expovariate(8 / window.hop), random.uniform(0, window.span / 3)])
        at = now - random.choice([0, 0, random.uniform(0, 2 * window.span)])
        measures = Measures(1, random.randrange(3), 0, random.randrange(2), 0, random.randrange(50), 0.25)
        latest = max(latest, at)
        windows.add(tiles, measures, at, latest)
        events.append((at, measures))
        read_at = latest + random.choice([0, random.uniform(0, 2 * window.span)])
        assert windows.read(tiles, index, read_at) == sum_of_covered(events, window, read_at)
        assert all(len(kept) <= known.tile_count + 1 for kept, known in zip(tiles, WINDOWS, strict=True))


@pytest.mark.parametrize("index", range(len(WINDOWS)), ids=NAMES)
@pytest.mark.parametrize("into_tile", [0.0, 0.5, 0.999])
def test_a_window_covers_its_span_and_less_than_a_hop_more(index: int, into_tile: float) -> None:
    window = WINDOWS[index]
    at = 1e6 * window.hop + into_tile * window.hop
    tiles = windows.new_tiles()
    windows.add(tiles, Measures(events=1), at, at)
    assert windows.read(tiles, index, at + window.span).events == 1
    assert windows.read(tiles, index, at + window.span + window.hop).events == 0


@pytest.mark.parametrize("window", WINDOWS, ids=NAMES)
def test_spans_are_whole_numbers_of_hops(window: windows.Window) -> None:
    assert window.tile_count * window.hop == window.span


def test_what_lies_ahead_of_the_reading_is_not_read() -> None:
    tiles = windows.new_tiles()
    windows.add(tiles, Measures(events=1), 2e9, 2e9)
    assert windows.read(tiles, 0, 2e9 - 600).events == 0
