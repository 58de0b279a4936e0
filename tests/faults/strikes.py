"""One way each in which something fails. The job is tended meanwhile, and is to be whole afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random
from signal import SIGCONT, SIGSTOP

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from faults.households import PEOPLE
from faults.job import HANG_SECONDS, POLL_SECONDS, TRAINER, HarnessError, Job
from faults.poison import poison_all
from faults.recorded_stream import households_in
from faults.slot import Slot

from stream_app.errors import BrokerError
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.operate.access import connect
from stream_app.runtimes.kafka.operate.positions import reset_positions
from stream_app.runtimes.kafka.operate.topic_facts import read_facts
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.schemas.topics import EVENTS, PRIVACY_REQUESTS
from stream_app.settings.rules import DAY

Fault = Callable[[Job, Random], Awaitable[None]]
FULL_DISK_BYTES = 1_024
HALT_SECONDS = 10.0


async def kill_worker(job: Job, chance: Random) -> None:
    """A worker dies, and comes back after a moment."""
    slot = chance.choice(job.workers)
    await _kill(job, slot, chance.uniform(0, 1.5))


async def kill_worker_twice(job: Job, chance: Random) -> None:
    """A worker dies, and again while it starts, joins its group or recovers its rows."""
    slot = chance.choice(job.workers)
    await _kill(job, slot, 0)
    await job.tend_for(chance.uniform(0.2, 5))
    await _kill(job, slot, 0)


async def kill_all_workers(job: Job, chance: Random) -> None:
    """All workers die at once."""
    for slot in job.workers:
        slot.kill()
        slot.start()


async def kill_trainer(job: Job, chance: Random) -> None:
    """The trainer dies, where there is one."""
    if TRAINER in job.slots:
        await _kill(job, job.slots[TRAINER], chance.uniform(0, 1.5))


async def stop_worker(job: Job, chance: Random) -> None:
    """A worker is told to leave, and comes back."""
    slot = chance.choice(job.workers)
    await job.leave(slot)
    slot.start()


async def stop_starting_worker(job: Job, chance: Random) -> None:
    """A worker is told to leave while it starts, joins its group or recovers its rows."""
    slot = chance.choice(job.workers)
    await _kill(job, slot, 0)
    await job.tend_for(chance.uniform(0.5, 5))
    await job.leave(slot)
    slot.start()


async def kill_broker(job: Job, chance: Random) -> None:
    """The broker dies, and comes back."""
    job.broker.kill()
    await job.tend_for(chance.uniform(0, 2))
    job.broker.start()  # in this thread: the broker is ended with the one that started it


async def freeze_broker_briefly(job: Job, chance: Random) -> None:
    """The broker does not answer for longer than a session lasts, but for less than it is waited for."""
    settings = job.settings
    await _freeze_broker(job, chance.uniform(settings.session_timeout, settings.kafka_timeout))


async def freeze_broker(job: Job, chance: Random) -> None:
    """The broker does not answer for longer than it is waited for: workers give up, and come back."""
    await _freeze_broker(job, chance.uniform(1.5, 2.5) * job.settings.kafka_timeout)


async def freeze_worker(job: Job, chance: Random) -> None:
    """A worker stands still for longer than a session lasts, while others may take its partitions."""
    slot = chance.choice(job.workers)
    slot.send(SIGSTOP)
    await job.tend_for(job.settings.session_timeout + chance.uniform(1, 6))
    slot.send(SIGCONT)


async def freeze_writer(job: Job, chance: Random) -> None:
    """A worker stands still in the middle of a write, and ends it when others may have its partitions."""
    slot = chance.choice(job.workers)
    slot.halt_file.touch()
    await poison_all(job, chance)  # so that there is something to write
    deadline = asyncio.get_running_loop().time() + HALT_SECONDS
    while not slot.stands_still and asyncio.get_running_loop().time() < deadline:
        await job.tend_for(0.1)
    slot.halt_file.unlink(missing_ok=True)  # a worker that holds no partition writes nothing
    await job.tend_for(job.settings.session_timeout + chance.uniform(1, 6))
    slot.send(SIGCONT)


async def fill_disk(job: Job, chance: Random) -> None:
    """A worker can write no more to its folder: it says so and ends, and once there is room goes on."""
    slot = chance.choice(job.workers)
    slot.kill()
    slot.start(file_bytes=FULL_DISK_BYTES)
    await job.ends(slot)
    slot.start()


async def delete_folder(job: Job, chance: Random) -> None:
    """A worker dies with its folder."""
    slot = chance.choice(job.workers)
    slot.kill()
    job.destroy(slot)
    slot.start()


async def delete_open_folder(job: Job, chance: Random) -> None:
    """A worker's folder goes away under it."""
    slot = chance.choice(job.workers)
    job.destroy(slot)
    await job.tend_for(1)
    await _kill(job, slot, 0)


