import numpy as np
import pytest

from stream_app.models.recommenders.source_weights import SourceWeights, SourceWeightsSettings


def test_weights_approach_the_proportions_of_the_mixture():
    draw = np.random.default_rng(5)
    sources = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    proportions = np.array([0.8, 0.2])
    weights = SourceWeights(2, 2, SourceWeightsSettings(prior_observations=2))
    for outcome in draw.choice(3, size=6_000, p=proportions @ sources):
        weights.learn(1, sources[:, outcome])
    assert weights.proportions[1] == pytest.approx(proportions, abs=0.05)
    assert weights.proportions[0].tolist() == [0.5, 0.5]


def test_weights_stay_proportions():
    weights = SourceWeights(1, 3)
    for likelihoods in ([0.5, 0.0, 0.0], [0.0, 0.1, 1.0], [0.0, 0.0, 0.0]):
        weights.learn(0, np.array(likelihoods))
    assert weights.proportions[0].sum() == pytest.approx(1)
    assert weights.observations == [2]


def test_a_state_of_other_sources_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        SourceWeights(1, 3).restore(SourceWeights(1, 2).to_state())
