"""The models of a data folder as they are now, loaded again when they have changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from stream_app.folder.model_loading import load_model
from stream_app.learning.model_adapters import SessionRecommender
from stream_app.models.content.model import ContentModel, ItemScore
from stream_app.models.learning import AnyModel
from stream_app.models.targets import ENGAGEMENT, OUTCOMES, TIER
from stream_app.runtimes.embedded.learned import load_recommender
from stream_app.runtimes.embedded.output_table import FILE_NAME
from stream_app.runtimes.embedded.store import Store
from stream_app.serving.api.ports import JsonObject
from stream_app.settings.environment import Settings

RECOMMENDER = "recommender"
RELOAD_SECONDS = 10.0
NAMES = (TIER.name, *OUTCOMES, ENGAGEMENT.name)


class FolderModels:
    """Loads a model when it is first asked for, and again at most every `RELOAD_SECONDS` if it changed.

    `clock` gives epoch seconds.
    """

    def __init__(self, data_dir: Path, settings: Settings, clock: Callable[[], float]) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._clock = clock
        self._loaded: dict[str, tuple[int | None, object]] = {}
        self._looked_at: dict[str, float] = {}

    def recommender(self) -> SessionRecommender:
        """The recommender."""
        found = self._current(
            RECOMMENDER, lambda store: load_recommender(store, self._settings.surface_rules)
        )
        assert isinstance(found, SessionRecommender)
        return found

    def content_score(self, item_id: str) -> JsonObject | None:
        """An item's engagement score; None where nobody is known to have started it."""
        model = self._model(ENGAGEMENT.name)
        if not isinstance(model, ContentModel) or item_id not in model.items.all():
            return None
        return describe_score(model.scores_of([item_id])[0])

    def describe(self) -> JsonObject:
        """Every model with its scores beside its baseline's, and the recommender's sources with theirs."""
        models = [model for name in NAMES if (model := self._model(name)) is not None]
        return {"models": list(map(_describe, models)), "recommender": self.recommender().scores()}

    def _model(self, name: str) -> AnyModel | None:
        def load(store: Store) -> AnyModel | None:
            if store.snapshot(name) is None:
                return None
            return load_model(store, name, self._data_dir, self._settings)

        found: AnyModel | None = self._current(name, load)  # type: ignore[assignment]
        return found

    def _current(self, name: str, load: Callable[[Store], object]) -> object:
        now = self._clock()
        if name in self._loaded and now < self._looked_at[name] + RELOAD_SECONDS:
            return self._loaded[name][1]
        self._looked_at[name] = now
        version = self._version(name)
        if name not in self._loaded or self._loaded[name][0] != version:
            with Store(self._data_dir, read_only=True) as store:
                self._loaded[name] = version, load(store)
        return self._loaded[name][1]

    def _version(self, name: str) -> int | None:
        """The checksum of the stored model."""
        with closing(sqlite3.connect(self._data_dir / FILE_NAME, timeout=0.5)) as connection:
            query = "SELECT checksum FROM models WHERE name = ?"
            found = connection.execute(query, (name,)).fetchone()
        return found[0] if found else None


def describe_score(score: ItemScore) -> JsonObject:
    """An item's score as it is given to machines, in percent."""
    return {
        "score": score.score,
        "expected": score.expected,
        "starters": score.starters,
        "completers": score.completers,
        "interval": [100 * bound for bound in score.interval],
        "reasons": [
            {"feature": reason.feature, "value": reason.value, "contribution": reason.contribution}
            for reason in score.reasons
        ],
    }


def _describe(model: AnyModel) -> JsonObject:
    return {
        "name": model.name,
        "version": model.version,
        "examples_seen": model.examples_seen,
        "status": model.status.value,
        "scores": model.scores(),
    }
