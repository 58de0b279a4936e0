"""The command line: gathers the commands, and turns errors into one line and an exit code."""

from __future__ import annotations

import sys

import typer

from stream_app.commands import evaluate_models, kafka, replay
from stream_app.commands.clusters import clusters
from stream_app.commands.collect import collect
from stream_app.commands.drivers import drivers
from stream_app.commands.erase import erase
from stream_app.commands.evaluate import evaluate_app
from stream_app.commands.export_user import export_user
from stream_app.commands.interest import interest
from stream_app.commands.options import messages
from stream_app.commands.predict import predict
from stream_app.commands.recommend import recommend
from stream_app.commands.settings import settings
from stream_app.commands.simulate import simulate
from stream_app.commands.what_if import what_if_command
from stream_app.errors import StreamAppError

app = typer.Typer(
    name="stream-app",
    help="Clickstream engagement: rolling features, tiers and recommendations, on Kafka or on one machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(replay.replay)
app.command()(replay.outputs)
app.command()(collect)
app.command()(kafka.produce)
app.command()(kafka.catalogue)
app.command()(kafka.worker)
app.command()(kafka.trainer)
app.add_typer(kafka.topics_app, name="topics")
evaluate_app.command("tiers")(evaluate_models.evaluate_tiers)
evaluate_app.command("engagement")(evaluate_models.evaluate_engagement)
app.add_typer(evaluate_app, name="evaluate")
app.command()(predict)
app.command()(recommend)
app.command()(interest)
app.command()(erase)
app.command("export-user")(export_user)
app.command()(clusters)
app.command()(drivers)
app.command("what-if")(what_if_command)
app.command()(simulate)
app.command()(settings)


def main() -> None:
    """Run the command line; every error of ours ends in one line that says what to do."""
    try:
        app()
    except StreamAppError as error:
        messages.print(f"stream-app: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
