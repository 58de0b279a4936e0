"""Random campaigns, people, zones and clocks: whatever is decided and looked at again breaks no rule.

`make test` decides tens of thousands of times, `make plans` a million.
"""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from stream_app.features.notified import Notified, Planned, Sent, note_opened, note_sent
from stream_app.models.notifications.chances import Chances
from stream_app.planning.campaigns import Campaign
from stream_app.planning.decision import decide
from stream_app.planning.local_time import clock_of
from stream_app.planning.occasion import Known, Learned
from stream_app.planning.reevaluation import look_again
from stream_app.planning.segments import SEGMENTS, Segment
from stream_app.planning.when import VisitHours
from stream_app.planning.whether import Standing, is_control

DECISIONS = int(os.environ.get("PLANNING_DECISIONS", "24000"))
PER_USER = 60
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Antarctica/Troll",
    "UTC",
)
# Around changes of clocks in both hemispheres, and days that a zone left out or had twice.
STARTS = [
    datetime(*day, tzinfo=UTC).timestamp()
    for day in ((2026, 3, 6), (2026, 3, 27), (2026, 4, 3), (2026, 10, 23), (2026, 10, 30), (2011, 12, 28))
]


class World:
    """One user of a random campaign: their clock goes on, jumps back, and they travel."""

    def __init__(self, draw: np.random.Generator) -> None:
        self.draw = draw
        self.campaign = random_campaign(draw)
        kinds = len(self.campaign.types)
        self.learned = Learned(Chances(len(SEGMENTS), kinds), VisitHours(len(SEGMENTS)))
        self.learned.chances.opening.weights += draw.normal(size=self.learned.chances.layout.size)
        self.state = Notified()
        self.user_key = f"user-{draw.integers(10**9)}"
        self.now = float(draw.choice(STARTS) + draw.uniform(0, 6 * 86_400))
        self.zone = str(draw.choice(ZONES))
        self.trait = str(draw.choice(["", "", "", "control", "treatment"]))
        self.consents, self.opted_out, self.session_until = True, False, 0.0
        self.segment: Segment = SEGMENTS[0]
        self.sent: list[tuple[Sent, str, Segment]] = []

    def pass_time(self) -> None:
        draw = self.draw
        self.now += float(draw.choice([0.0, 600.0, 3_600.0, 20_000.0, 90_000.0]) * draw.uniform(0.1, 2))
        if draw.random() < 0.05:
            self.now -= float(draw.choice([30.0, 3_600.0, 90_000.0, 9 * 86_400.0]))
        if draw.random() < 0.1:
            self.zone = str(draw.choice(ZONES))
        if draw.random() < 0.1:
            self.consents = not self.consents
        if draw.random() < 0.02:
            self.opted_out = not self.opted_out
        self.segment = SEGMENTS[int(draw.integers(len(SEGMENTS)))]
        self.session_until = self.now + 900 if draw.random() < 0.2 else 0.0

    def known(self) -> Known:
        return Known(
            user_key=self.user_key,
            segment=self.segment,
            standing=Standing(self.consents, self.opted_out, self.trait),
            clock=clock_of(self.zone, "UTC"),
            last_at=self.now - 1_000,
            recent_visits=3.0,
            hours=self.draw.integers(0, 5, 24),
            state=self.state,
            in_session_until=self.session_until,
            items={"cart": [{"id": "a"}]} if self.draw.random() < 0.5 else {},
        )

    def decide(self, cause: str) -> Planned | None:
        known = self.known()
        decision = decide(self.campaign, known, self.campaign.types, self.learned, self.now, cause)
        again = decide(self.campaign, known, self.campaign.types, self.learned, self.now, cause)
        assert again.planned == decision.planned
        assert (decision.planned is None) == (decision.reason is not None)
        if decision.weighed is not None:
            assert decision.weighed.propensities.sum() == pytest.approx(1.0)
        return decision.planned

    def send_when_due(self, planned: Planned) -> None:
        """Look at the plan when it is due and whenever it was put off, as long as it is."""
        for _ in range(200):
            assert planned.planned_at <= planned.due_at < planned.expires_at
            self.now = planned.due_at + float(self.draw.choice([0.0, 0.0, 30.0, 5_000.0]))
            if self.draw.random() < 0.2:
                self.pass_time()
            verdict = look_again(self.campaign, self.known(), planned, self.now)
            if verdict.reason is None:
                self.send(planned)
                return
            if verdict.due_at is None:
                return
            assert verdict.due_at > self.now
            planned.due_at = verdict.due_at
        raise AssertionError("put off for ever")

    def send(self, planned: Planned) -> None:
        kind = self.campaign.by_name[planned.kind]
        assert self.now < planned.expires_at
        local = datetime.fromtimestamp(self.now, ZoneInfo(self.zone))
        sent = Sent(planned.id, kind.name, kind.channel, self.now, local.hour, planned.chance)
        sent.is_marketing = kind.is_marketing
        if kind.is_marketing:
            assert self.consents
            assert not self.opted_out
            assert not is_control(self.campaign, self.user_key, self.trait)
            assert kind.suits(self.segment)
            assert not (self.session_until > self.now and not kind.in_session)
            self.check_quiet_hours(kind.channel, local)
            self.check_caps(kind.channel, local)
        note_sent(self.state, sent)
        self.sent.append((sent, kind.channel, self.segment))
        if self.draw.random() < 0.3:
            note_opened(self.state, sent)

    def check_quiet_hours(self, channel: str, local: datetime) -> None:
        quiet = self.campaign.channel_by_name[channel].quiet_hours
        if quiet is not None:
            minutes = {minute % 1440 for minute in range(quiet[0], quiet[1] + 1440 * (quiet[0] > quiet[1]))}
            assert local.hour * 60 + local.minute not in minutes

    def check_caps(self, channel: str, local: datetime) -> None:
        today, monday = local.date(), local.date() - timedelta(days=local.weekday())
        for caps, is_counted in (
            (self.campaign.channel_by_name[channel].caps, lambda name: name == channel),
            (self.campaign.shared_caps, lambda _: True),
        ):
            days = [
                self.day_of(sent) for sent, name, _ in self.sent if sent.is_marketing and is_counted(name)
            ]
            if caps.per_day is not None:
                assert days.count(today) + 1 <= caps.per_day
            of_week = caps.of_week(self.segment)
            if of_week is not None:
                assert sum(monday <= day < monday + timedelta(days=7) for day in days) + 1 <= of_week

    def day_of(self, sent: Sent) -> date:
        return datetime.fromtimestamp(sent.at, ZoneInfo(self.zone)).date()


