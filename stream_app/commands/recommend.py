"""`recommend`: what a data folder's recommender would show next, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import orjson
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from models.recommenders import Blend, Explanation
from stream_app.commands.options import AsJson, DataDir, console
from stream_app.core.user_row import UserRow
from stream_app.errors import InputError, SettingsError, StateError
from stream_app.partitioning import partition_of
from stream_app.runtimes.embedded.learned import RECOMMENDER
from stream_app.runtimes.embedded.store import Store


class Occasion(NamedTuple):
    """The clicks that recommendations follow, and in words where they come from."""

    items: Sequence[str]
    origin: str


def recommend(
    data_dir: DataDir = Path("data"),
    user: Annotated[str | None, typer.Option(help="A user of the folder.")] = None,
    session_items: Annotated[
        str | None, typer.Option(help="Items of a session instead, in click order, comma-separated.")
    ] = None,
    count: Annotated[int, typer.Option("-k", help="How many items at most.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Show the evidence for each item.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recommend the next items for a user or a session, each with the level that it comes from."""
    if count < 1:
        raise SettingsError(f"-k is how many items to recommend: write a whole number from 1, not {count}")
    if (user is None) == (session_items is None):
        raise InputError("name either --user or --session-items")
    with Store(data_dir, read_only=True) as store:
        blend = _load_blend(store, data_dir)
        if session_items is not None:
            occasion = Occasion(_split(session_items), "the items given")
        else:
            occasion = _occasion_of(store, str(user))
    note = _note(blend, occasion)
    found = blend.explain(occasion.items, count)
    if as_json:
        items = [_as_json(explanation, explain) for explanation in found]
        answer = {"session_items": occasion.items, "origin": occasion.origin, "note": note, "items": items}
        console.file.write(orjson.dumps(answer).decode() + "\n")
        return
    after = f": {', '.join(occasion.items)}" if occasion.items else ""
    console.print(f"After {occasion.origin}{after}", markup=False, highlight=False)
    if note:
        console.print(note, style="yellow", highlight=False)
    console.print(_table(found, explain))


def _load_blend(store: Store, data_dir: Path) -> Blend:
    state = store.snapshot(RECOMMENDER)
    try:
        blend = Blend() if state is None else Blend.from_state(state)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StateError(f"the stored {RECOMMENDER} cannot be used: {error}") from error
    if not blend.index.live_sessions:
        raise StateError(f"{data_dir} holds no learned session: replay events that name items into it")
    return blend


def _split(session_items: str) -> list[str]:
    items = [item.strip() for item in session_items.split(",") if item.strip()]
    if not items:
        raise InputError("--session-items names no item: write them like a,b,c")
    return items


def _occasion_of(store: Store, user: str) -> Occasion:
    """The open session that last had an item, else the user's recent items."""
    row = store.row(partition_of(user.encode(), max(len(store.partitions()), 1)), user)
    if row is None:
        return Occasion([], f"no click of {user}, whom the folder does not know")
    session = _latest_session_items(row)
    if session:
        return Occasion(session, f"the open session of {user}")
    if row.recent_items:
        return Occasion(row.recent_items, f"the recent items of {user}")
    return Occasion([], f"no item of {user}")


def _latest_session_items(row: UserRow) -> list[str]:
    sessions = [session.items for session in row.open_sessions if session.items]
    return [item for _, item in max(sessions, key=lambda items: items[-1][0])] if sessions else []


def _note(blend: Blend, occasion: Occasion) -> str | None:
    if not occasion.items:
        return "Nothing is known to go by: these are the most popular items of late."
    known = blend.index.numbers_of(occasion.items)
    if not known:
        return "None of these items was seen before: these are the most popular items of late."
    unknown = len(occasion.items) - len(known)
    return f"{unknown} of these items not seen before are left aside." if unknown else None


def _as_json(explanation: Explanation, explain: bool) -> dict[str, object]:
    answer: dict[str, object] = explanation.item._asdict()
    if explain:
        answer |= {"source_shares": explanation.source_shares, "after": explanation.after}
    return answer


def _table(found: Sequence[Explanation], explain: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("item", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("level")
    if explain:
        table.add_column("share of the score by source")
        table.add_column("after", overflow="fold")
    for item, source_shares, after in found:
        evidence = []
        if explain:
            shares = sorted(source_shares.items(), key=lambda entry: -entry[1])
            evidence = [", ".join(f"{name} {share:.0%}" for name, share in shares if share >= 0.005)]
            evidence.append(escape(after or "-"))
        table.add_row(escape(item.item_id), f"{item.score:.4f}", item.source, *evidence)
    return table
