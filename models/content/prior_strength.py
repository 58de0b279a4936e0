"""How many starters a prediction is worth, learned from how accurate predictions were."""

DEFAULT = 20.0
LEAST, MOST = 1.0, 500.0
LEAST_CASES = 30.0
HALF_LIFE = 500  # cases


class PriorStrength:
    """The weight m, in starters, of a predicted share p when it is combined with k completers among n.

    The combined share is (k + m p) / (n + m), the posterior mean of a beta distribution with mean p after n
    starters. The variance of true shares around their predictions is the mean squared error less the binomial
    noise of each observed share; a beta distribution with that variance has m = p (1 - p) / variance - 1
    (method of moments; Kleinman, 1973, "Proportions with extraneous variance").
    """

    def __init__(self) -> None:
        self._fade = 0.5 ** (1 / HALF_LIFE)
        self._cases = 0.0
        self._errors = 0.0
        self._noise = 0.0
        self._spread = 0.0

    @property
    def starters(self) -> float:
        """What a prediction is currently worth, in starters."""
        if self._cases < LEAST_CASES:
            return DEFAULT
        variance = max(self._errors - self._noise, 0.0)
        return min(max(self._spread / variance - 1.0, LEAST), MOST) if variance else MOST

    def learn(self, expected: float, observed: float, starters: int) -> None:
        """Learn from the observed share among two or more starters and the predicted one."""
        noise = observed * (1.0 - observed) / (starters - 1)
        self._cases = self._cases * self._fade + 1.0
        self._errors = self._errors * self._fade + (observed - expected) ** 2
        self._noise = self._noise * self._fade + noise
        self._spread = self._spread * self._fade + expected * (1.0 - expected)

    def join(self, expected: float, completers: float, starters: float) -> float:
        """Return the predicted share combined with the observed one."""
        worth = self.starters
        return (completers + worth * expected) / (starters + worth)
