"""An anonymous history joined to its user is as if the user had been known from the start.

The oracle is one row that all events of a user go to. Against it: several partitions whose inputs are
taken in any order, crashes after which what was sent is sent again, and restarts from what was stored.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.core.identity_messages import Sent, encode_message
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.row_times import pack_stored_times, unpack_times
from stream_app.core.step import StepResult, step
from stream_app.features.reading import Features, read_features
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.intake.ports import Intake
from stream_app.intake.privacy import Privacy
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.schemas.topics import EVENTS, LINKS, PRIVACY_REQUESTS
from stream_app.settings.rules import DAY, Rules
from stream_app.testing import INTAKE, RECEIVED_AT, START, FixedModels, event, page, track

# Nothing is late and no session closes before the end: when they do hangs on the order of arrival.
RULES = Rules(allowed_lateness=400 * DAY, tier_interval=1e9, recommend_interval=1e9)
OWNERS = {"anonymous-0": "user-0", "anonymous-1": "user-0", "anonymous-2": "user-1"}
END = START + DAY
# Which step of the funnel came last, and what came newest, hangs on the order of arrival too.
UNORDERED = ("funnel_stage", "cart_items", "hours_since_funnel_step")
MODELS = FixedModels().models
every_world = settings(max_examples=60, deadline=None)


class Happening(NamedTuple):
    """An event, the id that it is keyed by, and the user who it is of in truth."""

    key: str
    user: str
    value: bytes
    oracle: bytes


def happenings(random: Random, count: int) -> list[Happening]:
    """Events of anonymous visitors and users, with every link said at least once, at any time."""
    made = []
    seconds = random.sample(range(0, 20 * 3_600, 15), count + 2 * len(OWNERS))
    links = [(anonymous, user) for anonymous, user in OWNERS.items() for _ in range(random.choice([1, 2]))]
    for number, at in enumerate(seconds[:count]):
        key = random.choice([*OWNERS, *OWNERS.values()])
        made.append(_use(random, key, at, f"m{number}"))
    for number, ((anonymous, user), at) in enumerate(zip(links, seconds[count:], strict=False)):
        made.append(_link(random, anonymous, user, at, f"link-{number}"))
    random.shuffle(made)
    return made


def _use(random: Random, key: str, at: float, message_id: str) -> Happening:
    user = OWNERS.get(key, key)
    context = {"device": {"type": random.choice(["mobile", "desktop"])}, "page": {"path": f"/{at % 7}"}}
    fields: dict[str, Any] = {"context": context, "messageId": message_id}
    item = f"item-{random.randrange(6)}"
    match random.choice(["page", "track", "order"]):
        case "page":
            body = {"event_type": "page", "properties": {"product_id": item, "category": f"c{at % 3}"}}
        case "track":
            body = {
                "event_type": "track",
                "event": random.choice(["Read", "Liked"]),
                "properties": {"product_id": item},
            }
        case _:
            body = {
                "event_type": "track",
                "event": "Order Completed",
                "properties": {"revenue": random.randrange(90)},
            }
    value = event(user=key, at=at, **body, **fields) if key == user else _anonymous(key, at, body, fields)
    return Happening(key, user, value, event(user=user, at=at, **body, **fields))


def _anonymous(key: str, at: float, body: Mapping[str, Any], fields: Mapping[str, Any]) -> bytes:
    return event(user="", at=at, anonymousId=key, **body, **fields)


def _link(random: Random, anonymous: str, user: str, at: float, message_id: str) -> Happening:
    if random.random() < 0.5:
        value = event("identify", user, at, anonymousId=anonymous, messageId=message_id)
        return Happening(user, user, value, event("identify", user, at, messageId=message_id))
    value = event("alias", user, at, previousId=anonymous, messageId=message_id)
    return Happening(user, user, value, event("alias", user, at, previousId=user, messageId=message_id))


class World:
    """Partitions with their logs, and workers that take from any of them at any time."""

    def __init__(self, partitions: int, rules: Rules = RULES, intake: Intake = INTAKE) -> None:
        self.rules = rules
        self.intake = intake
        self.count = partitions
        self.logs: dict[tuple[str, int], list[bytes]] = defaultdict(list)
        self.stored: list[dict[str, bytes]] = [{} for _ in range(partitions)]
        self.metas: list[bytes | None] = [None] * partitions
        self.start()

    def start(self) -> None:
        """Lose what is in memory."""
        self.partitions = [
            Partition(number, self.rules, self.metas[number], self.place_of) for number in range(self.count)
        ]
        self.rows = [{key: decode_row(row) for key, row in stored.items()} for stored in self.stored]
        for partition, stored in zip(self.partitions, self.stored, strict=True):
            partition.hold(list(stored), unpack_times(map(pack_stored_times, stored.values())))

    def place_of(self, user_id: str) -> int:
        return partition_of(user_id.encode(), self.count)

    def send(self, key: str, value: bytes, topic: str = EVENTS.name) -> None:
        self.logs[topic, self.place_of(key)].append(value)

    def waiting(self) -> list[tuple[str, int]]:
        return [
            (topic, number)
            for (topic, number), log in sorted(self.logs.items())
            if self.partitions[number].meta.applied.get(topic, -1) + 1 < len(log)
        ]

    def process(self, topic: str, number: int, count: int) -> StepResult:
        partition = self.partitions[number]
        first = partition.meta.applied.get(topic, -1) + 1
        values = self.logs[topic, number][first : first + count]
        records = [Record(offset, None, value, RECEIVED_AT) for offset, value in enumerate(values, first)]
        batch, rows = Batch(topic, number, records), self.rows[number]
        result = step(partition, batch, rows, self.intake, MODELS, self.rules, RECEIVED_AT)
        self.post(result.sent)
        return result

    def keep(self, number: int, result: StepResult, written: Sequence[str] | None = None) -> None:
        """Store rows, or only some of them; the meta only with all."""
        for key, row in result.rows.items():
            if written is None or key in written:
                if row is None:
                    self.stored[number].pop(key, None)
                    self.rows[number].pop(key, None)
                else:
                    self.stored[number][key] = encode_row(row)
                    self.rows[number][key] = row
        if written is None:
            self.metas[number] = self.partitions[number].encode_meta()

    def post(self, messages: Sequence[Sent]) -> None:
        for place, message in messages:
            self.logs[LINKS.name, place].append(encode_message(message))

    def run(self, random: Random | None = None, crashes: bool = False) -> None:
        """Take what waits, batch by batch, until nothing does."""
        while places := self.waiting():
            topic, number = random.choice(places) if random else places[0]
            result = self.process(topic, number, random.randrange(1, 8) if random else 100)
            crash = random.random() if crashes and random else 1.0
            if crash < 0.2 and random:
                self.keep(number, result, [key for key in result.rows if random.random() < 0.5])
                self.start()
                continue
            self.keep(number, result)
            if crash < 0.3:
                self.start()
            else:
                self.post(result.sent_after)
        for number, partition in enumerate(self.partitions):
            if partition.has_unsent:
                result = self.process(LINKS.name, number, 0)
                self.keep(number, result)
                self.post(result.sent_after)
        if self.waiting():
            self.run(random, crashes)

    def user(self, key: str) -> UserRow:
        return decode_row(self.stored[self.place_of(key)][self.intake.privacy.user_key(key)])


def oracle(made: Sequence[Happening]) -> World:
    world = World(1)
    for happening in made:
        world.send(happening.user, happening.oracle)
    world.run()
    return world


def comparable(row: UserRow) -> tuple[Features, Any]:
    features = {name: value for name, value in read_features(row, END).items() if name not in UNORDERED}
    open_sessions = sorted(
        (session.started_at, session.last_at, session.event_count, session.page_views, sorted(session.items))
        for session in row.open_sessions
    )
    counted = (open_sessions, sorted(row.recent_ids), row.hours, row.weekdays, row.devices)
    return features, (*counted, row.active_day_bits, row.top_items)


def assert_same(world: World, expected: World) -> None:
    for user in sorted(set(OWNERS.values())):
        features, rest = comparable(world.user(user))
        wanted, wanted_rest = comparable(expected.user(user))
        assert features == pytest.approx(wanted)
        assert rest == wanted_rest
    for anonymous, user in OWNERS.items():
        row = world.user(anonymous)
        assert row.merged_into == user
        assert (row.kinds, row.open_sessions, row.recent_items, row.outgoing) == ({}, [], [], b"")


worlds = st.tuples(st.builds(Random, st.integers(0, 2**32)), st.integers(0, 18), st.sampled_from([1, 2, 5]))


@every_world
@given(worlds)
def test_rows_are_as_if_the_user_had_always_been_known(world: tuple[Random, int, int]) -> None:
    random, count, partitions = world
    made = happenings(random, count)
    taken = World(partitions)
    for happening in made:
        taken.send(happening.key, happening.value)
    taken.run(random)
    assert_same(taken, oracle(made))


@every_world
@given(worlds)
def test_crashes_and_what_is_sent_again_change_nothing(world: tuple[Random, int, int]) -> None:
    random, count, partitions = world
    made = happenings(random, count)
    taken = World(partitions)
    for happening in made:
        taken.send(happening.key, happening.value)
    taken.run(random, crashes=True)
    assert_same(taken, oracle(made))


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("links_first", [True, False])
def test_either_may_come_first(partitions: int, links_first: bool) -> None:
    made = happenings(Random(4), 18)
    links = [happening for happening in made if b'"m' not in happening.value]
    uses = [happening for happening in made if b'"m' in happening.value]
    world = World(partitions)
    for part in (links, uses) if links_first else (uses, links):
        for happening in part:
            world.send(happening.key, happening.value)
        world.run()
    assert_same(world, oracle(made))


def test_events_that_come_after_the_link_are_sent_on_and_a_chain_is_followed() -> None:
    world = World(3)
    for value in (
        event("identify", "middle", 0, anonymousId="first", messageId="1"),
        event("alias", "last", 1, previousId="middle", messageId="2"),
    ):
        world.send("middle" if b"first" in value else "last", value)
        world.run()
    world.send("first", event("page", "", 2, anonymousId="first", messageId="3"))
    world.send("middle", page("middle", 3, messageId="4"))
    world.run()
    row = world.user("last")
    assert row.kinds["page"].count == 2
    assert {name: kind.count for name, kind in row.kinds.items()} == {"identify": 1, "alias": 1, "page": 2}
    assert set(row.linked) >= {"middle", "first"}


def test_pseudonymous_ids_are_joined_too_and_no_message_names_them() -> None:
    privacy = Privacy([("k", b"a secret of some length")], ("userId", "anonymousId", "previousId"))
    world = World(3, intake=Intake(INTAKE.cleaner, privacy))
    visits = [event("page", "", at, anonymousId="visitor", messageId=f"m{at}") for at in range(4)]
    for value in visits[:2]:
        world.send("visitor", value)
    world.run()
    world.send("person", event("identify", "person", 5, anonymousId="visitor", messageId="said"))
    world.run()
    for value in visits[2:]:
        world.send("visitor", value)
    world.run()
    assert world.user("person").kinds["page"].count == 4
    messages = b"".join(
        value for (topic, _), log in world.logs.items() if topic == LINKS.name for value in log
    )
    held = b"".join(key.encode() + row for stored in world.stored for key, row in stored.items())
    assert b"visitor" not in messages + held
    assert b"person" not in messages + held


def test_the_first_user_to_claim_an_id_has_it() -> None:
    world = World(2)
    world.send("visitor", event("page", "", 0, anonymousId="visitor"))
    world.send("one", event("identify", "one", 1, anonymousId="visitor"))
    world.run()
    world.send("two", event("identify", "two", 2, anonymousId="visitor"))
    world.run()
    assert world.user("visitor").merged_into == "one"
    assert "page" not in world.user("two").kinds


@pytest.mark.parametrize("seed", range(8))
def test_two_users_who_claim_each_other_become_one(seed: int) -> None:
    world = World(3)
    for number, (user, other) in enumerate([("a", "b"), ("b", "a")]):
        world.send(user, page(user, number, messageId=f"m{number}"))
        world.send(user, event("alias", user, 10 + number, previousId=other, messageId=f"l{number}"))
    world.run(Random(seed))
    world.send("a", page("a", 20, messageId="late a"))
    world.send("b", page("b", 21, messageId="late b"))
    world.run(Random(seed))
    rows = [world.user("a"), world.user("b")]
    assert sorted(row.kinds["page"].count if row.kinds else 0 for row in rows) == [0, 4]


def test_users_in_a_circle_lose_nothing() -> None:
    world = World(3)
    for user, other in (("a", "b"), ("b", "c"), ("c", "a")):
        world.send(user, page(user, 0, messageId=user))
        world.run()
        world.send(user, event("alias", user, 1, previousId=other, messageId=user + other))
    world.run()
    for number, user in enumerate("abc"):
        world.send(user, track(user, 10 + number, "Seen", messageId=f"late-{user}"))
    world.run()
    rows = [world.user(user) for user in "abc"]
    assert sum(row.kinds["page"].count for row in rows if "page" in row.kinds) == 3
    assert sum(row.actions["Seen"].count for row in rows if "Seen" in row.actions) == 3


@pytest.mark.parametrize("erased", ["user", "visitor"])
def test_an_erasure_follows_the_links_both_ways(erased: str) -> None:
    world = World(4)
    world.send("visitor", event("page", "", 0, anonymousId="visitor", messageId="1"))
    world.send("user", event("identify", "user", 1, anonymousId="visitor", messageId="2"))
    world.run()
    request = f'{{"request_id": "r", "user_id": "{erased}", "requested_at": "2024-06-01T00:00:00Z"}}'
    world.send(erased, request.encode(), PRIVACY_REQUESTS.name)
    world.run()
    held = b"".join(key.encode() + row for stored in world.stored for key, row in stored.items())
    assert held == b""
    world.send("visitor", event("page", "", 0, anonymousId="visitor", messageId="1"))
    world.send("user", event("identify", "user", 1, anonymousId="visitor", messageId="2"))
    world.run()
    assert world.stored == [{}, {}, {}, {}]