def random_campaign(draw: np.random.Generator) -> Campaign:
    def caps() -> dict[str, object]:
        found: dict[str, object] = {}
        if draw.random() < 0.6:
            found["per_day"] = int(draw.integers(0, 4))
        if draw.random() < 0.6:
            found["per_week"] = int(draw.integers(0, 9))
        if draw.random() < 0.3:
            found["per_week_by_segment"] = {str(draw.choice(SEGMENTS)): int(draw.integers(0, 5))}
        return found

    def time() -> str:
        return f"{draw.integers(24):02}:{draw.integers(60):02}"

    channels = [
        {"name": name, "caps": caps()} | ({"quiet_hours": [time(), time()]} if draw.random() < 0.7 else {})
        for name in ("push", "email")[: draw.integers(1, 3)]
    ]
    types = [
        {
            "name": f"type {number}",
            "channel": str(draw.choice([channel["name"] for channel in channels])),
            "purpose": "transactional" if draw.random() < 0.1 else "marketing",
            "trigger": {"kind": "schedule"} if draw.random() < 0.5 else {"kind": "event", "event": "x"},
            "segments": [str(each) for each in draw.choice(SEGMENTS, draw.integers(0, 8), replace=False)],
            "content": {"en": {"title": "t", "text": "t"}},
            "cool_down": f"{draw.integers(0, 100)}h",
            "valid_for": f"{draw.integers(1, 100)}h",
            "in_session": bool(draw.random() < 0.3),
        }
        | ({"items": {"source": "cart"}} if draw.random() < 0.2 else {})
        for number in range(draw.integers(1, 9))
    ]
    return Campaign.model_validate(
        {
            "version": 1,
            "name": "random",
            "state": "live",
            "channels": channels,
            "shared_caps": caps(),
            "types": types,
            "experiment": {"name": "e", "control_share": 0.2},
        }
    )


def worlds(seed: int) -> Iterator[World]:
    draw = np.random.default_rng(seed)
    for _ in range(max(1, DECISIONS // PER_USER)):
        yield World(draw)


def test_no_rule_is_broken() -> None:
    sends = plans = 0
    for world in worlds(int(os.environ.get("PLANNING_SEED", "1"))):
        for number in range(PER_USER):
            world.pass_time()
            planned = world.decide(str(number))
            if planned is not None:
                plans += 1
                world.send_when_due(planned)
        sends += len(world.sent)
        assert len({sent.id for sent, _, _ in world.sent}) == len(world.sent)
    assert plans > DECISIONS / 20
    assert sends > DECISIONS / 40
