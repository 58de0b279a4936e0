"""Nobody's data touches another's: a few people on a few shared devices do anything in any order.

The model knows who may own an event. What somebody did under their own id belongs to the people whom a
trusted source said to be the same; what a visitor did on a device may belong to any of those who claimed the
device, for there is no order between topics, but to one of them alone.
"""

from collections import Counter
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from properties.core.test_identity import World

from stream_app.core.step import StepResult
from stream_app.features.user_row import REFUSED, UserRow, decode_row
from stream_app.intake.identifiers import event_fingerprint
from stream_app.intake.trust import MARK, PAGE
from stream_app.intake.wire import PageCall
from stream_app.schemas.outputs import ClosedSession, Recommendations
from stream_app.schemas.topics import PRIVACY_REQUESTS
from stream_app.settings.rules import DAY, Rules
from stream_app.testing import event

RULES = Rules(allowed_lateness=400 * DAY, tier_interval=1e9, recommend_interval=0.0)
DEVICES = ("dev-1", "dev-2")
PEOPLE = ("anna", "bert", "carl")
devices, people = st.sampled_from(DEVICES), st.sampled_from(PEOPLE)
is_page_key = st.booleans()


def fingerprint_of(message_id: str) -> int:
    """What a row remembers of a message."""
    return event_fingerprint(PageCall(message_id=message_id))


