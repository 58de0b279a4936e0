"""People who share devices, become known late and have other ids; and what must hold whatever happens.

Which of two claims to a device comes first hangs on the order of two topics, which no two runs share, and so
does what an erasure finds. So no row of theirs is held against another run's; what is held is what no order
may change: that each event counts once, and that nobody's own events are in another's row.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

import orjson

from stream_app.features.user_row import UserRow

MARK = "household-"
PEOPLE, DEVICES = ("p0", "p1"), ("d0", "d1")
VISITS, LINKS = 14, 4
EVENTS_OF_HOUSEHOLD = VISITS + LINKS
LATEST_SECONDS = 1_800.0  # by which a link comes late; less than lateness allows


class Arrival(NamedTuple):
    """An event, and when it is sent (epoch seconds)."""

    at: float
    value: bytes


def is_of_household(user_key: str | None) -> bool:
    """Whether a row or an output is of one of these people or devices."""
    return user_key is not None and user_key.startswith(MARK)


def household_of(user_key: str) -> str:
    """The household of one of its ids."""
    return user_key.split("/", maxsplit=1)[0]


def lives(chance: Random, household: str, begin: float, end: float) -> Iterator[Arrival]:
    """What one household sends between two times: visits by each id, and links at any time."""
    ids = [f"{household}/{name}" for name in (*PEOPLE, *DEVICES, "old0")]
    for number in range(VISITS):
        author = ids[number % len(ids)] if number < len(ids) else chance.choice(ids)
        who = {"anonymousId": author} if "/d" in author else {"userId": author}
        about = {"product_id": f"{author}:{number}", "category": f"c{number % 3}"}
        yield _event(chance.uniform(begin, end), 0.0, f"{household}/m{number}", "page", who, properties=about)
    p0, p1, d0, d1, old0 = ids
    links: list[tuple[str, dict[str, str]]] = [
        ("identify", {"userId": p0, "anonymousId": d0}),
        ("identify", {"userId": p1, "anonymousId": d1}),
        ("identify", {"userId": p1, "anonymousId": d0}),  # a shared device
        ("alias", {"userId": p0, "previousId": old0}),
    ]
    assert len(links) == LINKS
    for number, (kind, who) in enumerate(links):
        late = chance.choice([0.0, chance.uniform(0, LATEST_SECONDS)])
        yield _event(chance.uniform(begin, end), late, f"{household}/l{number}", kind, who)


def _event(at: float, late: float, message: str, kind: str, who: Mapping[str, str], **fields: Any) -> Arrival:
    sent_at = datetime.fromtimestamp(at - late, UTC).isoformat()
    return Arrival(
        at, orjson.dumps({"type": kind, "messageId": message, "timestamp": sent_at, **who, **fields})
    )


def judge_households(rows: Mapping[str, UserRow], expected: set[str], erased: set[str]) -> list[str]:
    """What the rows of households break; `erased` are those of whom somebody (p0) was erased."""
    findings: list[str] = []
    views: Counter[str] = Counter()
    for user_key, row in rows.items():
        household, _, own = user_key.partition("/")
        if row.merged_into and (row.kinds or row.outgoing):
            findings.append(f"{user_key} was merged and still holds a history")
        views[household] += row.kinds["page"].count if "page" in row.kinds else 0
        authors = {item.rpartition(":")[0] for item in (*row.recent_items, *row.top_items)}
        strangers = {author for author in authors if household_of(author) != household}
        if own in PEOPLE:
            strangers |= authors & {f"{household}/{person}" for person in PEOPLE if person != own}
        if strangers:
            findings.append(f"{user_key} holds what {sorted(strangers)} did")
        if household in erased and f"{household}/p0" in authors:
            findings.append(f"{user_key} holds what an erased user did")
    for household in sorted(expected):
        counted = views[household]
        if counted > VISITS or (counted < VISITS and household not in erased):
            findings.append(f"{household}: {counted} of {VISITS} page views count")
    return findings
