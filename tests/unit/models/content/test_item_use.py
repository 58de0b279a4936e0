from random import Random

import pytest

from stream_app.models.content.item_use import DAY_SECONDS, MONTH, WEEK, FadingSums, ItemUses, Start


def starts(count: int, seed: int = 1) -> list[Start]:
    random = Random(seed)
    return [
        Start(
            "a", random.uniform(0, 90) * DAY_SECONDS, random.random() < 0.4, random.randrange(1, 5),
            random.random() < 0.2, {},
        )
        for _ in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("half_life", [WEEK, MONTH])
def test_sums_fade_by_the_starts_own_times_whatever_their_order(half_life: float) -> None:
    given, sums = starts(200), FadingSums(half_life)
    for start in given:
        sums.add(start)
    at = 100 * DAY_SECONDS
    weights = [0.5 ** ((at - start.started_at) / half_life) for start in given]
    scale = sums.faded(at)
    assert scale * sums.starters == pytest.approx(sum(weights))
    for name, values in (
        ("completers", [start.is_completed for start in given]),
        ("uses", [start.uses for start in given]),
        ("returners", [start.has_returned for start in given]),
    ):
        expected = sum(weight * value for weight, value in zip(weights, values, strict=True))
        assert scale * getattr(sums, name) == pytest.approx(expected)


def test_features_tell_of_use_and_never_of_completions() -> None:
    uses = ItemUses(5)
    for is_completed in (False, True):
        for start in starts(40):
            use = uses.touch(str(is_completed))
            use.described = {"lessons": 4.0}
            use.add(start._replace(is_completed=is_completed))
    at = 100 * DAY_SECONDS
    never, always = (uses.touch(str(is_completed)) for is_completed in (False, True))
    assert never.features(at) == always.features(at)
    assert never.features(at)["lessons"] == 4.0
    assert (never.rate, always.rate) == ((0, 40), (40, 40))
    assert 1 < float(never.features(at)["uses_per_starter"]) < 4
    assert ItemUses(1).touch("new").features(at) == {"starters_week": 0.0, "starters_month": 0.0}


def test_the_item_started_longest_ago_makes_room() -> None:
    uses = ItemUses(2)
    for item in ("a", "b", "a", "c"):
        uses.touch(item)
    assert list(uses.all()) == ["a", "c"]
    assert uses.get("b") is None
