"""River's nearest neighbours and naive Bayes, smoothed so that a few examples never give certainty."""

from collections.abc import Mapping, Sequence
from math import log, tau
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import naive_bayes, neighbors

from stream_app.models.features import Label
from stream_app.models.online.learners import Probabilities

PRIOR_NEIGHBOURS = 1.0
PRIOR_EXAMPLES = 5.0
SAME = 1e-9  # smaller squared distances are rounding errors
LATER = 1e-12  # of two at the same distance, the one learned first counts as nearer


class SmoothedNeighbours(neighbors.KNNClassifier):  # type: ignore[misc]  # River ships no types
    """Neighbours weighted by nearness, plus a neutral one that has every label by its overall share.

    River returns only the label of the oldest exact duplicate. Here duplicates count like other neighbours,
    and if there are more than `n_neighbors` of them, all count.
    """

    def __init__(self, n_neighbors: int = 15, window: int = 300) -> None:
        super().__init__(n_neighbors=n_neighbors, engine=neighbors.LazySearch(window_size=window))
        self.window = window
        self._counts: dict[Label, int] = {}

    # The window as an array of these columns, cached until more is learned.
    _columns: tuple[str, ...] = ()
    _rows: NDArray[np.float64] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: held for name, held in vars(self).items() if name not in {"_columns", "_rows"}}

    def learn_one(self, x: dict[str, float], y: Label) -> None:
        """Add the example to the window."""
        self._counts[y] = self._counts.get(y, 0) + 1
        self._rows = None
        super().learn_one(x, y)

    def predict_proba_one(self, x: dict[str, float], **_: Any) -> Probabilities:
        """Return the probability of each label seen so far."""
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

    def chances_on_the_way(
        self, unknown: Mapping[str, float], known: Mapping[str, float], order: Sequence[str], label: Label
    ) -> NDArray[np.float64]:
        """Return the probability of `label` as `known` replaces `unknown`, one name at a time.

        (len(order) + 1,), as `predict_proba_one` answers. Each name changes squared distances by its own
        part, so one pass over the window serves all steps.
        """
        rows, columns = self._window_as_rows(tuple(unknown))
        if not len(rows):
            return np.zeros(len(order) + 1)
        places = [columns.index(name) for name in order]
        before = np.array([unknown[name] for name in order])
        after = np.array([known[name] for name in order])
        start = ((rows - np.array([unknown[name] for name in columns])) ** 2).sum(axis=1)
        told = rows[:, places]
        squares = np.vstack([start, ((told - after) ** 2 - (told - before) ** 2).T]).cumsum(axis=0)
        squares[squares < SAME] = 0.0
        return self._chances(np.sqrt(squares), label)

    def _chances(self, distances: NDArray[np.float64], label: Label) -> NDArray[np.float64]:
        count = min(self.n_neighbors, distances.shape[1])
        has_label = np.array([item[0][1] == label for item in self._nn.window])
        ranked = distances + LATER * np.arange(distances.shape[1])
        found = np.argpartition(ranked, count - 1, axis=1)[:, :count]
        near = np.take_along_axis(distances, found, axis=1)
        usual = near.mean(axis=1, keepdims=True)
        weights = 1.0 / np.where(usual > 0, near + usual / 2, 1.0)
        votes = (weights * has_label[found]).sum(axis=1) / weights.mean(axis=1)
        is_same = distances == 0.0
        crowded = usual[:, 0] == 0.0  # all duplicates count, however many there are
        counts = np.where(crowded, is_same.sum(axis=1), count)
        votes = np.where(crowded, (is_same & has_label).sum(axis=1), votes)
        usually = self._counts.get(label, 0) / sum(self._counts.values())
        chances: NDArray[np.float64] = (PRIOR_NEIGHBOURS * usually + votes) / (PRIOR_NEIGHBOURS + counts)
        return chances

    def _window_as_rows(self, columns: tuple[str, ...]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        if self._rows is None or self._columns != columns:
            rows = [[item[0][0].get(name, 0.0) for name in columns] for item in self._nn.window]
            self._rows, self._columns = np.array(rows).reshape(len(rows), len(columns)), columns
        return self._rows, columns


class SmoothedBayes(naive_bayes.GaussianNB):  # type: ignore[misc]
    """Gaussian naive Bayes for standardised numbers, with a few typical examples added to each class.

    If a feature is constant within a class, River gives the class the minimum density, even at that value.
    Here a variance is never 0, because it includes `PRIOR_EXAMPLES` at the class's mean with variance 1
    (Murphy, 2007, "Conjugate Bayesian analysis of the Gaussian distribution").
    """

    # By label and feature: mean, variance and log(tau x variance), cached until more of the label is learned.
    _densities: dict[Label, dict[str, tuple[float, float, float]]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: held for name, held in vars(self).items() if name != "_densities"}

    def learn_one(self, x: dict[str, float], y: Label) -> None:
        """Learn one labelled example."""
        if self._densities is not None:
            self._densities.pop(y, None)
        super().learn_one(x, y)

    def joint_log_likelihood(self, x: dict[str, float]) -> dict[Label, float]:
        """Return each label's log probability together with the example."""
        return {label: self._log_joint(label, x) for label in self.class_counts}

    def log_density(self, label: Label, name: str, value: float) -> float:
        """Return the log density of a feature's value among a label's examples."""
        mean, variance, spread = self._density(label, name)
        return -(spread + (value - mean) ** 2 / variance) / 2

    def _log_joint(self, label: Label, x: dict[str, float]) -> float:
        joint = log(self.p_class(label))
        for name, value in x.items():
            mean, variance, spread = self._density(label, name)
            joint -= (spread + (value - mean) ** 2 / variance) / 2
        return joint

    def _density(self, label: Label, name: str) -> tuple[float, float, float]:
        if self._densities is None:
            self._densities = {}
        of_label = self._densities.setdefault(label, {})
        if (density := of_label.get(name)) is None:
            gaussian = self.gaussians[label].get(name) if label in self.gaussians else None
            count, mean, deviation = 0, 0.0, 0.0
            if gaussian is not None and gaussian.n_samples:
                count, mean, deviation = gaussian.n_samples, gaussian.mu, gaussian.sigma
            squares = count * deviation**2
            variance = (squares + PRIOR_EXAMPLES) / (count + PRIOR_EXAMPLES)
            density = of_label[name] = (mean, variance, log(tau * variance))
        return density
