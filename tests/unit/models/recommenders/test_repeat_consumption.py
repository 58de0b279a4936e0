import math

import pytest

from stream_app.models.recommenders.repeat_consumption import (
    FEATURES,
    Parts,
    RepeatConsumption,
    RepeatConsumptionSettings,
    RepeatConsumptionState,
    situation_of,
)

CURRENT, EARLIER, NEW = Parts(1, 0, 0), Parts(0, 1, 0), Parts(0, 0, 1)
PLAIN = [1.0, *[0.0] * (FEATURES - 1)]
REPEATED = [1.0, 1.0, *[0.0] * (FEATURES - 2)]


def corrected(model: RepeatConsumption, situation: list[float], expected: Parts) -> list[float]:
    current, earlier = model.factors(situation)
    parts = [expected.current * current, expected.earlier * earlier, expected.new]
    return [part / sum(parts) for part in parts]


def test_what_has_learned_nothing_corrects_nothing():
    assert RepeatConsumption().factors(PLAIN) == (1.0, 1.0)


def test_expectations_come_to_match_what_is_clicked_in_each_situation():
    model = RepeatConsumption()
    expected = Parts(0.2, 0.2, 0.6)
    for turn in range(4_000):
        model.learn(PLAIN, expected, (NEW, NEW, EARLIER, CURRENT)[turn % 4])
        model.learn(REPEATED, expected, (CURRENT, CURRENT, CURRENT, NEW)[turn % 4])
    assert corrected(model, PLAIN, expected) == pytest.approx([0.25, 0.25, 0.5], abs=0.05)
    assert corrected(model, REPEATED, expected) == pytest.approx([0.75, 0.0, 0.25], abs=0.05)


def test_a_correction_is_bounded():
    model = RepeatConsumption(RepeatConsumptionSettings(step=5.0, most=2.0))
    for _ in range(200):
        model.learn(PLAIN, Parts(0.01, 0.01, 0.98), CURRENT)
    assert model.factors(PLAIN)[0] == pytest.approx(math.exp(2.0))
    for _ in range(2_000):
        model.learn(PLAIN, Parts(0.98, 0.01, 0.01), NEW)
    assert model.factors(PLAIN)[0] == pytest.approx(math.exp(-2.0))


def test_a_restored_model_goes_on_as_the_first():
    one, other = RepeatConsumption(), RepeatConsumption()
    one.learn(REPEATED, Parts(0.3, 0.3, 0.4), CURRENT)
    other.restore(one.to_state())
    for model in (one, other):
        model.learn(PLAIN, Parts(0.3, 0.3, 0.4), EARLIER)
    assert other.factors(REPEATED) == one.factors(REPEATED) != (1.0, 1.0)


def test_a_state_with_other_features_is_refused():
    with pytest.raises(ValueError, match="8 weights"):
        RepeatConsumption().restore(RepeatConsumptionState([[0.0]], [[0.0]]))


def test_a_situation_tells_how_the_session_has_gone_so_far(index):
    from stream_app.models.recommenders.item_sums import ItemSums
    from stream_app.models.recommenders.session_view import SessionView

    numbers = index.numbers_of(list("abb"))
    one, clicks, distinct, count, _, repeated, first, single = situation_of(
        SessionView(index, numbers, ItemSums(index.limits.items + 1))
    )
    assert (one, repeated, first, single) == (1, 1, 0, 0)
    assert (clicks, distinct, count) == pytest.approx((math.log(3), math.log(2), math.log(2)))
