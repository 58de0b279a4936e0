"""What takes a look at everything in a data folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from stream_app.errors import StateError
from stream_app.evaluation.driver_outcome import Outcome
from stream_app.folder import what_if
from stream_app.folder.clusters import describe_clusters, find_clusters
from stream_app.folder.drivers import describe_drivers, find_drivers
from stream_app.folder.folder_models import FolderModels, describe_score
from stream_app.folder.model_loading import load_model
from stream_app.folder.segments import describe_segments
from stream_app.folder.user_export import export_from_folder
from stream_app.models.content.model import ContentModel
from stream_app.models.targets import ENGAGEMENT
from stream_app.runtimes.common.intake import build_privacy
from stream_app.runtimes.embedded.store import Store
from stream_app.serving.api.ports import JsonObject
from stream_app.settings.environment import Settings


class FolderStudies:
    """Opens the folder for each question, and lets it go."""

    def __init__(self, data_dir: Path, settings: Settings) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._models = FolderModels(data_dir, settings, time.time)

    def what_if(
        self, user: str | None, item: str | None, target: str, changes: JsonObject, controls: Sequence[str]
    ) -> JsonObject:
        """The score of a user or an item as it is and as it would be."""
        with Store(self._data_dir, read_only=True) as store:
            if item is not None:
                question = what_if.ask_about_item(store, self._data_dir, item, self._settings)
            else:
                keys = build_privacy(self._settings).user_keys(str(user))
                question = what_if.ask_about_user(store, self._data_dir, keys[0], target, self._settings)
        return {"subject": item or user, "target": question.target} | what_if.describe(
            what_if.answer(question, changes, controls)
        )

    def drivers(self, top: int) -> JsonObject:
        """What goes with each outcome of which there are cases."""
        with Store(self._data_dir, read_only=True) as store:
            found = find_drivers(store, list(Outcome), top, self._settings.tier_targets)
        return {outcome.value: describe_drivers(*known) for outcome, known in found.items()}

    def clusters(self, count: int, top: int) -> JsonObject:
        """Groups of users who behave alike."""
        definitions = self._settings.loaded_definitions
        with Store(self._data_dir, read_only=True) as store:
            return describe_clusters(*find_clusters(store, count, top, definitions=definitions))

    def segments(self) -> JsonObject:
        """Users by the segments of recency, frequency and money."""
        with Store(self._data_dir, read_only=True) as store:
            return describe_segments(store)

    def contents(self, top: int) -> JsonObject:
        """Items with their scores, those with most starters first."""
        with Store(self._data_dir, read_only=True) as store:
            model = load_model(store, ENGAGEMENT.name, self._data_dir, self._settings)
        if not isinstance(model, ContentModel) or not len(model.items):
            raise StateError("the folder knows of no item yet whether its starters completed it")
        known = model.items.all()
        shown = sorted(known, key=lambda name: (-known[name].starters, name))[:top]
        scores = [{"item_id": score.item, **describe_score(score)} for score in model.scores_of(shown)]
        return {"items": len(known), "status": model.status.value, "scores": scores}

    def models(self) -> JsonObject:
        """Every model with its scores."""
        return self._models.describe()

    def export(self, user_id: str, asked_by: str) -> JsonObject:
        """Everything stored about a user; the audit log names the key that asked."""
        details = {"api_key": asked_by}
        return export_from_folder(user_id, self._data_dir, self._settings, details)._asdict()
