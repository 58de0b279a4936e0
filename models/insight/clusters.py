"""Groups of users that behave alike, found online, and what sets each apart."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans

from stream_app.models.features import Columns, Features, Matrix, filled
from stream_app.models.online.sample import Sample

SAME_TRAIT = 0.9  # if two features correlate this much, one is enough to describe a group
WINDOW = re.compile(r"_(5m|1h|24h|7d|30d)$")
TRAITS_TOLD = 5
DEVIATIONS = 3.0  # values further from the mean are clipped: a single outlier is not a cluster


class Trait(NamedTuple):
    """How a cluster's mean of a feature differs from the overall mean, in overall standard deviations."""

    feature: str
    difference: float
    inside: float
    everybody: float


class Cluster(NamedTuple):
    """A group of users of the sample: its size and its distinguishing traits, strongest first."""

    number: int
    users: int
    share: float
    traits: list[Trait]


class UserClusters:
    """Mini-batch k-means (Sculley, 2010) over standardised features, batch by batch.

    Means, deviations, the medians that fill in missing values, and the features themselves are fixed by the
    first `batch` users, so that a centre keeps its meaning. A bounded uniform sample of users is used to
    describe the clusters. The same users in the same order give the same clusters, however they are divided
    into calls.
    """

    def __init__(self, clusters: int = 5, batch: int = 256, sample: int = 5_000, seed: int = 0) -> None:
        self.clusters = clusters
        self.batch = batch
        self.seed = seed
        self.users_seen = 0
        self._waiting: list[Features] = []
        self._described_by = sample
        self._sample = Sample(sample, seed)
        self._is_shared = False
        self._columns = Columns()
        self._missing: NDArray[np.float32] = np.empty(0, dtype=np.float32)
        self._mean: NDArray[np.float64] = np.empty(0)
        self._deviation: NDArray[np.float64] = np.empty(0)
        self._kmeans = MiniBatchKMeans(clusters, random_state=seed, n_init=10, batch_size=batch)
        self._described: dict[int, Cluster] = {}

    @property
    def is_ready(self) -> bool:
        """Whether a first batch was learned."""
        return len(self._columns) > 0

    def share(self, sample: Sample) -> None:
        """Describe clusters by a model's sample, which the model fills."""
        self._sample, self._is_shared = sample, True

    def learn_many(self, xs: Sequence[Features]) -> None:
        """Learn users in order; each batch moves the centres once it is full."""
        for x in xs:
            self.users_seen += 1
            if not self._is_shared:
                self._sample.add(x, None)
            self._waiting.append(x)
            if len(self._waiting) == self.batch:
                self._learn_batch()

    def drop_waiting(self) -> None:
        """Drop the users of an incomplete batch."""
        self._waiting = []

    def learn_waiting(self) -> None:
        """Learn a last, incomplete batch, if it has at least as many users as there are clusters."""
        if len(self._waiting) >= self.clusters:
            self._learn_batch()

    def assign(self, xs: Sequence[Features]) -> list[int | None]:
        """Return each user's cluster, numbered from 0; None before the first batch."""
        if not self.is_ready or not xs:
            return [None] * len(xs)
        numbers: list[int | None] = self._kmeans.predict(self._standardised(xs)).tolist()
        return numbers

    def clusters_of(self, xs: Sequence[Features]) -> list[Cluster | None]:
        """Return each user's cluster as of the last full batch; None before the first."""
        return [None if number is None else self._described.get(number) for number in self.assign(xs)]

    def describe(self, most: int = TRAITS_TOLD) -> list[Cluster]:
        """Return the clusters, largest first, each with its `most` most distinguishing features."""
        if not self.is_ready:
            return []
        names = self._columns.names
        sample = self._sample.view(self.users_seen, self._described_by)
        known = sample.columns.names
        rows = np.full((len(sample.rows), len(names)), np.nan, dtype=np.float32)
        rows[:, self._columns.categorical] = 0.0
        for place, name in enumerate(names):
            if name in known:
                rows[:, place] = sample.rows[:, known.index(name)]
        rows = filled(rows, self._missing)[0]
        numbers = self._kmeans.predict(self._scaled(rows))
        everybody, spread = _moments(rows)
        clusters = []
        for number in range(self.clusters):
            members = rows[numbers == number]
            if not len(members):
                continue
            means = members.mean(axis=0, dtype=np.float64)
            apart = np.divide(means - everybody, spread, out=np.zeros_like(means), where=spread > 0)
            order = _unlike(np.argsort(-np.abs(apart), kind="stable"), rows, names, most)
            traits = [
                Trait(names[place], float(apart[place]), float(means[place]), float(everybody[place]))
                for place in order
                if apart[place]
            ]
            clusters.append(Cluster(number, len(members), len(members) / len(rows), traits))
        return sorted(clusters, key=lambda cluster: (-cluster.users, cluster.number))

    def _learn_batch(self) -> None:
        batch, self._waiting = self._waiting, []
        if not self.is_ready:
            for x in batch:
                self._columns.meet(x)
            if not self.is_ready:
                return
            rows, self._missing = filled(self._columns.rows(batch))
            self._mean, self._deviation = _moments(rows)
        self._kmeans.partial_fit(self._standardised(batch))
        self._described = {cluster.number: cluster for cluster in self.describe()}

    def _standardised(self, xs: Sequence[Features]) -> NDArray[np.float64]:
        return self._scaled(filled(self._columns.rows(xs), self._missing)[0])

    def _scaled(self, rows: Matrix) -> NDArray[np.float64]:
        """Features that did not vary in the first batch have no scale and become 0."""
        apart = rows - self._mean
        scaled = np.divide(apart, self._deviation, out=np.zeros_like(apart), where=self._deviation > 0)
        return np.clip(scaled, -DEVIATIONS, DEVIATIONS)


def _unlike(
    places: Iterable[int] | NDArray[np.int64], rows: Matrix, names: Sequence[str], most: int
) -> list[int]:
    """The first `most` columns, without those that are redundant with an earlier one."""
    chosen: list[int] = []
    for place in map(int, places):
        column = rows[:, place]
        if not column.std() or any(_are_alike(names[place], names[other]) for other in chosen):
            continue
        correlations = (float(np.corrcoef(column, rows[:, other])[0, 1]) for other in chosen)
        if all(abs(correlation) < SAME_TRAIT for correlation in correlations):
            chosen.append(place)
            if len(chosen) == most:
                break
    return chosen


def _are_alike(name: str, other: str) -> bool:
    """Whether two features are the same statistic over different windows."""
    return WINDOW.sub("", name) == WINDOW.sub("", other)


def _moments(rows: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each column's mean and deviation; a deviation within the error of float32 is 0."""
    mean = rows.mean(axis=0, dtype=np.float64)
    deviation = rows.std(axis=0, dtype=np.float64)
    return mean, np.where(deviation > 1e-6 * np.abs(mean), deviation, 0.0)
