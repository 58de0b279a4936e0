import numpy as np
import pytest

from stream_app.models.content.prior_strength import DEFAULT, LEAST_CASES, MOST, PriorStrength


@pytest.mark.parametrize("true_strength", [4.0, 15.0, 60.0])
def test_the_strength_of_a_beta_distribution_is_found(true_strength: float) -> None:
    draw = np.random.default_rng(5)
    prior = PriorStrength()
    expected = draw.uniform(0.2, 0.8, 6_000)
    shares = draw.beta(expected * true_strength, (1 - expected) * true_strength)
    observed = draw.binomial(10, shares) / 10
    for mean, share in zip(expected.tolist(), observed.tolist(), strict=True):
        prior.learn(mean, share, 10)
    assert prior.starters == pytest.approx(true_strength, rel=0.45)


def test_expectations_that_come_true_to_the_noise_outweigh_some_starters() -> None:
    draw = np.random.default_rng(5)
    prior = PriorStrength()
    for share in (draw.binomial(10, 0.3, 3_000) / 10).tolist():
        prior.learn(0.3, share, 10)
    assert 100 < prior.starters <= MOST
    assert prior.join(0.3, 5, 5) < 0.35


def test_few_cases_say_nothing_yet() -> None:
    prior = PriorStrength()
    for _ in range(int(LEAST_CASES) - 1):
        prior.learn(0.9, 0.1, 10)
    assert prior.starters == DEFAULT
    assert prior.join(0.5, 0, 0) == 0.5
    assert prior.join(0.5, 20, 20) == pytest.approx(0.75)
