"""`recommend`: what a data folder's recommender would show next, and why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import orjson
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, SetOption, console
from stream_app.errors import InputError, SettingsError, StateError

if TYPE_CHECKING:
    from stream_app.folder.recommending import Explained
    from stream_app.learning.ports import Occasion
    from stream_app.models.recommenders import Blend, ScoredItem
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.rules import Rules


SEED = "asked for by hand"


class Asked(NamedTuple):
    """The query for recommendations, and a description of where its clicks come from."""

    occasion: Occasion
    origin: str


class Neighbour(NamedTuple):
    """A neighbour of an item, for which the blend has no further details."""

    item: ScoredItem
    level: str
    source_shares: dict[str, float]
    after: str | None


def recommend(
    data_dir: DataDir = Path("data"),
    user: Annotated[str | None, typer.Option(help="A user of the folder.")] = None,
    session_items: Annotated[
        str | None, typer.Option(help="Items of a session instead, in click order, comma-separated.")
    ] = None,
    item: Annotated[str | None, typer.Option(help="An item instead: what goes with it.")] = None,
    count: Annotated[int, typer.Option("-k", help="How many items at most.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Show the evidence for each item.")] = False,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Recommend the next items for a user or a session, or items that go with one, each with its level."""
    from stream_app.folder.recommending import explain_list, note_on
    from stream_app.learning.ports import Occasion
    from stream_app.runtimes.embedded.learned import load_recommender
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    if count < 1:
        raise SettingsError(f"-k is how many items to recommend: write a whole number from 1, not {count}")
    if sum(given is not None for given in (user, session_items, item)) != 1:
        raise InputError("name one of --user, --session-items and --item")
    if item is not None and explain:
        raise InputError("--explain shows why items follow a session: it needs --user or --session-items")
    settings = load_settings(flags or ())
    with Store(data_dir, read_only=True) as store:
        recommender = load_recommender(store, settings.surface_rules)
        if not recommender.blend.index.live_sessions:
            raise StateError(f"{data_dir} holds no learned session: replay events that name items into it")
        if item is not None:
            _show_neighbours(recommender.blend, item, count, as_json)
            return
        if session_items is not None:
            asked = Asked(Occasion(_split(session_items), time.time(), SEED), "the items given")
        else:
            asked = _asked_of(store, str(user), settings.rules)
    occasion = asked.occasion
    note = note_on(recommender.blend, occasion.session_items)
    found = explain_list(recommender.blend, occasion, recommender.recommend(occasion, count))
    if as_json:
        items = [_as_json(reasons, explain) for reasons in found]
        answer = {
            "session_items": occasion.session_items,
            "origin": asked.origin,
            "note": note,
            "items": items,
        }
        console.file.write(orjson.dumps(answer).decode() + "\n")
        return
    after = f": {', '.join(occasion.session_items)}" if occasion.session_items else ""
    console.print(f"After {asked.origin}{after}", markup=False, highlight=False)
    if note:
        console.print(note, style="yellow", highlight=False)
    console.print(_table(found, explain))


def _show_neighbours(blend: Blend, item: str, count: int, as_json: bool) -> None:
    found = blend.neighbours(item, count)
    known = bool(blend.index.numbers_of([item]))
    note = None if found else f"Nobody clicked {item}{' and anything else in one visit' if known else ''}."
    if as_json:
        answer = {"item": item, "note": note, "items": [neighbour._asdict() for neighbour in found]}
        console.file.write(orjson.dumps(answer).decode() + "\n")
        return
    console.print(f"With {item}", markup=False, highlight=False)
    if note:
        console.print(note, style="yellow", markup=False, highlight=False)
    neighbours = [Neighbour(neighbour, neighbour.source, {}, None) for neighbour in found]
    console.print(_table(neighbours, explain=False))


def _split(session_items: str) -> list[str]:
    items = [item.strip() for item in session_items.split(",") if item.strip()]
    if not items:
        raise InputError("--session-items names no item: write them like a,b,c")
    return items


def _asked_of(store: Store, user: str, rules: Rules) -> Asked:
    """The open session that last had an item, else the user's recent items, as far as consent allows."""
    from stream_app.core.recommending import describe_occasion
    from stream_app.folder.recommending import latest_session_items
    from stream_app.learning.ports import Occasion
    from stream_app.runtimes.common.partitioning import partition_of

    row = store.row(partition_of(user.encode(), max(len(store.partitions()), 1)), user)
    if row is None:
        return Asked(Occasion([], time.time(), SEED), f"no click of {user}, whom the folder does not know")
    session = latest_session_items(row)
    if session:
        origin = f"the open session of {user}"
    elif row.recent_items:
        origin = f"the recent items of {user}"
    else:
        origin = f"no item of {user}"
    items = session or row.recent_items
    return Asked(describe_occasion(user, row, items, time.time(), SEED, rules), origin)


def _as_json(reasons: Explained, explain: bool) -> dict[str, object]:
    answer: dict[str, object] = asdict(reasons.item)
    if explain:
        answer |= {
            "level": reasons.level,
            "source_shares": reasons.source_shares,
            "after": reasons.after,
        }
    return answer


def _table(found: Sequence[Explained | Neighbour], explain: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("item", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("source")
    if explain:
        table.add_column("level")
        table.add_column("share of the score by source")
        table.add_column("after", overflow="fold")
    for item, level, source_shares, after in found:
        evidence = []
        if explain:
            shares = sorted(source_shares.items(), key=lambda entry: -entry[1])
            evidence = [level, ", ".join(f"{name} {share:.0%}" for name, share in shares if share >= 0.005)]
            evidence.append(escape(after or "-"))
        table.add_row(escape(item.item_id), f"{item.score:.4f}", item.source, *evidence)
    return table
