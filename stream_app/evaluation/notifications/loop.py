"""The closed loop: every day a policy proposes, the rules are asked again, people answer, it learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from stream_app.evaluation.notifications.audit import Audit, Receiver
from stream_app.evaluation.notifications.off_policy import Logged
from stream_app.evaluation.notifications.people import DAY, SESSION, Life, Sends, Town
from stream_app.evaluation.notifications.policies import Asked, Policy, Proposal, Told
from stream_app.features.notified import (
    DISMISSED,
    OPTED_OUT,
    Notified,
    Sent,
    note_opened,
    note_sent,
)
from stream_app.planning.campaign_text import read_campaign, starter_text
from stream_app.planning.campaigns import Campaign, NotificationType
from stream_app.planning.occasion import Known
from stream_app.planning.reevaluation import look_again
from stream_app.planning.segments import Segment, segment_of
from stream_app.planning.whether import OPT_OUT_PRICE, Standing, is_control

_MOST_LOOKS = 4
_ITEMS = {"cart": [{"id": "left"}], "recommender": [{"id": "found"}] * 3, "viewed": [{"id": "seen"}]}


def starter_campaign() -> Campaign:
    """The campaign that comes with the product, approved."""
    return approved(read_campaign(starter_text()))


def approved(campaign: Campaign) -> Campaign:
    """The campaign as it is when live; what is transactional is no policy's choice, and is left out."""
    types = [kind for kind in campaign.types if kind.is_marketing]
    return campaign.changed(state="live", types=types)


@dataclass
class Result:
    """What one policy came to."""

    sends: int = 0
    opens: int = 0
    opt_outs: int = 0
    returns: int = 0
    purchases: int = 0
    violations: dict[str, int] = field(default_factory=dict)
    log: list[Logged] = field(default_factory=list)

    @property
    def reward(self) -> float:
        """Opens, less ten for each opting out."""
        return self.opens - OPT_OUT_PRICE * self.opt_outs

    def figures(self) -> dict[str, float]:
        """The figures by the names of the report."""
        return {
            "sends": self.sends,
            "opens": self.opens,
            "open_rate": self.opens / max(self.sends, 1),
            "opt_outs": self.opt_outs,
            "returns": self.returns,
            "purchases": self.purchases,
            "reward": self.reward,
        }


def run(
    town: Town,
    campaign: Campaign,
    days: int,
    make_policy: Callable[[Life], Policy],
    every_day: Callable[[], None] = lambda: None,
) -> Result:
    """Live through `days` days under one policy."""
    return _Loop(town, campaign, days, make_policy).run(every_day)


