"""`what-if`: the score that a model of a data folder would give if features were otherwise."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, SetOption, console
from stream_app.errors import InputError, StateError

if TYPE_CHECKING:
    from stream_app.models.features import Features, Label
    from stream_app.models.insight.what_if import WhatIf
    from stream_app.models.learning import AnyModel
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.environment import Settings


MOST_EXAMPLES = 2_000  # the newest, from which the values to try are taken
MOST_NAMES = 12
DEFAULT_TARGET = "engagement_tier"


@dataclass(frozen=True)
class Question:
    """Who is asked about, as the model knows them, and the examples that say which values occur."""

    subject: str
    features: Features
    examples: Sequence[Features]


def what_if_command(
    data_dir: DataDir = Path("data"),
    user: Annotated[str | None, typer.Option(help="A user of the folder.")] = None,
    item: Annotated[str | None, typer.Option(help="Or an item whose engagement score is learned.")] = None,
    target: Annotated[str, typer.Option(help="What is asked of a user, such as purchase.")] = DEFAULT_TARGET,
    change: Annotated[
        list[str] | None, typer.Option(metavar="FEATURE=VALUE", help="A feature as it would be.")
    ] = None,
    control: Annotated[
        list[str] | None, typer.Option(metavar="FEATURE", help="A feature that you can control.")
    ] = None,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Give a user's or an item's score as it is and as it would be, and the changes that would help most.

    The score is the probability of tier 3, that the target comes true, or the engagement score that an
    item's features let expect.
    Values to try for what you can control are those that occur in the folder. Only an experiment can show
    whether bringing a change about has the effect.
    """
    from stream_app.models.insight.what_if import values_to_try, what_if
    from stream_app.models.targets import ENGAGEMENT
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    if (user is None) == (item is None):
        raise InputError("name either --user or --item")
    asked = ENGAGEMENT.name if item is not None else target
    label_by_target = _label_by_target()
    if item is None and asked not in label_by_target:
        raise InputError(f"--target {target}: write one of {', '.join(label_by_target)}")
    settings = load_settings(flags or ())
    with Store(data_dir, read_only=True) as store:
        model = _load_ready(store, asked, data_dir, settings)
        question = _question(store, model, asked, user, item, settings)
    changes = dict(_parse_change(text, question) for text in change or ())
    values = values_to_try(question.examples, control or ())
    for name, known in values.items():
        if not known:
            raise InputError(
                f"--control {name}: no example in {data_dir} has this feature; {_known_names(name, question)}"
            )
    answer = what_if(model, question.features, changes, values, label_by_target.get(asked))
    if as_json:
        encoded = {
            "subject": question.subject,
            "target": asked,
            "score": answer.score,
            "score_after": answer.score_after,
            "suggestions": [suggestion._asdict() for suggestion in answer.suggestions],
            "tried": [change._asdict() for change in answer.tried],
        }
        console.file.write(orjson.dumps(encoded).decode() + "\n")
        return
    _print(answer, question, asked, bool(changes))


def _label_by_target() -> dict[str, Label]:
    from stream_app.evaluation.driver_cases import HIGH_TIER
    from stream_app.models.targets import OUTCOMES, TIER

    return {TIER.name: HIGH_TIER, **dict.fromkeys(OUTCOMES, True)}


def _load_ready(store: Store, name: str, data_dir: Path, settings: Settings) -> AnyModel:
    from stream_app.cli.model_loading import load_model
    from stream_app.models.learning import Status

    model = load_model(store, name, data_dir, settings)
    if model.status is Status.WARMING_UP:
        raise StateError(
            f"the model of {name} has learned {model.examples_seen} examples and answers for itself from "
            f"{model.minimum_examples} on"
        )
    return model


def _question(
    store: Store, model: AnyModel, target: str, user: str | None, item: str | None, settings: Settings
) -> Question:
    from stream_app.evaluation.driver_cases import read_examples
    from stream_app.features.reading import read_features
    from stream_app.learning import moments
    from stream_app.models.content.model import ContentModel
    from stream_app.models.targets import OUTCOMES, TIER
    from stream_app.runtimes.common.partitioning import partition_of

    targets = set(settings.tier_targets) if target == TIER.name else {target}
    newest: deque[Features] = deque(maxlen=MOST_EXAMPLES)
    own: Features | None = None
    for example in read_examples(store, targets):
        newest.append(example.features)
        if example.user_key == item:
            own = example.features
    if item is not None and isinstance(model, ContentModel):
        started = {name: use.features(model.newest_at) for name, use in model.items.all().items()}
        newest.extend(started.values())
        own = started.get(item, own)
    if user is not None:
        row = store.row(partition_of(user.encode(), max(len(store.partitions()), 1)), user)
        own = read_features(row, row.last_at) if row else None
        if own is not None and target in OUTCOMES:
            own = moments.select(own)
    if own is None:
        subject = f"user {user}" if user else f"item {item}"
        raise InputError(f"the folder knows no features of {subject} for {target}")
    return Question(user or str(item), own, newest)


def _parse_change(text: str, question: Question) -> tuple[str, float | str]:
    name, equals, value = text.partition("=")
    known = {type(x[name]) for x in (question.features, *question.examples) if name in x}
    if not equals or not known:
        raise InputError(
            f"--change {text}: write FEATURE=VALUE with a feature that the folder's examples have; "
            f"{_known_names(name, question)}"
        )
    if str in known:
        return name, value
    try:
        return name, float(value)
    except ValueError:
        raise InputError(f"--change {text}: {name} is a number") from None


def _known_names(name: str, question: Question) -> str:
    known = sorted({name for features in (question.features, *question.examples) for name in features})
    near = get_close_matches(name, known, MOST_NAMES)
    shown = near or known
    more = f" and {len(known) - MOST_NAMES} more" if len(shown) > MOST_NAMES else ""
    return f"{'near it' if near else 'there'} are {', '.join(shown[:MOST_NAMES])}{more}"


def _number_named(target: str) -> str:
    """In words, what the score of a target is."""
    if target == DEFAULT_TARGET:
        return "probability of tier 3 (high)"
    if target == "engagement_score":
        return "percent of its starters who complete it"
    return f"probability of {target}"


def _print(answer: WhatIf, question: Question, target: str, is_changed: bool) -> None:
    after = f", with the changes {answer.score_after:.3f}" if is_changed else ""
    named = f"{target} of {question.subject}: {answer.score:.3f}{after} ({_number_named(target)})"
    console.print(named, markup=False, highlight=False)
    if not answer.tried:
        return
    table = Table(title="What each control would do", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("change", "from", "to"):
        table.add_column(name, overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("gain", justify="right")
    for found in answer.tried:
        table.add_row(
            escape(found.feature),
            _text(found.before),
            _text(found.value),
            f"{found.score:.3f}",
            f"{found.gain:+.3f}",
        )
    console.print(table)
    best = answer.suggestions[0] if answer.suggestions else None
    helps = (
        f"{best.feature} = {_text(best.value)} would raise it most" if best else "none of them would raise it"
    )
    console.print(f"{helps}, as the model sees it.", markup=False, highlight=False)


def _text(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    return escape(value) if isinstance(value, str) else f"{value:.4g}"
