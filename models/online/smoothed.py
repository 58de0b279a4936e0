"""River's nearest neighbours and naive Bayes without certainties that a few examples cannot give."""

from math import log, tau
from typing import Any

from river import naive_bayes, neighbors

from stream_app.models.features import Label
from stream_app.models.online.learners import Probabilities

PRIOR_NEIGHBOURS = 1.0
PRIOR_EXAMPLES = 5.0


class SmoothedNeighbours(neighbors.KNNClassifier):  # type: ignore[misc]  # River ships no types
    """Neighbours weighed by their nearness, beside one more that has every label by its share of all.

    River answers with the label of the oldest exact duplicate alone, whatever all the others' are. Here
    duplicates count like other neighbours, and where there are more than `n_neighbors` of them, all do.
    """

    def __init__(self, n_neighbors: int = 15, window: int = 300) -> None:
        super().__init__(n_neighbors=n_neighbors, engine=neighbors.LazySearch(window_size=window))
        self.window = window
        self._counts: dict[Label, int] = {}

    def learn_one(self, x: dict[str, float], y: Label) -> None:
        """Take the example into the window."""
        self._counts[y] = self._counts.get(y, 0) + 1
        super().learn_one(x, y)

    def predict_proba_one(self, x: dict[str, float], **_: Any) -> Probabilities:
        """Return the probability of each label met so far."""
        found, distances = self._nn.search((x, None), n_neighbors=self.n_neighbors)
        if not found:
            return {}
        if not distances[-1]:
            found, distances = self._nn.search((x, None), n_neighbors=self.window)
            found = [near for near, distance in zip(found, distances, strict=True) if not distance]
            distances = [0.0] * len(found)
        usual = sum(distances) / len(distances)
        weights = [1.0 / (distance + usual / 2) if usual else 1.0 for distance in distances]
        unit = sum(weights) / len(weights)
        total = sum(self._counts.values())
        beliefs = {label: PRIOR_NEIGHBOURS * count / total for label, count in self._counts.items()}
        for (_, label), weight in zip(found, weights, strict=True):
            beliefs[label] += weight / unit
        return {label: belief / (PRIOR_NEIGHBOURS + len(found)) for label, belief in beliefs.items()}


class SmoothedBayes(naive_bayes.GaussianNB):  # type: ignore[misc]
    """Gaussian naive Bayes for standardised numbers; to each class's own examples come a few usual ones.

    River gives a class the least density there is for a feature that is constant within it, even at that
    very value. Here a variance is never 0: it counts `PRIOR_EXAMPLES` at the class's mean with variance 1
    (Murphy, 2007, "Conjugate Bayesian analysis of the Gaussian distribution").
    """

    def joint_log_likelihood(self, x: dict[str, float]) -> dict[Label, float]:
        """Return each label's log probability together with the example."""
        return {label: self._log_joint(label, x) for label in self.class_counts}

    def _log_joint(self, label: Label, x: dict[str, float]) -> float:
        known = self.gaussians.get(label, {})
        joint = log(self.p_class(label))
        for name, value in x.items():
            gaussian = known.get(name)
            count = gaussian.n_samples if gaussian is not None else 0
            mean = gaussian.mu if count else 0.0
            squares = count * gaussian.sigma**2 if count else 0.0
            variance = (squares + PRIOR_EXAMPLES) / (count + PRIOR_EXAMPLES)
            joint -= (log(tau * variance) + (value - mean) ** 2 / variance) / 2
        return joint
