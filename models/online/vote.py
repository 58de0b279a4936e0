"""A vote of classifiers, each corrected for label frequency and weighted by recent performance."""

from collections.abc import Mapping, Sequence
from math import exp

from stream_app.models.features import Features, Label, visible
from stream_app.models.judging.baselines import ClassFrequencies
from stream_app.models.judging.scores import log_loss
from stream_app.models.online.learners import BatchClassifier, Probabilities, normalised
from stream_app.models.online.sample import Sample


class Vote(BatchClassifier):
    """A weighted mean of members' probabilities.

    Weights follow exp(-rate x loss) with fading losses, so that a member that was good long ago does not stay
    ahead (Herbster & Warmuth, 1998, "Tracking the best expert"). All labels have equal weight in the loss,
    however rare. Members see the features that match a pattern in `sees`; () means all.
    """

    def __init__(
        self,
        members: Mapping[str, BatchClassifier],
        rate: float = 0.1,
        fade: float = 0.995,
        sees: tuple[str, ...] = (),
    ) -> None:
        self.members = members
        self.sees = sees
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
        """Update each member's loss, then let it learn."""
        self.predict_then_learn([x], [y])

    def predict_then_learn(self, xs: Sequence[Features], ys: Sequence[Label]) -> list[Probabilities]:
        """Answer and learn in order; each member is queried once, for both its answer and its loss."""
        seen = [visible(x, self.sees) for x in xs]
        answers = {name: member.predict_then_learn(seen, ys) for name, member in self.members.items()}
        given = []
        for place, (x, y) in enumerate(zip(seen, ys, strict=True)):
            one = {name: answer[place] for name, answer in answers.items()}
            given.append(self._mix(one))
            self._charge(one, y)
            self._frequencies.learn_one(x, y)
        return given

    def refresh(self) -> None:
        """Bring every member up to date."""
        for member in self.members.values():
            member.refresh()

    def is_current_at(self, seen: int) -> bool:
        """Whether this holds for every member."""
        return all(member.is_current_at(seen) for member in self.members.values())

    def share(self, sample: Sample) -> None:
        """Let every member use the sample."""
        for member in self.members.values():
            member.share(sample)

    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each example's weighted mean of the members' probabilities."""
        seen = [visible(x, self.sees) for x in xs]
        answers = {name: member.predict_proba_many(seen) for name, member in self.members.items()}
        return [self._mix({name: answers[name][place] for name in answers}) for place in range(len(xs))]

    def contributions_many(self, xs: Sequence[Features], labels: Sequence[Label]) -> list[dict[str, float]]:
        """Return the weighted means of the members' contributions; 0 for features that they do not see."""
        seen, weights = [visible(x, self.sees) for x in xs], self.weights
        parts: list[dict[str, float]] = [dict.fromkeys(x, 0.0) for x in seen]
        for name, member in self.members.items():
            for total, one in zip(parts, member.contributions_many(seen, labels), strict=True):
                for feature, part in one.items():
                    total[feature] += weights[name] * part
        return parts

    def _mix(self, answers: Mapping[str, Probabilities]) -> Probabilities:
        weights = self.weights
        return normalised(
            {
                label: sum(weights[name] * answer.get(label, 0.0) for name, answer in answers.items())
                for label in self._frequencies.counts
            }
        )

    def _charge(self, answers: Mapping[str, Probabilities], label: Label) -> None:
        shares = self._frequencies.shares()
        if label not in shares:
            return
        weight = 1 / (len(shares) * shares[label])
        for name, answer in answers.items():
            self._losses[name] = self.fade * self._losses[name] + weight * log_loss(answer, label)
