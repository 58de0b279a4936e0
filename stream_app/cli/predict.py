"""`predict`: tiers of users whose tier is unknown, by a model that learned from known ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.table import Table

from stream_app.cli.evaluate_models import warn_of_refused
from stream_app.cli.options import console, messages
from stream_app.errors import InputError


def predict(
    train_users: Annotated[Path, typer.Option(help="Users with their tiers (marketing_target).")],
    train_sessions: Annotated[Path, typer.Option(help="Their sessions.")],
    users: Annotated[Path, typer.Option(help="Users without tiers, each with a test_id.")],
    sessions: Annotated[Path, typer.Option(help="Their sessions.")],
    out: Annotated[Path, typer.Option(help="Where to write the tiers, as JSON by test_id.")],
) -> None:
    """Learn tiers from one pair of tables and predict those of another, each user after the last session."""
    from stream_app.core.tiers import TIER_NAMES
    from stream_app.evaluation.examples import replay_marketing
    from stream_app.models.targets import tier_model

    asked = _asked_users(users)
    with messages.status("replaying users and sessions"):
        known, unknown = replay_marketing(train_users, train_sessions), replay_marketing(users, sessions)
    warn_of_refused(known.refused + unknown.refused)
    if not known.examples:
        raise InputError(f"{train_users} has no tiers to learn from")
    with messages.status(f"learning {len(known.examples):,} users"):
        model = tier_model()
        model.learn_many(known.examples)
        model.refresh()
    predictions = model.predict_many([unknown.features.get(user, {}) for user in asked.values()])
    tiers = {test_id: prediction.label for test_id, prediction in zip(asked, predictions, strict=True)}
    try:
        out.write_bytes(orjson.dumps({"target": tiers}) + b"\n")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from None
    counts = Counter(prediction.label for prediction in predictions)
    table = Table("tier", "users", "share", title=f"{len(tiers):,} tiers in {out}", title_justify="left")
    for tier, name in TIER_NAMES.items():
        table.add_row(f"{tier} {name}", f"{counts[tier]:,}", f"{counts[tier] / (len(tiers) or 1):.0%}")
    console.print(table)


def _asked_users(users: Path) -> Mapping[str, str]:
    """User by test_id, in the table's order."""
    from stream_app.intake.sources.tables import read_table

    asked: dict[str, str] = {}
    for row in read_table(users, ("user_id", "test_id"), delimiter=";"):
        if row["test_id"] in asked:
            raise InputError(f"{users}: the test_id {row['test_id']} is given twice")
        asked[row["test_id"]] = row["user_id"]
    return asked
