"""The command line: collects the commands, and turns errors into one line and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stream_app.cli.lazy_group import Entry, LazyGroup
from stream_app.cli.options import messages
from stream_app.errors import StreamAppError

COMMANDS = {
    "replay": Entry(
        "stream_app.cli.replay:replay",
        "Run events through the whole job on this machine; run again, it resumes where it stopped.",
    ),
    "outputs": Entry(
        "stream_app.cli.replay:outputs",
        "Print the outputs of a data folder, oldest first; with --json one object per line.",
    ),
    "collect": Entry(
        "stream_app.cli.collect:collect",
        "Receive events over HTTP from browsers and servers; each is answered once it is durable.",
    ),
    "events": Entry(
        "stream_app.cli.events:events",
        "Show what arrives as it arrives: how each event was understood, or why it failed.",
    ),
    "replay-failed": Entry(
        "stream_app.cli.replay_failed:replay_failed",
        "Take in again what failed and can be processed now, once.",
    ),
    "serve": Entry(
        "stream_app.cli.serve:serve",
        "Serve what a data folder knows over HTTP: users, recommendations, items, models, a live stream.",
    ),
    "up": Entry(
        "stream_app.cli.up:up",
        "Collect events, process them into a folder, and serve what it knows, until Ctrl-C ends all.",
    ),
    "report": Entry(
        "stream_app.cli.report:report",
        "Write tiers, drivers, content, groups and recommendations with pictures into one HTML file.",
    ),
    "export": Entry(
        "stream_app.cli.export:export",
        "Write users, sessions, outputs and examples as tables, by schema and day.",
    ),
    "produce": Entry(
        "stream_app.cli.kafka:produce",
        "Send events from files to Kafka, keyed by user, as a tracker's server would.",
    ),
    "catalogue": Entry(
        "stream_app.cli.kafka:catalogue",
        "Send a catalogue to Kafka; the newest version of an item counts.",
    ),
    "worker": Entry(
        "stream_app.cli.kafka:worker",
        "Process events from Kafka until stopped; start as many as there are cores, up to the partitions.",
    ),
    "trainer": Entry(
        "stream_app.cli.kafka:trainer",
        "Learn from training examples and publish model snapshots until stopped.",
    ),
    "topics": Entry("stream_app.cli.kafka:topics_app", "The topics that the product reads and writes."),
    "positions": Entry("stream_app.cli.kafka:positions_app", "The positions up to which topics are read."),
    "definitions": Entry(
        "stream_app.cli.definitions:definitions_app", "Features of your own: check them, list them."
    ),
    "audiences": Entry(
        "stream_app.cli.audiences:audiences_app", "Audiences of your own: preview them, list them."
    ),
    "contracts": Entry("stream_app.cli.contracts:contracts_app", "The contracts of inputs and outputs."),
    "evaluate": Entry("stream_app.cli.evaluate:evaluate_app", "Evaluate the models on your own data."),
    "predict": Entry(
        "stream_app.cli.predict:predict",
        "Learn tiers from one pair of tables and predict those of another, each user after the last session.",
    ),
    "recommend": Entry(
        "stream_app.cli.recommend:recommend",
        "Recommend the next items for a user or a session, or items that go with one, each with its level.",
    ),
    "explain": Entry(
        "stream_app.cli.explain:explain",
        "Say in sentences why a user has this tier, these recommendations and this outlook.",
    ),
    "interest": Entry(
        "stream_app.cli.interest:interest",
        "Show what a user likes, and how much a described new item should interest them.",
    ),
    "erase": Entry(
        "stream_app.cli.erase:erase",
        "Erase a user's row, outputs and traces; their events up to now are dropped if they are replayed.",
    ),
    "export-user": Entry(
        "stream_app.cli.export_user:export_user",
        "Show everything that is stored about a user; with --json all of it, as one object.",
    ),
    "audit": Entry(
        "stream_app.cli.audit:audit",
        "Print who erased, exported, changed a key or reset positions, and when.",
    ),
    "erasures": Entry("stream_app.cli.erasures:erasures_app", "Users who were erased."),
    "key": Entry(
        "stream_app.cli.key:key_app", "The key that signs models and by which erased users are known."
    ),
    "segments": Entry(
        "stream_app.cli.segments:segments",
        "Show the eleven segments: how many users each has, and the medians that set it apart.",
    ),
    "campaigns": Entry(
        "stream_app.cli.campaigns:campaigns_app",
        "Campaigns: files that say what may be sent to whom.",
    ),
    "clusters": Entry(
        "stream_app.cli.clusters:clusters",
        "Group users by their features in one pass, and show what distinguishes each group.",
    ),
    "content": Entry(
        "stream_app.cli.content:content",
        "Show how many of an item's starters complete it: the score, the expected and the observed share.",
    ),
    "drivers": Entry(
        "stream_app.cli.drivers:drivers",
        "Show what is associated with retention and engagement, in all and by system, browser, plan, page.",
    ),
    "what-if": Entry(
        "stream_app.cli.what_if:what_if_command",
        "Show a user's or an item's score as it is and with changes, and which changes would help most.",
    ),
    "simulate": Entry(
        "stream_app.cli.simulate:simulate",
        "Write simulated events in order of arrival and, separately, the hidden truth behind them.",
    ),
    "check": Entry(
        "stream_app.cli.check:check",
        "Check a data or state folder for damage, and say what to do about it.",
    ),
    "settings": Entry(
        "stream_app.cli.settings:settings",
        "List every setting with its present value; secrets stay hidden.",
    ),
}


class Commands(LazyGroup):
    """Every command, in the order of the help."""

    entries = COMMANDS


app = typer.Typer(
    cls=Commands,
    name="stream-app",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Typer's options for installing completion are slow to start, so they exist only if no command is named.
    add_completion=not sys.argv[1:] or sys.argv[1].startswith("-"),
    rich_markup_mode=None,  # plain help, because drawing it takes as long as everything else for it
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        print(f"stream-app {version('stream-app')}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _gather(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    """Clickstream engagement: rolling features, tiers and recommendations, on Kafka or on one machine."""


def main() -> None:
    """Run the command line; each of our errors becomes one line that says what to do."""
    try:
        app()
    except StreamAppError as error:
        messages.print(f"stream-app: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
