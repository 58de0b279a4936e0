"""`evaluate oracle`: how much of what could be known about a simulation's clicks the recommender learns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.options import AsJson, console, messages
from stream_app.errors import InputError, SettingsError

if TYPE_CHECKING:
    from stream_app.models.recommenders.surface import Surface
    from stream_app.schemas.catalogue import CatalogueItem
    from stream_app.simulation.browsing import BrowsedSession
    from stream_app.simulation.oracle import ClickOracle
    from stream_app.simulation.settings import SimulationSettings


CONTESTANTS = ("oracle", "surface", "blend", "popularity")
OCCASIONS = ("first", "next")


class Simulated(NamedTuple):
    """A simulation, read from its files."""

    settings: SimulationSettings
    catalogue: list[CatalogueItem]
    sessions: list[BrowsedSession]


def evaluate_oracle(
    folder: Annotated[Path, typer.Option("--simulation", help="Folder that `simulate` wrote.")],
    judged_days: Annotated[
        int, typer.Option(help="Last days that are judged; those before are learned.")
    ] = 1,
    count: Annotated[int, typer.Option("-k", help="How many items are shown.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show items before each click of a simulation's last days: click rates beside those of an oracle.

    The oracle knows every hidden taste. First is the first item of a visit, next any item after it.
    """
    if count < 1:
        raise SettingsError(f"-k is how many items to show: write a whole number from 1, not {count}")
    simulated = _read(folder)
    if not 0 < judged_days < simulated.settings.days:
        raise SettingsError(
            f"--judged-days is how many of the {simulated.settings.days} simulated days are judged: "
            f"write a whole number from 1 to {simulated.settings.days - 1}, not {judged_days}"
        )
    with messages.status("learning, then showing items before each click"):
        report = compare_with_oracle(simulated, judged_days, count)
    if as_json:
        console.file.write(orjson.dumps(report).decode() + "\n")
    else:
        console.print(_table(report))
        console.print(f"{report['all']['positions']:,.0f} clicks of known users.", highlight=False)


def compare_with_oracle(simulated: Simulated, judged_days: int, count: int) -> dict[str, dict[str, float]]:
    """Return the click rate of each contestant and its share of the oracle's, by occasion and for all.

    A list's click rate is the probability that the next item is on it, by the odds that the simulation
    draws from. All sessions are learned as they end; those of known users that begin in the last days are
    judged, each click with what had ended by the session's begin.
    """
    from stream_app.models.recommenders.context import context_at
    from stream_app.models.recommenders.surface import Surface
    from stream_app.simulation.oracle import ClickOracle

    settings = simulated.settings
    oracle = ClickOracle(settings)
    surface = Surface()
    for item in simulated.catalogue:
        surface.catalogue.put(item)
    judged_from = settings.start.timestamp() + (settings.days - judged_days) * 86_400
    sums = {occasion: dict.fromkeys(("positions", *CONTESTANTS), 0.0) for occasion in OCCASIONS}
    judged = [session for session in simulated.sessions if session.times[0] >= judged_from]
    timeline = [(session.times[-1], True, session) for session in simulated.sessions]
    timeline += [(session.times[0], False, session) for session in judged if session.visitor.startswith("u")]
    # At the same moment, queries come first: a session of one click begins and ends at once.
    for _, is_over, session in sorted(timeline, key=lambda moment: (moment[0], moment[1])):
        if not is_over:
            _judge(session, surface, oracle, count, sums)
        else:
            at = session.times[-1]
            context = context_at(at, session.device, session.country)
            surface.catalogue.tell(session.items)
            surface.learn_session(session.items, at, session.visitor, context)
    if not any(found["positions"] for found in sums.values()):
        raise InputError("no known user came on the judged days: simulate more users or judge more days")
    return _rates(sums)


def _judge(
    session: BrowsedSession,
    surface: Surface,
    oracle: ClickOracle,
    count: int,
    sums: dict[str, dict[str, float]],
) -> None:
    from stream_app.models.recommenders.context import context_at

    for place, at in enumerate(session.times):
        known = session.items[:place]
        current, moment = (known[-1] if known else None), datetime.fromtimestamp(at, UTC)
        found = sums["next" if known else "first"]
        context = context_at(at, session.device, session.country)
        shown = surface.recommend(known, count, user=session.visitor, context=context, now=at)
        lists: dict[str, Sequence[str]] = {
            "oracle": oracle.best_items(session.visitor, current, moment, count),
            "surface": [item.item_id for item in shown],
            "blend": [item.item_id for item in surface.blend.recommend(known, count)],
            "popularity": [item.item_id for item in surface.blend.recommend((), count)],
        }
        found["positions"] += 1
        for contestant, items in lists.items():
            found[contestant] += oracle.click_rate(session.visitor, current, moment, list(items))


def _rates(sums: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    total = {name: sum(found[name] for found in sums.values()) for name in ("positions", *CONTESTANTS)}
    report: dict[str, dict[str, float]] = {}
    for occasion, found in {**sums, "all": total}.items():
        positions = max(found["positions"], 1)
        report[occasion] = {"positions": found["positions"]}
        for contestant in CONTESTANTS:
            report[occasion][contestant] = found[contestant] / positions
            if contestant != "oracle":
                report[occasion][f"{contestant}_of_oracle"] = found[contestant] / (found["oracle"] or 1)
    return report


def _read(folder: Path) -> Simulated:
    from stream_app.schemas.catalogue import CatalogueItem
    from stream_app.simulation.browsing import read_sessions
    from stream_app.simulation.settings import read_settings

    try:
        settings = read_settings(folder / "truth.jsonl")
        lines = (folder / "catalogue.jsonl").read_bytes().splitlines()
        catalogue = [CatalogueItem.model_validate_json(line) for line in lines]
        return Simulated(settings, catalogue, read_sessions(folder / "events.jsonl"))
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, StopIteration, TypeError) as error:
        raise InputError(f"{folder} is no folder that `simulate` wrote: {error}") from None


def _table(report: dict[str, dict[str, float]]) -> Table:
    table = Table(
        title="Click rate, and its share of the oracle's", title_justify="left", box=box.SIMPLE_HEAD
    )
    table.add_column("shown by")
    for occasion in report:
        table.add_column(occasion, justify="right")
    for contestant in CONTESTANTS:
        cells = [_cell(rates, contestant) for rates in report.values()]
        table.add_row(contestant, *cells, style="bold" if contestant == "surface" else "")
    return table


def _cell(rates: dict[str, float], contestant: str) -> str:
    share = rates.get(f"{contestant}_of_oracle")
    return f"{rates[contestant]:.4f}" + ("" if share is None else f" ({share:.1%})")
