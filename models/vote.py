"""A vote of classifiers, each corrected for how rare the labels are and weighed by how well it has done."""

from collections.abc import Mapping, Sequence
from math import exp

from models.baselines import ClassFrequencies
from models.features import Features, Label
from models.learners import BatchClassifier, Probabilities, normalised
from models.scores import log_loss


class Vote(BatchClassifier):
    """A weighted mean of members' probabilities.

    Weights follow exp(-rate x loss) with losses that fade, so that a member which was good long ago does
    not stay ahead (Herbster & Warmuth, 1998, "Tracking the best expert"). Each label's losses count
    alike, however rare it is.
    """

    def __init__(
        self, members: Mapping[str, BatchClassifier], rate: float = 0.1, fade: float = 0.995
    ) -> None:
        self.members = members
        self.rate = rate
        self.fade = fade
        self._losses = dict.fromkeys(members, 0.0)
        self._frequencies = ClassFrequencies()

    @property
    def weights(self) -> dict[str, float]:
        """Return each member's share of the vote."""
        least = min(self._losses.values())
        raw = {name: exp(-self.rate * (loss - least)) for name, loss in self._losses.items()}
        total = sum(raw.values())
        return {name: weight / total for name, weight in raw.items()}

    def learn_one(self, x: Features, y: Label) -> None:
        """Charge each member for its answer, then let it learn."""
        shares = self._frequencies.shares()
        for name, member in self.members.items():
            if y in shares:
                weight = 1 / (len(shares) * shares[y])
                charge = weight * log_loss(member.predict_proba_one(x), y)
                self._losses[name] = self.fade * self._losses[name] + charge
            member.learn_one(x, y)
        self._frequencies.learn_one(x, y)

    def refresh(self) -> None:
        """Bring every member up to date."""
        for member in self.members.values():
            member.refresh()

    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each example's weighted mean of the members' probabilities."""
        answers = {name: member.predict_proba_many(xs) for name, member in self.members.items()}
        labels, weights = list(self._frequencies.counts), self.weights
        return [
            normalised(
                {label: sum(weights[n] * answers[n][i].get(label, 0.0) for n in answers) for label in labels}
            )
            for i in range(len(xs))
        ]