class _Loop:
    def __init__(
        self, town: Town, campaign: Campaign, days: int, make_policy: Callable[[Life], Policy]
    ) -> None:
        self._town, self._campaign, self._days = town, campaign, days
        self._life = Life(town)
        self._policy = make_policy(self._life)
        self._states = [Notified() for _ in range(town.people)]
        self._audit = Audit(campaign)
        self._result = Result()
        self._is_control = [
            is_control(campaign, key, str(trait))
            for key, trait in zip(town.user_keys, town.traits, strict=True)
        ]
        self._kinds = {
            segment: [kind for kind in campaign.types if kind.suits(segment)] for segment in Segment
        }

    def run(self, every_day: Callable[[], None]) -> Result:
        for day in range(self._days):
            self._live(day)
            every_day()
        self._result.returns, self._result.purchases = self._life.returns, self._life.purchases
        self._result.violations = self._audit.violations
        return self._result

    def _live(self, day: int) -> None:
        life = self._life
        life.begin_day()
        segments = [segment_of(scores) for scores in life.scores()]
        self._policy.see_visits(life, segments)
        sent: list[tuple[Proposal, Segment]] = []
        for user in range(self._town.people):
            proposal = self._propose(user, segments[user], day)
            if proposal is not None and self._is_sent(proposal, segments[user], day):
                sent.append((proposal, segments[user]))
        self._answer(sent)

    def _propose(self, user: int, segment: Segment, day: int) -> Proposal | None:
        # Whoever can get nothing is asked about no further; that they are barred is decided below in full.
        if self._is_control[user] or self._life.opted_out[user] or not self._life.may_market(day, user):
            return None
        kinds = self._kinds[segment]
        if not self._life.has_cart(user):
            kinds = [kind for kind in kinds if not _needs_cart(kind)]
        now = float(self._life.midnights[user])
        return self._policy.propose(Asked(user, self._known(user, segment, day), kinds, now, str(day)))

    def _known(self, user: int, segment: Segment, day: float) -> Known:
        life, town = self._life, self._town
        relevance = life.relevance(user)
        return Known(
            user_key=town.user_keys[user],
            segment=segment,
            standing=Standing(life.may_market(day, user), bool(life.opted_out[user]), str(town.traits[user])),
            clock=town.clock(user),
            last_at=float(life.last_at[user]),
            recent_visits=float(life.recent_visits[user]),
            hours=life.visit_hours[user],
            state=self._states[user],
            items=_ITEMS,
            relevance={kind.name: relevance for kind in self._campaign.types if kind.items is not None},
        )

    def _is_sent(self, proposal: Proposal, segment: Segment, day: int) -> bool:
        """Look at the plan when it is due; where it is put off, at the later moment."""
        user, planned = proposal.user, proposal.planned
        life, midnight = self._life, float(self._life.midnights[proposal.user])
        for _ in range(_MOST_LOOKS):
            now = planned.due_at
            known = self._known(user, segment, day + (now - midnight) / DAY)
            came_at, bought_at = float(life.visit_at[user]), float(life.bought_at[user])
            if came_at <= now < came_at + SESSION:
                known = replace(known, in_session_until=came_at + SESSION)
            is_wanted = not (_needs_cart(self._campaign.by_name[planned.kind]) and bought_at <= now)
            verdict = look_again(self._campaign, known, planned, now, is_wanted=is_wanted)
            if verdict.reason is None:
                proposal.hour = known.clock.local(now).hour
                return True
            if verdict.due_at is None:
                return False
            planned.due_at = verdict.due_at
        return False

    def _answer(self, sent: Sequence[tuple[Proposal, Segment]]) -> None:
        if not sent:
            self._life.end_day()
            return
        numbers, proposals = self._campaign.numbers, [proposal for proposal, _ in sent]
        sends = Sends(
            np.array([proposal.user for proposal in proposals]),
            np.array([numbers[proposal.planned.kind] for proposal in proposals]),
            np.array([proposal.hour for proposal in proposals]),
            np.array([proposal.planned.due_at for proposal in proposals]),
        )
        for proposal, segment in sent:
            self._record(proposal, segment)
            if proposal.weighed is not None:
                self._result.log.append(self._log(proposal))
        answers = self._life.end_day(sends)
        if answers is None:
            return
        outcomes = zip(answers.opened, answers.dismissed, answers.opted_out, strict=True)
        told = [
            Told(proposal, segment, bool(opened), bool(dismissed), bool(left))
            for (proposal, segment), (opened, dismissed, left) in zip(sent, outcomes, strict=True)
        ]
        for place, each in enumerate(told):
            self._note(each)
            if each.proposal.weighed is not None:
                at = place - len(told)
                self._result.log[at] = replace(self._result.log[at], opened=float(each.opened))
        self._policy.learn(told)

    def _record(self, proposal: Proposal, segment: Segment) -> None:
        """Write the send down, and have it audited as of its own time."""
        town, planned, user = self._town, proposal.planned, proposal.user
        sent = Sent(planned.id, planned.kind, planned.channel, planned.due_at, proposal.hour, planned.chance)
        note_sent(self._states[user], sent)
        since_start = (planned.due_at - float(town.midnights(0)[user])) / DAY
        self._audit.note(
            town.user_keys[user],
            planned.kind,
            planned.due_at,
            Receiver(
                town.clock(user).name,
                segment,
                self._life.may_market(since_start, user) and not self._life.opted_out[user],
                self._is_control[user],
            ),
        )

    def _note(self, told: Told) -> None:
        self._result.sends += 1
        self._result.opens += told.opened
        self._result.opt_outs += told.opted_out
        newest = self._states[told.proposal.user].sent[-1]
        if told.opened:
            note_opened(self._states[told.proposal.user], newest)
        elif told.opted_out or told.dismissed:
            newest.answer = OPTED_OUT if told.opted_out else DISMISSED

    def _log(self, proposal: Proposal) -> Logged:
        """The decision as off-policy estimates need it, with the hidden chance of the other way's type."""
        weighed, life = proposal.weighed, self._life
        assert weighed is not None
        other = int(np.argmax(weighed.propensities))
        hour = int(weighed.occasion.hours[weighed.hours[other]])
        who, kind = np.array([proposal.user]), weighed.occasion.kinds[[other]]
        truth = self._town.responses.opening(
            who, kind, np.array([hour]), life.weekend(), life.condition, life.interest(who)
        )
        agrees = weighed.place == other
        return Logged(
            weight=1.0 / float(weighed.propensities[other]) if agrees else 0.0,
            opened=0.0,
            foreseen=float(weighed.chances[weighed.place]),
            foreseen_other=float(weighed.chances[other]),
            truth_other=float(truth[0]),
        )


def _needs_cart(kind: NotificationType) -> bool:
    return kind.items is not None and kind.items.source == "cart"
