"""No sequence of events makes a row larger than is stated, in whatever script names and ids are written."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.core.link_bounds import MAX_HEARD, MAX_LINKED
from stream_app.features.sessions import MAX_OPEN_ITEMS, MAX_OPEN_SESSIONS
from stream_app.features.user_row import MAX_ROW_BYTES, encode_row
from stream_app.settings.rules import DAY, HOUR, Rules
from stream_app.testing import Driver, event, script_models, session, track

# What takes a row longest to let go of.
RULES = Rules(
    allowed_lateness=2 * DAY, recommend_interval=0.0, content_starts=frozenset({"page", "Product Viewed"})
)
LONGEST_ID, LONGEST_NAME, LONGEST_ITEM = 256, 64, 128  # characters that are taken
LETTERS = "\N{OLD ITALIC LETTER A}\N{OLD ITALIC LETTER BE}\N{OLD ITALIC LETTER KE}"  # of four bytes each
USERS = ("u", "v")


class Sender:
    """Whoever writes as much as is taken, a new name each time, in letters of four bytes."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.count = 0
        self.visits = [self.text(LONGEST_ID)]

    def text(self, length: int) -> str:
        self.count += 1
        return f"{self.count}x".ljust(length, self.random.choice(LETTERS))

    def described(self) -> dict[str, object]:
        names = {name: self.text(LONGEST_NAME) for name in ("category", "brand", "query")}
        tags = [self.text(LONGEST_NAME) for _ in range(16)]
        return {"product_id": self.text(LONGEST_ITEM), "tags": tags, **names}

    def value(self, at: float) -> bytes:
        """One event of one of the two users, or one that makes a device the user's."""
        user = self.random.choice(USERS)
        if self.random.random() < 0.1:
            self.visits.append(self.text(LONGEST_ID))
        context = {
            "sessionId": self.random.choice(self.visits[-20:]),
            "userAgent": self.text(512),
            "location": {"country": self.text(32)},
            "traits": {self.text(LONGEST_NAME): self.text(LONGEST_NAME), "plan": self.text(LONGEST_NAME)},
            "page": {"url": f"https://{self.random.choice('abc')}.example/?q={self.text(40)}"},
        }
        match self.random.randrange(8):
            case 0:
                return event("identify", user, at, anonymousId=self.text(LONGEST_ID), context=context)
            case 1:
                return event("alias", user, at, previousId=self.text(LONGEST_ID), context=context)
            case 2:
                return event("page", "", at, anonymousId=self.text(LONGEST_ID), context=context)
            case 3:
                products = [self.described() for _ in range(5)]
                bought = {"revenue": self.random.uniform(-1e12, 1e12), "products": products}
                return track(user, at, "Order Completed", bought, context=context)
            case 4:
                return track(user, at, self.text(LONGEST_ID), self.described(), context=context)
            case 5:
                return session(user, at, 60, 5, sessionId=self.text(LONGEST_ID), items=[self.text(256)])
            case 6:
                return track(user, at, "Product Added", self.described(), context=context)
        return event("page", user, at, properties=self.described(), context=context)


def largest(driver: Driver) -> int:
    return max(len(encode_row(row)) for row in driver.rows.values())


def assert_bounded(driver: Driver) -> None:
    assert largest(driver) <= MAX_ROW_BYTES
    for row in driver.rows.values():
        assert len(row.open_sessions) <= MAX_OPEN_SESSIONS
        assert len(row.linked) <= MAX_LINKED
        assert len(row.heard) <= MAX_HEARD


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 3]), st.floats(1.0, HOUR))
def test_no_stream_makes_a_row_larger_than_is_stated(seed: int, partitions: int, pause: float) -> None:
    random = Random(seed)
    sender, at = Sender(random), 0.0
    driver = Driver(
        RULES, script_models(items=lambda _: [sender.text(128) for _ in range(12)]), partitions=partitions
    )
    for _ in range(8):
        values = []
        for _ in range(25):
            at += random.expovariate(1 / pause)
            values.append(sender.value(at - random.choice([0, 0, random.uniform(0, DAY)])))
        driver.pipe(*values)
        assert_bounded(driver)
    driver.pipe(event("alias", "u", at, previousId="v"))
    assert_bounded(driver)


def test_the_largest_row_comes_near_what_is_stated() -> None:
    """The bound is no idle figure: as many visits, looks, devices and senders as there is room for."""
    sender, driver = Sender(Random(1)), Driver(RULES)
    devices = [sender.text(LONGEST_ID) for _ in range(MAX_HEARD)]
    for at, device in enumerate(devices):
        driver.pipe(event("page", "", at, anonymousId=device), event("identify", "u", at, anonymousId=device))
    driver.pipe(*[event("page", "", 99, anonymousId=device) for device in devices])
    for visit in range(MAX_OPEN_SESSIONS):
        context = {"sessionId": f"{visit} {sender.text(200)}"}
        looks = [(at, sender.described()) for at in range(MAX_OPEN_ITEMS // MAX_OPEN_SESSIONS)]
        driver.pipe(*[event("page", "u", 100 + at, properties=look, context=context) for at, look in looks])
    assert MAX_ROW_BYTES / 2 < largest(driver) <= MAX_ROW_BYTES
