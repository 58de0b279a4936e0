"""How many starters an expectation is worth, learned from how well expectations came true."""

DEFAULT = 20.0
LEAST, MOST = 1.0, 500.0
LEAST_CASES = 30.0
HALF_LIFE = 500  # cases


class PriorStrength:
    """The number of starters m by which an expected share p is to be joined with k completers among n.

    The joined share is (k + m p) / (n + m): the mean of what a beta distribution with mean p becomes once
    n starters are known. How widely true shares spread about their expectations is what is left of the
    squared errors once the binomial noise of each observed share is taken off; a beta distribution of that
    variance has m = p (1 - p) / variance - 1 (method of moments; Kleinman, 1973, "Proportions with
    extraneous variance").
    """

    def __init__(self) -> None:
        self._fade = 0.5 ** (1 / HALF_LIFE)
        self._cases = 0.0
        self._errors = 0.0
        self._noise = 0.0
        self._spread = 0.0

    @property
    def starters(self) -> float:
        """What an expectation is worth now."""
        if self._cases < LEAST_CASES:
            return DEFAULT
        variance = max(self._errors - self._noise, 0.0)
        return min(max(self._spread / variance - 1.0, LEAST), MOST) if variance else MOST

    def learn(self, expected: float, observed: float, starters: int) -> None:
        """Take in the observed share of some starters, two or more, beside what was expected."""
        noise = observed * (1.0 - observed) / (starters - 1)
        self._cases = self._cases * self._fade + 1.0
        self._errors = self._errors * self._fade + (observed - expected) ** 2
        self._noise = self._noise * self._fade + noise
        self._spread = self._spread * self._fade + expected * (1.0 - expected)

    def join(self, expected: float, completers: float, starters: float) -> float:
        """The expected share joined with what was observed."""
        worth = self.starters
        return (completers + worth * expected) / (starters + worth)