class People(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World(3, RULES)
        self.clock = 0
        self.group = {name: {name} for name in (*PEOPLE, *DEVICES)}
        self.claims: dict[str, set[str]] = {device: set() for device in DEVICES}
        self.sent: dict[str, str] = {}  # by item, whose event it is in
        self.by_fingerprint: dict[int, str] = {}
        self.joins_devices = False
        self.merged: list[tuple[str, str]] = []
        self.erased: set[str] = set()

    def tell(self, kind: str, key: str, user: str, page_key: bool = False, **fields: object) -> str:
        self.clock += 1
        mark = {MARK: PAGE} if page_key else {}
        message = f"m{self.clock}"
        self.world.send(key, event(kind, user, self.clock, messageId=message, **mark, **fields))
        return message

    def see(self, author: str, user: str, page_key: bool = False, **fields: object) -> None:
        item = f"{author}:{self.clock}"
        self.sent[item] = author
        message = self.tell("page", author, user, page_key, properties={"product_id": item}, **fields)
        self.by_fingerprint[fingerprint_of(message)] = item

    @rule(device=devices, page_key=is_page_key)
    def visit(self, device: str, page_key: bool) -> None:
        self.see(device, "", page_key, anonymousId=device)

    @rule(person=people, page_key=is_page_key)
    def visit_known(self, person: str, page_key: bool) -> None:
        self.see(person, person, page_key)

    @rule(person=people, device=devices, page_key=is_page_key)
    def identify(self, person: str, device: str, page_key: bool) -> None:
        self.tell("identify", person, person, page_key, anonymousId=device)
        self.claims[device].add(person)

    @rule(person=people, other=people, page_key=is_page_key)
    def identify_with_the_id_of_another(self, person: str, other: str, page_key: bool) -> None:
        self.know(other)
        self.tell("identify", person, person, page_key, anonymousId=other)

    @rule(person=people, other=people)
    def alias_another_from_a_page(self, person: str, other: str) -> None:
        self.know(person)
        self.know(other)
        self.tell("alias", person, person, True, previousId=other)

    @rule(person=people, device=devices, page_key=is_page_key)
    def alias_a_device(self, person: str, device: str, page_key: bool) -> None:
        self.know(person)
        self.tell("alias", person, person, page_key, previousId=device)
        self.claims[device].add(person)
        if not page_key:
            self.join(person, device)

    @rule(person=people, device=devices)
    def alias_the_other_way_round(self, person: str, device: str) -> None:
        self.know(person)
        self.tell("alias", device, device, False, previousId=person)
        self.join(person, device)
        self.joins_devices = True

    @rule(person=people, other=people)
    def merge(self, person: str, other: str) -> None:
        self.know(person)
        self.know(other)
        self.tell("alias", person, person, False, previousId=other)
        self.join(person, other)
        self.merged.append((person, other))

    @rule(seed=st.integers(0, 2**16), batches=st.integers(1, 6), crashes=st.booleans())
    def deliver(self, seed: int, batches: int, crashes: bool) -> None:
        random = Random(seed)
        for _ in range(batches):
            places = self.world.waiting()
            if not places:
                break
            topic, number = random.choice(places)
            result = self.world.process(topic, number, random.randrange(1, 6))
            if crashes and random.random() < 0.3:
                self.world.keep(number, result, [key for key in result.rows if random.random() < 0.5])
                self.world.start()
                continue
            self.keep(number, result)
            self.world.post(result.sent_after)

    @rule()
    def restart(self) -> None:
        self.settle()
        self.world.start()

    @rule(name=st.sampled_from((*PEOPLE, *DEVICES)), later=st.booleans())
    def erase(self, name: str, later: bool) -> None:
        if later:  # while messages are still under way
            self.request_erasure(name)
            return
        self.settle()
        before = self.items_by_row()
        mine = self.ids_of(name)
        self.request_erasure(name)
        self.settle()
        after = self.items_by_row()
        assert not any(after.get(key) for key in mine), f"{name} is still there"
        for key, items in before.items():
            if key not in mine:
                assert after.get(key) == items, f"the erasure of {name} touched {key}"

    @rule(name=st.sampled_from((*PEOPLE, *DEVICES)))
    def export(self, name: str) -> None:
        self.settle()
        row = self.rows().get(name)
        if row is None or row.merged_into:
            return
        owned = {key for key, place in row.linked.items() if place.claim != REFUSED}
        owned = {key for key in owned if self.root(key) == name}
        assert owned <= self.ids_of(name)
        assert {author for item in self.items_of(row) if (author := self.sent[item])} <= {*self.may_own(name)}

    @invariant()
    def rows_hold_only_their_own(self) -> None:
        counted: Counter[str] = Counter()
        for key, row in self.rows().items():
            items = self.items_of(row)
            counted.update(items)
            assert {self.sent[item] for item in items} <= self.may_own(key), key
        assert not [item for item, count in counted.items() if count > 1]

    def teardown(self) -> None:
        self.settle()
        self.rows_hold_only_their_own()
        held = {item for items in self.items_by_row().values() for item in items}
        if self.erased:
            return
        assert held == set(self.sent), "an event was lost"
        if self.joins_devices:
            return  # whoever has a device first has it, and what was said of it after may be refused
        for person, other in self.merged:
            assert self.root(person) == self.root(other), "people who were merged are apart"

    def know(self, person: str) -> None:
        """Have the person identified before anything is said that two events of theirs could race with."""
        self.see(person, person)
        self.settle()

    def join(self, one: str, other: str) -> None:
        both = self.group[one] | self.group[other]
        for name in both:
            self.group[name] = both

    def may_own(self, key: str) -> set[str]:
        mine = self.group[key]
        return mine | {device for device, claimants in self.claims.items() if claimants & mine}

    def settle(self) -> None:
        while True:
            places = self.world.waiting()
            for topic, number in places:
                result = self.world.process(topic, number, 100)
                self.keep(number, result)
                self.world.post(result.sent_after)
            if not places and not self.send_again():
                return

    def send_again(self) -> bool:
        sent = False
        for number, partition in enumerate(self.world.partitions):
            if partition.has_unsent:
                result = self.world.process("identity.links.v1", number, 0)
                self.keep(number, result)
                self.world.post(result.sent_after)
                sent = True
        return sent

    def keep(self, number: int, result: StepResult) -> None:
        self.world.keep(number, result)
        for output in result.outputs:
            match output:
                case ClosedSession():
                    items = output.items
                case Recommendations():
                    items = [item.item_id.rsplit("-", 2)[0] for item in output.items]
                case _:
                    continue
            assert {self.sent[item] for item in items} <= self.may_own(str(output.user_key)), output.user_key

    def request_erasure(self, name: str) -> None:
        self.clock += 1
        at = f"2024-03-04T08:{self.clock // 60:02}:{self.clock % 60:02}Z"
        request = f'{{"request_id": "r{self.clock}", "user_id": "{name}", "requested_at": "{at}"}}'
        self.world.send(name, request.encode(), PRIVACY_REQUESTS.name)
        self.erased.add(name)

    def rows(self) -> dict[str, UserRow]:
        return {key: decode_row(row) for stored in self.world.stored for key, row in stored.items()}

    def root(self, key: str) -> str:
        rows, seen = self.rows(), {key}
        while key in rows and rows[key].merged_into and rows[key].merged_into not in seen:
            key = rows[key].merged_into
            seen.add(key)
        return key

    def ids_of(self, name: str) -> set[str]:
        """The ids whose rows lead to the same as this one."""
        root = self.root(name)
        return {name, root, *(key for key in self.rows() if self.root(key) == root)}

    def items_of(self, row: UserRow) -> list[str]:
        """Of every event that the row contains."""
        return [self.by_fingerprint[seen] for seen in row.recent_ids if seen in self.by_fingerprint]

    def items_by_row(self) -> dict[str, list[str]]:
        held = {key: sorted(self.items_of(row)) for key, row in self.rows().items()}
        return {key: items for key, items in held.items() if items}


People.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPeople = People.TestCase
