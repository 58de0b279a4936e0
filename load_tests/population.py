"""The cost of more users: the rates of our reduced job and of the full job with few and very many."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from load_tests import full_job, recording
from load_tests.reduced_comparison import OURS
from load_tests.samples import Rate, Sample, steady_rate
from load_tests.testbed import PARTITIONS, Testbed


@dataclass(frozen=True)
class Population:
    """Simulated people, each standing for many users: `firsts` introduce them, `laters` follow in time."""

    firsts: Sequence[bytes]
    laters: Sequence[bytes]

    def make_known(self, users: int) -> Iterator[bytes]:
        """Return one event for each of so many users."""
        return recording.multiply(self.firsts, users)

    def go_on(self, users: int, count: int, seed: int = 7) -> Iterator[bytes]:
        """Return events in time order, each of a user drawn from so many."""
        chance = random.Random(seed)
        copies = max(users // len(self.firsts), 1)
        for number in range(count):
            event = self.laters[number * len(self.laters) // count]
            yield recording.with_mark(recording.renamed(event, number), chance.randrange(copies))


def split(pool: Sequence[bytes]) -> Population:
    """Return the people of the first quarter of a stream, and their later events."""
    quarter = len(pool) // 4
    firsts: dict[bytes, bytes] = {}
    for event in pool[:quarter]:
        firsts.setdefault(recording.key_of(event), event)
    laters = [event for event in pool[quarter:] if recording.key_of(event) in firsts]
    return Population(list(firsts.values()), laters)


async def measure_reduced(testbed: Testbed, people: Population, users: int, events: int) -> Rate:
    """Measure our reduced job on events of known users."""
    source = await testbed.topics.create(testbed.new_name("events"))
    outputs = await testbed.topics.create(testbed.new_name("outputs"))
    command = OURS.command(testbed.servers, source, outputs, str(testbed.folder / testbed.new_name("state")))

    async def done() -> int:
        return await testbed.topics.length(outputs)

    await recording.write(testbed.servers, source, PARTITIONS, people.make_known(users))
    with testbed.contender(command) as contender:
        known = (await contender.watch(done, int(users * 0.99)))[-1].events
        # A contender as fast as the writer would be done at the first sample.
        with contender.paused():
            await recording.write(testbed.servers, source, PARTITIONS, people.go_on(users, events))
        looks = await contender.watch(done, known + int(events * 0.9))
    return _rate_beyond(known, looks)


async def measure_full(testbed: Testbed, people: Population, users: int, events: int) -> Rate:
    """Measure a worker on events of known users."""
    application = await full_job.make_application(testbed)
    await application.write(people.make_known(users))
    async with full_job.working(application) as workers:
        await workers.watch(users)
        with workers.contenders[0].paused():
            await application.write(people.go_on(users, events))
        looks = await workers.watch(users + events)
    return _rate_beyond(users, looks)


def _rate_beyond(known: int, looks: Sequence[Sample]) -> Rate:
    """The rate of the events after those that introduced the users."""
    beyond = [look._replace(events=look.events - known) for look in looks]
    return steady_rate(beyond, beyond[-1].events)