async def corrupt_folder(job: Job, chance: Random) -> None:
    """Bytes of a worker's databases change while it is dead."""
    slot = chance.choice(job.workers)
    slot.kill()
    for database in slot.databases:
        for path in database.iterdir():
            if path.is_file() and path.stat().st_size and chance.random() < 0.6:
                data = bytearray(path.read_bytes())
                for _ in range(1 + len(data) // 500):
                    data[chance.randrange(len(data))] ^= 1 + chance.randrange(255)
                path.write_bytes(data)
    slot.start()


async def poison(job: Job, chance: Random) -> None:
    """Every topic that the job reads gets records that nobody can use."""
    await poison_all(job, chance)


async def shift_clock(job: Job, chance: Random) -> None:
    """A worker's clock jumps, by minutes or by days, forward or back; another time it jumps home."""
    slot = chance.choice(list(job.slots.values()))
    shift = float(slot.clock_file.read_text()) if slot.clock_file.exists() else 0.0
    others = {0.0, -600.0, 600.0, -2 * DAY, 2 * DAY, -10 * DAY, 10 * DAY} - {shift}
    unfinished = slot.clock_file.with_suffix(".new")
    unfinished.write_text(str(chance.choice(sorted(others))))
    unfinished.replace(slot.clock_file)


async def erase(job: Job, chance: Random) -> None:
    """Somebody who shares devices with others asks to be erased."""
    waiting = sorted(households_in(job.stream) - job.erased)
    if not waiting:
        return
    household = chance.choice(waiting)
    user = f"{household}/{PEOPLE[0]}"
    request = PrivacyRequest(request_id=household, user_id=user, requested_at=datetime.now(UTC))
    topic = name_of(PRIVACY_REQUESTS, job.cluster.settings)
    partition = partition_of(user.encode(), job.cluster.settings.partitions)
    async with AIOKafkaProducer(bootstrap_servers=job.broker.bootstrap_servers) as producer:
        await producer.send_and_wait(topic, request.model_dump_json().encode(), user.encode(), partition)
    job.erased.add(household)


async def make_topic_anew(job: Job, chance: Random) -> None:
    """The events topic is deleted and created anew under running workers; more comes in the new one.

    Only once all that it held is taken: what was not is lost with it, whatever workers do.
    """
    await job.tend_until(job.is_done)
    name = name_of(EVENTS, job.cluster.settings)
    admin = await connect(job.cluster.settings)
    try:
        await admin.delete_topics([name])
        await _until(admin, name, is_there=False)
        await job.cluster.create_topics()
        await _until(admin, name, is_there=True)
    finally:
        await admin.close()
    await asyncio.gather(*(job.ends(slot) for slot in job.workers))
    await _reset_positions(job)
    for slot in job.workers:
        slot.start()
    await job.feed_tail()
    await job.tend_until(job.has_taken_tail)


async def _reset_positions(job: Job) -> None:
    deadline = asyncio.get_running_loop().time() + HANG_SECONDS
    while True:
        try:
            reset = await reset_positions(job.cluster.settings)
        except BrokerError as error:  # for a moment, who has ended is still a member of the group
            if asyncio.get_running_loop().time() > deadline:
                raise HarnessError(f"positions could not be reset: {error}") from error
            await asyncio.sleep(POLL_SECONDS)
        else:
            break
    if EVENTS.name not in reset:
        raise HarnessError(f"of a topic that was made anew no position was reset: {reset}")


async def _until(admin: AIOKafkaAdminClient, name: str, is_there: bool) -> None:
    deadline = asyncio.get_running_loop().time() + HANG_SECONDS
    while bool(await read_facts(admin, [name])) is not is_there:
        if asyncio.get_running_loop().time() > deadline:
            raise HarnessError(f"{name} was not {'created' if is_there else 'deleted'}")
        await asyncio.sleep(POLL_SECONDS)


async def _kill(job: Job, slot: Slot, pause: float) -> None:
    slot.is_watched = False
    slot.kill()
    await job.tend_for(pause)
    slot.start()
    slot.is_watched = True


async def _freeze_broker(job: Job, seconds: float) -> None:
    job.broker.freeze()
    await job.tend_for(seconds)
    job.broker.thaw()
