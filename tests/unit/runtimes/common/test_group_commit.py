import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.errors import StateError
from stream_app.runtimes.common.group_commit import GroupCommit


class Commits:
    """Records what each commit was given; a commit waits until it is let go, and fails on request."""

    def __init__(self, most: int = 10) -> None:
        self.made: list[list[bytes]] = []
        self.failing: set[int] = set()
        self.gate = asyncio.Semaphore(0)
        self.group = GroupCommit(self._commit, most)

    async def _commit(self, values: list[bytes]) -> None:
        number = len(self.made)
        self.made.append(values)
        await self.gate.acquire()
        if number in self.failing:
            raise StateError(f"commit {number} failed")


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def start(commits: Commits, count: int) -> list[asyncio.Task[None]]:
    """Calls of one event each: the first is being committed, the others wait."""
    first = asyncio.create_task(commits.group([b"\0"]))
    await settle()
    calls = [first, *(asyncio.create_task(commits.group([bytes([number])])) for number in range(1, count))]
    await settle()
    return calls


async def _who_waits_shares_the_next_commit() -> None:
    commits = Commits()
    calls = await start(commits, 4)
    assert commits.made == [[b"\0"]]
    commits.gate.release()
    await settle()
    assert [call.done() for call in calls] == [True, False, False, False]
    assert commits.made[1] == [b"\1", b"\2", b"\3"]
    commits.gate.release()
    await asyncio.gather(*calls)


def test_who_waits_shares_the_next_commit() -> None:
    asyncio.run(_who_waits_shares_the_next_commit())


async def _a_failure_is_told_to_those_of_its_commit_alone() -> None:
    commits = Commits()
    commits.failing = {1}
    calls = await start(commits, 3)
    for _ in range(3):
        commits.gate.release()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert outcomes[0] is None
    assert [str(outcome) for outcome in outcomes[1:]] == ["commit 1 failed"] * 2
    await commits.group([b"later"])
    assert commits.made[-1] == [b"later"]


def test_a_failure_is_told_to_those_of_its_commit_alone() -> None:
    asyncio.run(_a_failure_is_told_to_those_of_its_commit_alone())


async def _who_goes_away_takes_nobody_along() -> None:
    commits = Commits()
    calls = await start(commits, 3)
    calls[1].cancel()
    await settle()
    commits.gate.release()
    commits.gate.release()
    await calls[2]
    await commits.group.finish()
    with pytest.raises(asyncio.CancelledError):
        await calls[1]


def test_who_goes_away_takes_nobody_along() -> None:
    asyncio.run(_who_goes_away_takes_nobody_along())


async def _commit_all(sizes: list[int], most: int) -> Commits:
    commits = Commits(most)
    commits.gate = asyncio.Semaphore(len(sizes))
    numbers = iter(range(10_000))
    calls = [[b"%d" % next(numbers) for _ in range(size)] for size in sizes]
    await asyncio.gather(*(commits.group(call) for call in calls))
    assert [value for made in commits.made for value in made] == [value for call in calls for value in call]
    return commits


@given(st.lists(st.integers(1, 15), max_size=30), st.integers(1, 12))
def test_commits_keep_the_order_and_their_bound(sizes: list[int], most: int) -> None:
    commits = asyncio.run(_commit_all(sizes, most))
    assert all(len(made) <= max(most, *sizes) for made in commits.made)
    assert all(len(made) <= most or len(made) in sizes for made in commits.made)
