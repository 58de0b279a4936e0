import numpy as np
import pytest
from scipy.stats import ks_2samp

from stream_app.models.online.drift import (
    MOST_REPORTED,
    DriftMonitor,
    FeatureDrift,
    LossDrift,
    change_point,
    ks_distance,
)


def features(random, count, shift=0.0, share=0.3):
    """Twelve features of all kinds of shape; `shift` moves one of them, `share` is a category's."""
    for _ in range(count):
        x = {f"normal_{n}": random.normal() for n in range(6)}
        x |= {f"heavy_{n}": random.pareto(1.1) for n in range(3)} | {"count": float(random.poisson(0.2))}
        x["moved"] = random.normal() + shift
        x["kind"] = "a" if random.random() < share else "b"
        if random.random() < 0.3:
            del x["normal_5"]
        yield x


def test_the_distance_is_scipys():
    random = np.random.default_rng(0)
    for _ in range(20):
        first = random.poisson(1.0, random.integers(5, 60)).astype(np.float32)
        second = random.normal(1, 1, random.integers(5, 60)).astype(np.float32)
        assert ks_distance(first, second) == pytest.approx(ks_2samp(first, second).statistic)


def test_the_change_point_leaves_least_variance_within_the_parts():
    random = np.random.default_rng(5)
    for _ in range(20):
        values = random.random(random.integers(2, 40))
        within = [values[:k].var() * k + values[k:].var() * (len(values) - k) for k in range(1, len(values))]
        assert within[change_point(values) - 1] == pytest.approx(min(within))


def test_stationary_streams_raise_hardly_an_alarm():
    """Sixty streams of twelve features, heavy tails among them, and of losses that do not change."""
    alarms = {"feature": 0, "loss": 0}
    for seed in range(60):
        random = np.random.default_rng(seed)
        monitor = DriftMonitor(features=FeatureDrift(window=100, least_distance=0.0))
        for x in features(random, 800):
            monitor.update(x, float(random.random() < 0.2))
        for kind in alarms:
            alarms[kind] += bool(monitor.counts[kind])
    assert alarms["feature"] <= 2
    assert alarms["loss"] <= 2


def test_a_feature_that_moves_is_named_and_dated():
    random = np.random.default_rng(1)
    monitor = DriftMonitor(features=FeatureDrift(window=200))
    for x in [*features(random, 1_000), *features(random, 600, shift=1.5)]:
        monitor.update(x, None)
    found = monitor.reports[0]
    assert [report.what for report in monitor.reports] == ["moved"]
    assert (found.kind, found.since, found.found_at) == ("feature", 1_000, 1_200)
    assert found.before == pytest.approx(0.0, abs=0.3)
    assert found.after == pytest.approx(1.5, abs=0.3)


def test_a_category_that_grows_is_named():
    random = np.random.default_rng(2)
    monitor = DriftMonitor()
    for x in [*features(random, 500), *features(random, 500, share=0.8)]:
        monitor.update(x, None)
    assert {report.what for report in monitor.reports} == {"kind=a", "kind=b"}


def test_a_category_never_met_before_is_no_drift_while_it_is_rare():
    monitor = DriftMonitor()
    for number in range(1_500):
        monitor.update({"kind": "new" if number > 600 and number % 20 == 0 else "old"}, None)
    assert monitor.reports == []
    for _ in range(250):
        monitor.update({"kind": "new"}, None)
    assert {report.what for report in monitor.reports} == {"kind=old", "kind=new"}


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_rises_is_found_soon_and_dated(seed):
    random = np.random.default_rng(seed)
    watch = LossDrift()
    found = [
        one for n in range(2_000) if (one := watch.update(float(random.random() < (0.1, 0.4)[n >= 1_000])))
    ]
    assert len(found) == 1
    assert 1_000 < found[0].found_at < 1_250
    assert abs(found[0].since - 1_000) < 60
    assert found[0].before < 0.2 < found[0].after


def test_a_loss_that_falls_is_no_drift():
    random = np.random.default_rng(3)
    watch = LossDrift()
    assert not any(watch.update(float(random.random() < (0.6, 0.1)[n >= 500])) for n in range(1_500))


def test_reports_are_counted_by_the_models_examples_and_bounded():
    monitor = DriftMonitor(features=FeatureDrift(window=20))
    for number in range(40 * 80):
        monitor.update({"swings": float(number // 20 % 2)}, None)
    assert len(monitor.reports) == MOST_REPORTED
    assert monitor.counts["feature"] > MOST_REPORTED
    assert monitor.reports[-1].found_at == 40 * 80


def test_examples_before_the_model_answers_are_counted_with():
    random = np.random.default_rng(4)
    monitor = DriftMonitor()
    for number in range(2_500):
        loss = float(random.random() < (0.1, 0.5)[number >= 1_500])
        monitor.update({}, loss if number >= 500 else None)
    assert abs(monitor.reports[0].since - 1_500) < 60
