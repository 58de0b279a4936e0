"""Users: hidden tastes and habits, and the public person that a tracker sees."""

from hashlib import blake2b
from typing import Any

import numpy as np

from stream_app.simulation.catalogue import CATEGORIES, DIMENSIONS, Catalogue, Floats, normalise
from stream_app.simulation.devices import COUNTRIES, DEVICES
from stream_app.simulation.settings import SimulationSettings

PLANS = ("free", "plus", "business")
TIER_BOUNDS = (0.6, 0.85)
CHANNELS = ("push", "email", "in_app")
KINDS = ("price_drop", "back_in_stock", "new_arrivals", "cart_reminder")
# Hours of the user's own clock at which notifications are sent.
SENDING_HOURS = np.arange(8, 22)
MOST_DEVICES = 3
NEWCOMERS_PER_DAY = 0.02
MOST_NEWCOMERS = 0.3

_FIRST_NAMES = ("ada", "bruno", "chloe", "dmitri", "elena", "farid", "grace", "hiro", "ines", "jonas")
_LAST_NAMES = ("adler", "brandt", "costa", "dubois", "evans", "fischer", "gupta", "hayes", "ito", "jensen")


def _daily_profile(peaks: tuple[tuple[float, float, float], ...]) -> Floats:
    """Share of visits by local hour from (hour, spread, weight) of each peak, around a round clock."""
    hours = np.arange(24)
    profile = np.full(24, 0.004)
    for peak, spread, weight in peaks:
        distance = np.minimum(np.abs(hours - peak), 24 - np.abs(hours - peak))
        profile += weight * np.exp(-0.5 * (distance / spread) ** 2)
    share: Floats = profile / profile.sum()
    return share


# (rhythm, weekday or weekend, hour): early birds, office hours, evenings, night owls.
HOUR_PROFILES: Floats = np.array(
    [
        [
            _daily_profile(((7.0, 1.2, 1.0), (18.0, 2.0, 0.3))),
            _daily_profile(((9.0, 1.8, 1.0), (16, 3, 0.4))),
        ],
        [
            _daily_profile(((10.5, 1.8, 1.0), (14.5, 1.8, 1.0))),
            _daily_profile(((12.0, 3.0, 1.0), (20, 2, 0.5))),
        ],
        [
            _daily_profile(((20.0, 1.6, 1.0), (12.5, 1.0, 0.25))),
            _daily_profile(((19.0, 3.0, 1.0), (11, 2, 0.6))),
        ],
        [
            _daily_profile(((23.0, 1.8, 1.0), (15.0, 3.0, 0.2))),
            _daily_profile(((0.0, 2.2, 1.0), (17, 3, 0.4))),
        ],
    ]
)


def sigmoid(logits: Floats) -> Floats:
    """Logistic function."""
    return 1.0 / (1.0 + np.exp(-logits))


