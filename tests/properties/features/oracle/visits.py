"""Sessions by the oracle: open ones keep all of their events; closed ones are told in order of their end."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from properties.features.oracle.every_event import EveryEvent, Kept
from properties.features.oracle.facts import viewed_item

from stream_app.features.sessions import MAX_SESSION_ITEMS, SAME_LOOK


@dataclass
class Visit:
    """An open session."""

    events: list[Kept] = field(default_factory=list)
    looks: list[tuple[float, str]] = field(default_factory=list)
    tracker_id: str = ""

    @property
    def start(self) -> float:
        return min(event.at for event in self.events)

    @property
    def end(self) -> float:
        return max(event.at for event in self.events)


class Closed(NamedTuple):
    """A session that is over, as it is sent on."""

    offset: int
    session_id: str
    start: float
    end: float
    duration: float
    events: int
    page_views: int
    items: list[str]


@dataclass
class Visits:
    """The sessions of one user, and the page views that only their tracker's summaries tell of.

    `sent` are all that were closed, `closed` those that were not forgotten since.
    """

    open: list[Visit] = field(default_factory=list)
    sent: list[Closed] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    told_views: list[tuple[float, int]] = field(default_factory=list)

    def close(self, session: Closed) -> None:
        """Send a session on, and count it."""
        self.sent.append(session)
        self.closed.append(session)

    @property
    def pauses(self) -> list[float]:
        """From the end of all sessions so far to the start of the next."""
        ends = [session.end for session in self.closed]
        return [
            session.start - max(ends[:place])
            for place, session in enumerate(self.closed)
            if place and session.start > max(ends[:place])
        ]


def visits_of(oracle: EveryEvent, user: str) -> Visits:
    """Replay every step of the partition for one user."""
    visits = Visits()
    gap, limit = oracle.rules.session_gap, oracle.rules.session_limit
    for moment in oracle.moments:
        for visit in sorted(visits.open, key=lambda visit: visit.start):
            if visit.end + gap <= moment.until:
                visits.open.remove(visit)
                visits.close(_close(visit))
        if moment.user == user and moment.is_withdrawal:
            visits = Visits(sent=visits.sent)
        if moment.user == user and moment.kept is not None:
            if moment.kept.is_single_use:
                _touch(visits, moment.kept, gap, limit)
            elif moment.kept.kind == "session":
                _summarise(visits, moment.kept, gap)
    return visits


def spans_by_gaps(times: list[float], gap: float) -> list[tuple[float, float, int]]:
    """The definition where nothing else bounds sessions: events in order of time, cut at each long pause."""
    ordered = sorted(times)
    cuts = [0, *(at for at, (one, two) in enumerate(pairwise(ordered), 1) if two - one >= gap), len(ordered)]
    return [(ordered[one], ordered[two - 1], two - one) for one, two in pairwise(cuts)] if ordered else []


def _touch(visits: Visits, kept: Kept, gap: float, limit: float) -> None:
    tracker_id = str(kept.context.get("sessionId", ""))
    fitting = [visit for visit in visits.open if _fits(visit, kept.at, tracker_id, gap, limit)]
    fitting.sort(key=lambda visit: visit.start)
    if not fitting:
        fitting = [Visit()]
        visits.open += fitting
    visit, *others = fitting
    for other in others:
        joint = visit.events + other.events
        span = max(event.at for event in joint) - min(event.at for event in joint)
        if span <= limit and (
            not visit.tracker_id or not other.tracker_id or visit.tracker_id == other.tracker_id
        ):
            visit.events, visit.looks = joint, visit.looks + other.looks
            visit.tracker_id = visit.tracker_id or other.tracker_id
            visits.open.remove(other)
    visit.events.append(kept)
    visit.tracker_id = visit.tracker_id or tracker_id
    item = viewed_item(kept)
    if item is not None and not any(
        item == seen and abs(kept.at - seen_at) < SAME_LOOK for seen_at, seen in visit.looks
    ):
        visit.looks.append((kept.at, item))
    # The newest are kept; what came first at one time stays first.
    visit.looks = sorted(visit.looks, key=lambda look: look[0])[-MAX_SESSION_ITEMS:]


def _fits(visit: Visit, at: float, tracker_id: str, gap: float, limit: float) -> bool:
    if max(visit.end, at) - min(visit.start, at) > limit:
        return False
    if visit.tracker_id and tracker_id:
        return visit.tracker_id == tracker_id
    return min(abs(at - visit.start), abs(at - visit.end)) < gap or visit.start <= at <= visit.end


def _summarise(visits: Visits, kept: Kept, gap: float) -> None:
    told = kept.properties
    start, tracker_id = kept.at - told["duration"], told.get("sessionId", "")
    covered = [
        visit
        for visit in sorted(visits.open, key=lambda visit: visit.start)
        if (not visit.tracker_id or not tracker_id or visit.tracker_id == tracker_id)
        and visit.start - kept.at < gap
        and start - visit.end < gap
    ]
    if not covered:
        visits.told_views.append((kept.at, told["pageViews"]))
    visits.open = [visit for visit in visits.open if visit not in covered]
    visits.close(
        Closed(
            kept.offset,
            tracker_id or str(kept.offset),
            start,
            kept.at,
            told["duration"],
            sum(len(visit.events) for visit in covered),
            told["pageViews"],
            told.get("items") or [item for visit in covered for _, item in visit.looks],
        )
    )


def _close(visit: Visit) -> Closed:
    return Closed(
        max(event.offset for event in visit.events),
        visit.tracker_id or f"{visit.start:.3f}",
        visit.start,
        visit.end,
        visit.end - visit.start,
        len(visit.events),
        sum(event.is_view for event in visit.events),
        [item for _, item in visit.looks],
    )
