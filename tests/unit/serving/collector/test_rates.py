from hypothesis import given
from hypothesis import strategies as st

from stream_app.serving.collector.rates import TokenBuckets
from stream_app.serving.collector.refusals import RefusedError

RATE, BURST = 2.0, 10
steps = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 25)), max_size=60)


class Buckets:
    """Token buckets under a clock that the test sets."""

    def __init__(self, max_clients: int = 100) -> None:
        self.now = 1000.0
        self.buckets = TokenBuckets(RATE, BURST, lambda: self.now, max_clients)

    def spend(self, client: str, tokens: int) -> int | None:
        """None where they were taken, else the seconds to wait."""
        try:
            self.buckets.spend(client, tokens)
        except RefusedError as refusal:
            return refusal.retry_after
        return None


@given(steps)
def test_no_span_of_time_lets_more_through_than_rate_and_burst(requests: list[tuple[int, int]]) -> None:
    running = Buckets()
    taken: list[tuple[float, int]] = []
    for pause, tokens in requests:
        running.now += pause / 4
        if running.spend("client", tokens) is None:
            taken.append((running.now, tokens))
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = taken[last][0] - taken[first][0]
            # The last may be larger than a full bucket; it is paid for afterwards.
            before = sum(tokens for _, tokens in taken[first:last])
            assert before + min(taken[last][1], BURST) <= BURST + span * RATE + 1e-6


@given(steps)
def test_who_waits_as_told_is_let_through(requests: list[tuple[int, int]]) -> None:
    running = Buckets()
    for pause, tokens in requests:
        running.now += pause / 4
        wait = running.spend("client", tokens)
        if wait is not None:
            assert wait >= 1
            running.now += wait
            assert running.spend("client", tokens) is None


def test_clients_do_not_share_a_bucket() -> None:
    running = Buckets()
    assert running.spend("a", BURST) is None
    assert running.spend("a", 1) is not None
    assert running.spend("b", BURST) is None


def test_the_clock_may_go_backwards() -> None:
    running = Buckets()
    running.spend("a", BURST)
    running.now -= 100
    assert running.spend("a", 1) is not None


@given(st.lists(st.integers(0, 30), max_size=200))
def test_the_map_is_bounded_and_forgets_the_longest_silent(clients: list[int]) -> None:
    running = Buckets(max_clients=5)
    for client in clients:
        running.spend(str(client), BURST)
        running.now += 0.01
    assert len(running.buckets) <= 5
    recent = list(dict.fromkeys(reversed(clients)))[:5]
    assert all(running.spend(str(client), BURST) is not None for client in recent)
