"""A data folder as it is now: users, items and outputs, while another process may fill it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from stream_app.core.recommending import describe_occasion
from stream_app.features.interests import FACETS, affinities
from stream_app.features.reading import read_features
from stream_app.features.user_row import OpenSession, UserRow
from stream_app.folder.folder_models import FolderModels
from stream_app.folder.recommending import Explained, explain_list, latest_session_items, note_on
from stream_app.folder.trace import OUTLOOK, RECOMMENDATIONS, TIER, Standing, Traces, UserTrace
from stream_app.intake import consent
from stream_app.learning.ports import Occasion
from stream_app.models.recommenders.context import NO_CONTEXT, context_at
from stream_app.runtimes.common.intake import build_privacy
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.embedded.output_table import StoredOutput
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.outputs import RecommendedItem, Tier
from stream_app.serving.api.ports import Entry, JsonObject, SessionAsked
from stream_app.settings.environment import Settings

MOST_POINTERS = 8  # owners make their ids point to them directly; a chain is short
ASKED_BY_HAND = "asked for by hand"
TIER_NAMES = {number: tier.value for number, tier in enumerate(Tier, 1)}


class FolderPresent:
    """Follows a folder. Every question first takes in what has been written since the last; for one thread.

    `clock` gives epoch seconds.

    Raises:
        StateError: the folder holds no data, or cannot be read.
    """

    def __init__(self, data_dir: Path, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._privacy = build_privacy(settings)
        self._store = Store(data_dir, read_only=True)
        self._models = FolderModels(data_dir, settings, clock)
        self._seen_version = -1
        self._erasures = (-1, 0.0)
        self._traces = Traces()
        self._gone: set[str] = set()
        self._take_in()

    def close(self) -> None:
        """Let go of the folder."""
        self._store.close()

    def status(self) -> JsonObject:
        """How fresh the data is, and how much there is."""
        self._take_in()
        traces = self._traces
        tiers = [standing.tier for _, standing in self._standings()]
        behind = (
            max(self._clock() - datetime.fromisoformat(traces.newest_emitted_at).timestamp(), 0.0)
            if traces.newest_emitted_at
            else None
        )
        return {
            "users": len(traces.users) - len(self._gone),
            "users_by_tier": {name: tiers.count(number) for number, name in TIER_NAMES.items()},
            "outputs": dict(traces.counts),
            "sequence": traces.sequence,
            "event_time": traces.newest_as_of or None,
            "seconds_behind": behind,
        }

    def days(self) -> JsonObject:
        """By day of event time: flows between tiers, events, outputs by schema; and what was refused."""
        self._take_in()
        traces = self._traces
        flows = traces.flows(self._gone)
        return {
            "days": [
                {
                    "day": day,
                    "events": traces.events[day],
                    "outputs": dict(made),
                    "flows": [[*tiers, count] for tiers, count in flows.get(day, {}).items()],
                }
                for day, made in sorted(traces.made.items())
            ],
            "failed": dict(traces.failed),
        }

    def users(self, tier: int | None, prefix: str, skip: int, limit: int) -> tuple[list[JsonObject], int]:
        """Users whose tier is known, the most engaged first, and how many there are."""
        self._take_in()
        found = [
            (user_key, standing)
            for user_key, standing in self._standings()
            if (tier is None or standing.tier == tier) and user_key.startswith(prefix)
        ]
        found.sort(key=lambda line: (-line[1].tier, -line[1].engagement, line[0]))
        lines = [
            {
                "user_key": user_key,
                "tier": standing.tier,
                "tier_name": TIER_NAMES[standing.tier],
                "engagement": standing.engagement,
                "as_of": standing.as_of,
            }
            for user_key, standing in found[skip : skip + limit]
        ]
        return lines, len(found)

    def user(self, user_id: str) -> JsonObject | None:
        """What is known of a user now; None of somebody unknown."""
        self._take_in()
        found = self._find(user_id)
        if found is None:
            return None
        user_key, row = found
        tier = self._newest(user_key, TIER)
        seen_at = _time(row.seen_at)
        return {
            "user_id": user_id,
            "user_key": user_key,
            "seen_at": seen_at,
            "is_identified": row.is_identified,
            "is_bot": row.is_bot,
            "control_group": row.control_group or None,
            "consent": self._consent(row),
            "tier": tier,
            "is_tier_valid": tier is not None and datetime.fromisoformat(tier["valid_until"]) > seen_at,
            "outlook": self._newest(user_key, OUTLOOK),
            "interests": {
                facet: likes
                for number, facet in enumerate(FACETS)
                if (likes := affinities(row.interests, number, row.last_at))
            },
            "features": read_features(row, row.last_at, definitions=self._settings.loaded_definitions),
            "open_session": _describe_session(row.open_sessions),
        }

    def timeline(self, user_id: str, before: int | None, limit: int) -> list[Entry] | None:
        """A user's outputs, newest first, of places before `before`; None of somebody unknown."""
        self._take_in()
        found = self._find(user_id)
        user_key = found[0] if found else user_id
        trace = self._traces.users.get(user_key)
        if trace is None:
            return None if found is None else []
        entries: list[Entry] = []
        for sequence in reversed(trace.sequences):
            if before is not None and sequence >= before:
                continue
            output = self._store.output(sequence)
            if output is not None:
                entries.append(Entry(*output))
            if len(entries) == limit:
                break
        return entries

    def recommend_to_user(self, user_id: str, count: int) -> JsonObject | None:
        """What would be shown to a user now and why, as far as they consent; None of somebody unknown."""
        self._take_in()
        found = self._find(user_id)
        if found is None:
            return None
        user_key, row = found
        session = latest_session_items(row)
        items = session or row.recent_items
        origin = "the open session" if session else "the recent items" if items else "no item"
        occasion = describe_occasion(user_key, row, items, self._clock(), ASKED_BY_HAND, self._settings.rules)
        recommender = self._models.recommender()
        shown = recommender.recommend(occasion, count)
        return {
            "user_key": user_key,
            "session_items": list(occasion.session_items),
            "origin": origin,
            "items": [_describe_item(found) for found in explain_list(recommender.blend, occasion, shown)],
            "sent": self._newest(user_key, RECOMMENDATIONS),
        }

    def recommend(self, asked: SessionAsked) -> tuple[list[RecommendedItem], str | None]:
        """The items to show in a session, and a note where it said little."""
        self._take_in()
        recommender = self._models.recommender()
        occasion = self._occasion_of(asked)
        shown = recommender.recommend(occasion, asked.most + len(asked.exclude))
        kept = [item for item in shown if item.item_id not in asked.exclude]
        return kept[: asked.most], note_on(recommender.blend, asked.items)

    def item(self, item_id: str, count: int, device: str | None, country: str | None) -> JsonObject | None:
        """What is known of an item; None where nobody ever looked at it."""
        self._take_in()
        surface = self._models.recommender().surface
        context = context_at(self._clock(), device, country) if device or country else NO_CONTEXT
        score = self._models.content_score(item_id)
        facts = surface.catalogue.facts(item_id)
        is_catalogued = surface.catalogue.catalogued(item_id) is not None
        if not surface.blend.index.numbers_of([item_id]) and score is None and not is_catalogued:
            return None
        neighbours = surface.neighbours(item_id, context, count)
        return {
            "item_id": item_id,
            "category": facts.category,
            "brand": facts.brand,
            "score": score,
            "neighbours_of": neighbours.level,
            "neighbours": [
                {"item_id": neighbour.item_id, "score": neighbour.score} for neighbour in neighbours.items
            ],
        }

    def next_items(self, item_id: str, count: int) -> JsonObject | None:
        """The likeliest clicks after an item; None where nobody ever looked at it."""
        self._take_in()
        blend = self._models.recommender().blend
        if not blend.index.numbers_of([item_id]):
            return None
        return {
            "item_id": item_id,
            "next": [click._asdict() for click in blend.likeliest_next([item_id], count)],
            "path": [click._asdict() for click in blend.next_clicks([item_id], count)],
        }

    def entries_after(self, sequence: int, schemas: Collection[str], limit: int) -> list[Entry]:
        """Outputs of some schemas behind a place, oldest first."""
        return [Entry(*output) for output in self._store.outputs_after(sequence, schemas, limit)]

    def newest_sequence(self) -> int:
        """The place of the newest output."""
        self._take_in()
        return self._traces.sequence

    def _take_in(self) -> None:
        version = self._store.data_version()
        if version == self._seen_version:
            return
        changed = self._store.follow()
        erasures = self._store.erasures_mark()
        if erasures != self._erasures:
            self._traces = Traces()
            self._erasures = erasures
            changed = None
        self._traces.add(self._store.outputs_after(self._traces.sequence))
        self._note_gone(self._traces.users.keys() if changed is None else changed)
        self._seen_version = version

    def _note_gone(self, user_keys: Iterable[str]) -> None:
        """Learn of some users whether their row was removed, or became part of another's."""
        partitions = self._store.partition_count
        self._gone &= self._traces.users.keys()
        for user_key in self._traces.users.keys() & user_keys:
            row = self._store.row(partition_of(user_key.encode(), partitions), user_key)
            if row is None or row.merged_into:
                self._gone.add(user_key)
            else:
                self._gone.discard(user_key)

    def _standings(self) -> Iterator[tuple[str, Standing]]:
        """The users who are there, with their tiers."""
        for user_key, trace in self._traces.users.items():
            if trace.standing is not None and user_key not in self._gone:
                yield user_key, trace.standing

    def _find(self, user_id: str) -> tuple[str, UserRow] | None:
        """A user's row, or of an id that was given to another row, that one."""
        partitions = self._store.partition_count
        for key in self._privacy.user_keys(user_id):
            found: tuple[str, UserRow | None] = (
                key,
                self._store.row(partition_of(key.encode(), partitions), key),
            )
            for _ in range(MOST_POINTERS):
                user_key, row = found
                if row is None or not row.merged_into:
                    break
                found = row.merged_into, self._store.row(row.merged_partition, row.merged_into)
            user_key, row = found
            if row is not None and not row.merged_into and row.seen_at:
                return user_key, row
        return None

    def _newest(self, user_key: str, schema: str) -> dict[str, Any] | None:
        trace: UserTrace | None = self._traces.users.get(user_key)
        sequence = trace.newest.get(schema) if trace else None
        output: StoredOutput | None = self._store.output(sequence) if sequence is not None else None
        return orjson.loads(output.body) if output is not None else None

    def _consent(self, row: UserRow) -> JsonObject:
        default = self._settings.rules.default_consent
        return {
            "is_said": row.consent != consent.UNSAID,
            "purposes": consent.agreed_purposes(row.consent, default),
        }

    def _occasion_of(self, asked: SessionAsked) -> Occasion:
        """Of a visitor who was never identified, and of nobody else, the past counts."""
        if asked.anonymous_id is not None:
            keys = self._privacy.user_keys(asked.anonymous_id)
            row = self._store.row(partition_of(keys[0].encode(), self._store.partition_count), keys[0])
            if row is not None and not row.is_identified and not row.merged_into and not row.linked:
                occasion = describe_occasion(
                    keys[0], row, asked.items or row.recent_items, asked.at, asked.seed, self._settings.rules
                )
                return occasion._replace(
                    device=asked.device or occasion.device, country=asked.country or occasion.country
                )
        return Occasion(asked.items, asked.at, asked.seed, device=asked.device, country=asked.country)


def _describe_item(found: Explained) -> JsonObject:
    return {
        "item_id": found.item.item_id,
        "score": found.item.score,
        "source": found.item.source,
        "why": found.why,
        "after": found.after,
        "source_shares": found.source_shares,
    }


def _describe_session(sessions: list[OpenSession]) -> JsonObject | None:
    if not sessions:
        return None
    session = max(sessions, key=lambda each: each.last_at)
    return {
        "started_at": _time(session.started_at),
        "last_at": _time(session.last_at),
        "event_count": session.event_count,
        "page_views": session.page_views,
        "items": [item for _, item in session.items],
    }


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
