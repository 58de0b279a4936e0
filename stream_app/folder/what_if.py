"""What a model of a data folder would say if features were otherwise."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from stream_app.errors import InputError, StateError
from stream_app.evaluation.driver_cases import HIGH_TIER, read_examples
from stream_app.features.reading import read_features
from stream_app.folder.model_loading import load_model
from stream_app.learning import moments
from stream_app.models.content.model import ContentModel
from stream_app.models.features import Features, Label
from stream_app.models.insight.what_if import WhatIf, values_to_try, what_if
from stream_app.models.learning import AnyModel, Status
from stream_app.models.targets import ENGAGEMENT, OUTCOMES, TIER
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings

MOST_EXAMPLES = 2_000  # the newest, from which the values to try are taken
MOST_NAMES = 12
LABEL_BY_TARGET: Mapping[str, Label] = {TIER.name: HIGH_TIER, **dict.fromkeys(OUTCOMES, True)}


@dataclass(frozen=True)
class Question:
    """Who is asked about, as the model knows them, and the examples that say which values occur."""

    subject: str
    target: str
    model: AnyModel
    features: Features
    examples: Sequence[Features]


def ask_about_user(store: Store, data_dir: Path, user: str, target: str, settings: Settings) -> Question:
    """A question about a user of the folder.

    Raises:
        InputError: there is no such target, or nothing is known of the user.
        StateError: the model has not learned enough.
    """
    if target not in LABEL_BY_TARGET:
        raise InputError(f"--target {target}: write one of {', '.join(LABEL_BY_TARGET)}")
    model = _load_ready(store, target, data_dir, settings)
    targets = set(settings.tier_targets) if target == TIER.name else {target}
    newest: deque[Features] = deque(maxlen=MOST_EXAMPLES)
    newest.extend(example.features for example in read_examples(store, targets))
    row = store.row(partition_of(user.encode(), max(len(store.partitions()), 1)), user)
    if row is None:
        raise InputError(f"the folder knows no features of user {user} for {target}")
    definitions = settings.loaded_definitions
    own = read_features(row, row.last_at, definitions=definitions)
    if target in OUTCOMES:
        own = moments.select(own, definitions)
    return Question(user, target, model, own, newest)


def ask_about_item(store: Store, data_dir: Path, item: str, settings: Settings) -> Question:
    """A question about an item whose engagement score is learned.

    Raises:
        InputError: nothing is known of the item.
        StateError: the model has not learned enough.
    """
    model = _load_ready(store, ENGAGEMENT.name, data_dir, settings)
    newest: deque[Features] = deque(maxlen=MOST_EXAMPLES)
    own: Features | None = None
    for example in read_examples(store, {ENGAGEMENT.name}):
        newest.append(example.features)
        if example.user_key == item:
            own = example.features
    if isinstance(model, ContentModel):
        started = {name: use.features(model.newest_at) for name, use in model.items.all().items()}
        newest.extend(started.values())
        own = started.get(item, own)
    if own is None:
        raise InputError(f"the folder knows no features of item {item} for {ENGAGEMENT.name}")
    return Question(item, ENGAGEMENT.name, model, own, newest)


def answer(question: Question, changes: Mapping[str, str | float], controls: Sequence[str] = ()) -> WhatIf:
    """The scores as things are and as changed, and what each control would do.

    Raises:
        InputError: a change or a control names a feature that the examples do not have.
    """
    checked = {name: _value_of(name, value, question) for name, value in changes.items()}
    values = values_to_try(question.examples, controls)
    for name, known in values.items():
        if not known:
            raise InputError(
                f"--control {name}: no example in the folder has this feature; {_known_names(name, question)}"
            )
    return what_if(question.model, question.features, checked, values, LABEL_BY_TARGET.get(question.target))


def describe(found: WhatIf) -> dict[str, Any]:
    """An answer as it is given to machines."""
    return {
        "score": found.score,
        "score_after": found.score_after,
        "suggestions": [suggestion._asdict() for suggestion in found.suggestions],
        "tried": [change._asdict() for change in found.tried],
    }


def _value_of(name: str, value: str | float, question: Question) -> float | str:
    known = {type(x[name]) for x in (question.features, *question.examples) if name in x}
    if not known:
        raise InputError(
            f"--change {name}={value}: write FEATURE=VALUE with a feature that the folder's examples have; "
            f"{_known_names(name, question)}"
        )
    if str in known:
        return str(value)
    try:
        return float(value)
    except ValueError:
        raise InputError(f"--change {name}={value}: {name} is a number") from None


def _known_names(name: str, question: Question) -> str:
    known = sorted({name for features in (question.features, *question.examples) for name in features})
    near = get_close_matches(name, known, MOST_NAMES)
    shown = near or known
    more = f" and {len(known) - MOST_NAMES} more" if len(shown) > MOST_NAMES else ""
    return f"{'near it' if near else 'there'} are {', '.join(shown[:MOST_NAMES])}{more}"


def _load_ready(store: Store, name: str, data_dir: Path, settings: Settings) -> AnyModel:
    model = load_model(store, name, data_dir, settings)
    if model.status is Status.WARMING_UP:
        raise StateError(
            f"the model of {name} has learned {model.examples_seen} examples and answers for itself from "
            f"{model.minimum_examples} on"
        )
    return model
