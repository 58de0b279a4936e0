"""Where the parts used by drivers are: the current place first, then those of older layouts.

When a part moves, its new place is added before the old one. A place is never removed while a build with it
may be compared.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_SCHEMAS = ("stream_app.schemas", "schemas")
_MODELS = ("stream_app.models", "models")
_CORE = ("stream_app.core",)
_ROOT = ("stream_app",)
_KAFKA = ("stream_app.runtimes.kafka",)
_EMBEDDED = ("stream_app.runtimes.embedded",)

# By part: the packages that may contain its module, and the module's names, newest first.
PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # contracts
    "ClosedSession": (_SCHEMAS, ("outputs",)),
    "ModelStamp": (_SCHEMAS, ("outputs",)),
    "PrivacyRequest": (_SCHEMAS, ("privacy",)),
    "RecommendedItem": (_SCHEMAS, ("outputs",)),
    "EVENTS": (_SCHEMAS, ("topics",)),
    "SESSIONS": (_SCHEMAS, ("topics",)),
    # core
    "Batch": (_CORE, ("records",)),
    "META_KEY": (_KAFKA, ("state.stored_partition", "stored_partition")),
    "Partition": (_CORE, ("partition",)),
    "Record": (_CORE, ("records",)),
    "Rules": (_ROOT, ("settings.rules", "core.rules")),
    "USER_PREFIX": (_KAFKA, ("state.stored_partition", "stored_partition")),
    "decode_row": (_ROOT, ("features.user_row", "core.user_row")),
    "encode_row": (_ROOT, ("features.user_row", "core.user_row")),
    "plain_intake": (_ROOT, ("runtimes.common.intake", "intake")),
    "read_features": (("stream_app.features", "stream_app.core"), ("reading", "features")),
    "step": (_CORE, ("step",)),
    "Models": (_ROOT, ("learning.ports", "ports")),
    "Occasion": (_ROOT, ("learning.ports", "ports")),
    # models
    "SessionRecommender": (_ROOT, ("learning.model_adapters", "model_adapters")),
    "Surface": (_MODELS, ("recommenders.surface",)),
    "SnapshotRefused": (_MODELS, ("snapshot",)),
    "load_snapshot": (_MODELS, ("snapshot",)),
    "Example": (_MODELS, ("learning",)),
    "tier_model": (_MODELS, ("targets",)),
    # runtimes
    "FedRecommender": (_KAFKA, ("models.fed_recommender", "fed_recommender")),
    "Metrics": (_ROOT, ("observability.metrics", "metrics")),
    "Replay": (_EMBEDDED, ("replay",)),
    "Settings": (_ROOT, ("settings.environment", "settings")),
    "SnapshotReader": (_KAFKA, ("models.snapshots", "snapshots")),
    "Store": (_EMBEDDED, ("store",)),
    "collect_seldom": (_ROOT, ("runtimes.common.memory", "memory")),
    "rows_that_count": (_KAFKA, ("state.claims", "claims")),
    "unseal": (_KAFKA, ("models.sealed", "sealed")),
    # the test kit
    "FixedModels": (_ROOT, ("testing",)),
    "RecordedSource": (_ROOT, ("testing",)),
    "random_events": (_ROOT, ("testing",)),
}
RENAMED = {"load_snapshot": "load"}


class PartMissingError(LookupError):
    """No known layout has a part; add its new place to `PLACES`."""


def find(part: str) -> Any:
    """Return a part of the build that runs this interpreter.

    Raises:
        PartMissingError: it is in none of the known places.
    """
    packages, modules = PLACES[part]
    for package in packages:
        for name in modules:
            found = _imported(f"{package}.{name}")
            if found is not None and hasattr(found, RENAMED.get(part, part)):
                return getattr(found, RENAMED.get(part, part))
    raise PartMissingError(f"{part} lies in none of {packages} {modules}: put its place into PLACES")


def _imported(path: str) -> Any | None:
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        # A missing module means an older or newer layout; a failing import inside it is an error.
        if error.name is not None and (path == error.name or path.startswith(error.name + ".")):
            return None
        raise