class Population:
    """Hidden traits of every user, one array entry (or row) per user.

    Attributes:
        taste: direction in the items' hidden space times how choosy the user is (users, DIMENSIONS).
        engagement: hidden level in [0, 1); `tier` 1, 2 or 3 is cut from it.
        joined_on: day index of the first visit ever, -1 for users known before the run.
        visit: probability of a visit of their own accord by weekday, Monday first (users, 7).
        leave: probability per day of leaving for good.
        more_sessions: success probability of the three chances for another session on a visit day.
        buy: probability that a session ends in an order when no cart is open.
        add: probability that a session without an order puts something into the cart.
        steps: mean number of items looked at in a session.
        dwell: natural logarithm of the median time (s) spent at an item that leaves one cold.
        notified: probability per day of being sent a notification.
        open_level, open_channel, open_kind, open_hour: factors whose product is the probability that
            a notification is opened; open_hour covers SENDING_HOURS of the local day.
    """

    def __init__(self, settings: SimulationSettings, catalogue: Catalogue) -> None:
        draw = settings.generator("population")
        count = settings.users
        self.settings = settings
        self.engagement = draw.random(count)
        self.tier = 1 + np.searchsorted(TIER_BOUNDS, self.engagement, side="right")
        newcomer = draw.random(count) < min(NEWCOMERS_PER_DAY * settings.days, MOST_NEWCOMERS)
        self.joined_on = np.where(newcomer, draw.integers(0, settings.days, count), -1)
        self.plan = draw.choice(len(PLANS), count, p=[0.6, 0.3, 0.1])
        self.age = np.clip(np.round(draw.gamma(9.0, 4.3, count)), 16, 90).astype(np.int64)
        self.country = draw.choice(len(COUNTRIES), count, p=[country.weight for country in COUNTRIES])
        self._draw_devices(draw)
        self._draw_tastes(draw, catalogue)
        self._draw_habits(draw)
        self._draw_openings(draw)
        self.sends_session_events = draw.random(count) < settings.session_event_share
        self.is_labelled = draw.random(count) < settings.label_share

    def _draw_devices(self, draw: np.random.Generator) -> None:
        count = self.settings.users
        weights = [device.weight for device in DEVICES]
        self.devices = draw.choice(len(DEVICES), (count, MOST_DEVICES), p=weights)
        self.device_count = draw.choice([1, 2, 3], count, p=[0.55, 0.35, 0.10])

    def _draw_tastes(self, draw: np.random.Generator, catalogue: Catalogue) -> None:
        count = self.settings.users
        affinity = draw.dirichlet(np.full(len(CATEGORIES), 0.18), count)
        direction = affinity @ catalogue.centroids + 0.10 * draw.normal(size=(count, DIMENSIONS))
        self.category_affinity = affinity
        self.taste: Floats = normalise(direction) * draw.uniform(2.5, 5.0, (count, 1))

    def _draw_habits(self, draw: np.random.Generator) -> None:
        count = self.settings.users
        level = self.engagement
        plan = np.array([0.0, 0.35, 0.7])[self.plan]
        os_effect = {"iOS": 0.15, "Android": -0.25, "macOS": 0.1, "Windows": 0.0, "Linux": 0.0}
        primary = np.array([os_effect[device.os] for device in DEVICES])[self.devices[:, 0]]
        own = draw.normal(0.0, 0.12, count)
        weekend = draw.normal(-0.1, 0.2, count)
        weekday_effect = np.array([0.1, 0.0, 0.0, 0.0, -0.1, 0.0, 0.0]) + np.outer(
            weekend, [0, 0, 0, 0, 0, 1, 1]
        )
        self.visit = sigmoid((-3.5 + 3.6 * level + plan + primary + own)[:, None] + weekday_effect)
        self.leave: Floats = 0.05 * np.exp(-2.5 * level - 0.6 * plan - primary + draw.normal(0.0, 0.1, count))
        self.more_sessions = 0.04 + 0.3 * level
        age_effect = 0.012 * (self.age - 40)
        self.buy = sigmoid(-4.1 + 1.8 * level + age_effect + draw.normal(0.0, 0.15, count))
        self.add = sigmoid(-2.0 + 1.3 * level + draw.normal(0.0, 0.25, count))
        self.steps: Floats = (0.7 + 3.6 * level) * draw.lognormal(0.0, 0.1, count)
        self.dwell = 1.7 + 1.8 * level + draw.normal(0.0, 0.05, count)
        self.rhythm = draw.choice(len(HOUR_PROFILES), count, p=[0.2, 0.25, 0.4, 0.15])

    def _draw_openings(self, draw: np.random.Generator) -> None:
        count = self.settings.users
        self.notified = draw.choice([0.0, 0.1, 0.25, 0.5], count, p=[0.15, 0.3, 0.35, 0.2])
        self.open_level = 0.15 + 0.5 * draw.beta(2.0, 3.0, count)
        self.open_channel = draw.uniform(0.15, 1.0, (count, len(CHANNELS)))
        self.open_kind = draw.uniform(0.3, 1.0, (count, len(KINDS)))
        liked = HOUR_PROFILES[:, 0, :][:, SENDING_HOURS]
        self.open_hour = (0.25 + 0.75 * liked / liked.max(axis=1, keepdims=True))[self.rhythm]

    def mean_opening(self) -> Floats:
        """Probability that a notification of a random hour, channel and kind is opened (users,)."""
        means: Floats = (
            self.open_hour.mean(axis=1) * self.open_channel.mean(axis=1) * self.open_kind.mean(axis=1)
        )
        return means * self.open_level

    def user_id(self, user: int) -> str:
        """Identifier on the wire."""
        return f"u{user:07d}"

    def index_of(self, user_id: str) -> int:
        """User index of an identifier; ValueError if the simulation has no such user."""
        if user_id[:1] != "u" or not user_id[1:].isdecimal() or int(user_id[1:]) >= self.settings.users:
            raise ValueError(f"user {user_id!r} is not simulated: write one from u0000000 on")
        return int(user_id[1:])

    def traits(self, user: int) -> dict[str, Any]:
        """Traits of an identify call; e-mail and telephone are planted personal data of nobody."""
        first, last = _FIRST_NAMES[user % 10], _LAST_NAMES[user // 10 % 10]
        return {
            "email": f"{first}.{last}.{user}@example.com",
            "phone": f"+1-{200 + user // 100 % 800}-555-{100 + user % 100:04d}",
            "age": int(self.age[user]),
            "country": COUNTRIES[self.country[user]].code,
            "plan": PLANS[self.plan[user]],
        }

    def address(self, user: int, is_mobile: bool) -> str:
        """IP address from the ranges kept for tests and documentation."""
        if is_mobile:
            return f"2001:db8:{user >> 16:x}:{user & 0xFFFF:x}::1"
        return f"198.{18 + (user >> 16 & 1)}.{user >> 8 & 255}.{user & 255}"

    def anonymous_id(self, user: int, device_slot: int, visit: str = "") -> str:
        """Identifier of a browser's cookie; `visit` marks a cookie that lives for one visit."""
        name = f"{self.settings.seed}/{user}/{device_slot}/{visit}".encode()
        return format_uuid(blake2b(name, digest_size=16).hexdigest())


def format_uuid(digits: str) -> str:
    """32 hexadecimal digits in the form of a UUID."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
