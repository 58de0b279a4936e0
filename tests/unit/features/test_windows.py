from random import Random

import pytest

from stream_app.features import windows
from stream_app.features.distinct import estimate_distinct
from stream_app.features.windows import WINDOWS, Sums, Tiles

NAMES = [window.name for window in WINDOWS]
NOTHING = Sums(*[0] * len(Sums._fields))
Addition = tuple[float, Sums]


def add_randomly(random: Random, tiles: list[Tiles], at: float, latest: float) -> Sums:
    """Add one thing of any kind, and say what it comes to."""
    amount = random.randrange(1, 50) / 4
    match random.randrange(5):
        case 0:
            windows.add_purchase(tiles, at, latest, amount)
            return NOTHING._replace(
                purchases=1, revenue=amount, smallest_purchase=amount, largest_purchase=amount
            )
        case 1:
            windows.add_session(tiles, at, latest, amount)
            return NOTHING._replace(
                sessions=1, duration=amount, shortest_session=amount, longest_session=amount
            )
        case 2:
            windows.add_page_views(tiles, at, latest, 3)
            return NOTHING._replace(page_views=3)
        case kind:
            page_bit, item_bit = (1 << random.randrange(64) if random.random() < 0.7 else 0 for _ in range(2))
            windows.add_event(tiles, at, latest, kind == 3, page_bit, item_bit)
            one = NOTHING._replace(events=1, distinct_pages=page_bit, distinct_items=item_bit)
            return one._replace(page_views=1) if kind == 3 else one._replace(actions=1)


def sum_of_covered(added: list[Addition], window: windows.Window, at: float) -> Sums | None:
    newest = at // window.hop
    covered = [
        one for happened_at, one in added if newest - window.tile_count <= happened_at // window.hop <= newest
    ]
    if not covered:
        return None
    columns = Sums(*zip(*covered, strict=True))
    sessions, purchases = [[one for one in covered if one[kind]] for kind in (3, 4)]
    pages = items = 0
    for one in covered:
        pages, items = pages | one.distinct_pages, items | one.distinct_items
    return Sums(  # type: ignore[call-arg]
        *(sum(column) for column in columns[:7]),  # type: ignore[call-overload]
        min((one.shortest_session for one in sessions), default=0),
        max((one.longest_session for one in sessions), default=0),
        min((one.smallest_purchase for one in purchases), default=0),
        max((one.largest_purchase for one in purchases), default=0),
        estimate_distinct(pages),
        estimate_distinct(items),
    )


@pytest.mark.parametrize("index", range(len(WINDOWS)), ids=NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_reads_are_the_sums_of_all_that_was_added(index: int, seed: int) -> None:
    random, window = Random(seed), WINDOWS[index]
    tiles, added, latest, now = windows.new_tiles(), [], 0.0, 1.7e9
    for _ in range(600):
        now += random.choice([0, random.expovariate(8 / window.hop), random.uniform(0, window.span / 3)])
        at = now - random.choice([0, 0, random.uniform(0, 2 * window.span)])
        latest = max(latest, at)
        added.append((at, add_randomly(random, tiles, at, latest)))
        read_at = latest + random.choice([0, random.uniform(0, 2 * window.span)])
        assert windows.read(tiles, index, read_at) == sum_of_covered(added, window, read_at)
        assert all(len(kept) <= known.tile_count + 1 for kept, known in zip(tiles, WINDOWS, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_merged_tiles_read_as_if_one_user_had_done_it_all(seed: int) -> None:
    random = Random(seed)
    tiles, other, added, at = windows.new_tiles(), windows.new_tiles(), [], 1.7e9
    for _ in range(80):
        at += random.uniform(0, 7_200)
        added.append((at, add_randomly(random, random.choice([tiles, other]), at, at)))
    windows.merge(tiles, other)
    for index, window in enumerate(WINDOWS):
        assert windows.read(tiles, index, at) == sum_of_covered(added, window, at)


@pytest.mark.parametrize("seed", range(5))
def test_pruning_drops_what_cannot_be_read_and_nothing_else(seed: int) -> None:
    random, tiles, at = Random(seed), windows.new_tiles(), 1.7e9
    for _ in range(60):
        add_randomly(random, tiles, at - random.uniform(0, 40 * 86_400), at - 40 * 86_400)
    before = [windows.read(tiles, index, at) for index in range(len(WINDOWS))]
    windows.prune(tiles, at)
    assert [windows.read(tiles, index, at) for index in range(len(WINDOWS))] == before
    for window, level in zip(WINDOWS, tiles, strict=True):
        assert all(at // window.hop - window.tile_count <= tile for tile in level)


def viewed(at: float) -> list[Tiles]:
    tiles = windows.new_tiles()
    windows.add_event(tiles, at, at, True, 0, 0)
    return tiles


@pytest.mark.parametrize("index", range(len(WINDOWS)), ids=NAMES)
@pytest.mark.parametrize("into_tile", [0.0, 0.5, 0.999])
def test_a_window_covers_its_span_and_less_than_a_hop_more(index: int, into_tile: float) -> None:
    window = WINDOWS[index]
    at = 1e6 * window.hop + into_tile * window.hop
    tiles = viewed(at)
    assert windows.read(tiles, index, at + window.span).events == 1
    assert windows.read(tiles, index, at + window.span + window.hop) is None


@pytest.mark.parametrize("window", WINDOWS, ids=NAMES)
def test_spans_are_whole_numbers_of_hops(window: windows.Window) -> None:
    assert window.tile_count * window.hop == window.span


def test_what_lies_ahead_of_the_reading_is_not_read() -> None:
    assert windows.read(viewed(2e9), 0, 2e9 - 600) is None
