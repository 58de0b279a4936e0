"""`explain`: why a user has their tier, recommendations and outlook, in sentences from what is stored."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import orjson
import typer

from stream_app.cli.explanations import explain_output, explain_sessions
from stream_app.cli.options import AsJson, DataDir, SetOption, console
from stream_app.errors import InputError

EXPLAINED = ("engagement_tier", "recommendations", "outlook")


def explain(
    user: Annotated[str, typer.Option(help="The user's id.")],
    data_dir: DataDir = Path("data"),
    output: Annotated[str | None, typer.Option(metavar="ID", help="One output alone, by its id.")] = None,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Say in sentences why a user has this tier, these recommendations and this outlook.

    All of it comes from what is stored: the newest outputs, the sessions before them, the models' examples.
    """
    from stream_app.core.user_data import is_about
    from stream_app.runtimes.common.intake import build_privacy
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    names = {user, *build_privacy(load_settings(flags or ())).user_keys(user)}
    with Store(data_dir, read_only=True) as store:
        sessions = [orjson.loads(body) for body in store.outputs("closed_session") if is_about(body, names)]
        found = [
            orjson.loads(body)
            for schema in EXPLAINED
            for body in store.outputs(schema)
            if is_about(body, names)
        ]
    if not found:
        raise InputError(f"{data_dir} holds no tier, recommendation or outlook of {user}")
    newest = {each["schema_name"]: each for each in found}
    chosen = list(newest.values()) if output is None else [each for each in found if each["id"] == output]
    if not chosen:
        known = ", ".join(each["id"] for each in newest.values())
        raise InputError(f"{output} is none of {user}'s outputs; the newest are {known}")
    what_if = f"stream-app what-if --data-dir {shlex.quote(str(data_dir))} --user {shlex.quote(user)}"
    told = {
        each["id"]: [*explain_output(each, what_if), explain_sessions(sessions, each["as_of"])]
        for each in chosen
    }
    if as_json:
        console.file.write(orjson.dumps(told).decode() + "\n")
        return
    for sentences in told.values():
        console.print("\n".join(sentences), markup=False, highlight=False, soft_wrap=True)
        console.print()
