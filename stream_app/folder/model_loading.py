"""The learned models of a data folder, for commands that ask them something."""

from __future__ import annotations

from pathlib import Path

from stream_app.errors import StateError
from stream_app.folder.opening import data_keys
from stream_app.models import snapshot
from stream_app.models.learning import AnyModel
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings


def load_model(store: Store, name: str, data_dir: Path, settings: Settings) -> AnyModel:
    """The model of a target, as it was stored last.

    Raises:
        StateError: there is none, or it cannot be used.
    """
    data = store.snapshot(name)
    if data is None:
        raise StateError(f"{data_dir} holds no model of {name}: replay labelled events into it")
    try:
        model, _ = snapshot.load(data, *data_keys(data_dir, settings, may_make=False))
    except snapshot.SnapshotRefused as refusal:
        raise StateError(f"the stored model {name} cannot be used: {refusal}") from None
    return model
