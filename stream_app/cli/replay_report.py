"""The results of a replay, as a table for people or JSON for machines."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import orjson
from rich.table import Table

from stream_app.cli.options import console
from stream_app.core.tiers import TIER_NAMES
from stream_app.errors import RefusedEventsError
from stream_app.learning.model_adapters import SessionRecommender
from stream_app.models.recommenders.factorisation import Factorisation
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.learned import LearnedModels
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.outputs import FailureReason

MOST_FAILED = 0.05
FEW = 10  # with just a handful of events, a few failures say nothing about the rest
ADVICE = {
    FailureReason.LATE: "sort the events by time, or allow more with --set allowed_lateness=SECONDS",
    FailureReason.TIME_OUT_OF_RANGE: "their dates are before 2000 or after their receipt: correct them",
    FailureReason.MISSING_TIME: "give each a timestamp",
    FailureReason.MISSING_USER: "give each a userId or an anonymousId",
    FailureReason.BAD_JSON: "write one JSON object a line",
}
Scores = dict[str, dict[str, dict[str, float]]]
RECOMMENDATION_SCORES = ("hr@5", "hr@10", "hr@20", "mrr@20", "coverage", "novelty")
SHOWN_SCORES = ("macro_f1", "weighted_f1", "roc_auc", "log_loss", "calibration_error", "r2", "mae")


@dataclass(frozen=True)
class ReplayReport:
    """Figures of one run, and the content of the data folder after it."""

    data_dir: str
    records: int
    seconds: float
    events: dict[str, int]
    failed: dict[str, int]
    users: int
    users_by_tier: dict[str, int]
    outputs: dict[str, int]
    sessions_learned: int
    models: dict[str, dict[str, int | str]]
    scores: dict[str, Scores]
    recommendations: dict[str, dict[str, float]]
    example_items: list[str]

    @classmethod
    def of(
        cls,
        store: Store,
        learned: LearnedModels,
        metrics: Metrics,
        data_dir: Path,
        records: int,
        seconds: float,
    ) -> Self:
        """Collect the figures."""
        tiers: Counter[str] = Counter()
        for _, _, row in store.rows():
            if not row.merged_into:  # an id whose history now belongs to its user
                tiers[TIER_NAMES[row.tier].value if row.tier else "none"] += 1
        taught = [scorer.model for scorer in learned.learners.all if scorer.model.examples_seen]
        return cls(
            data_dir=str(data_dir),
            records=records,
            seconds=seconds,
            events=metrics.event_outcomes(),
            failed=metrics.failure_counts(),
            users=tiers.total(),
            users_by_tier=dict(tiers),
            outputs=store.output_counts(),
            sessions_learned=learned.recommender.stamp().examples_seen,
            models={
                model.name: {
                    "version": model.version,
                    "examples": model.examples_seen,
                    "status": model.status.value,
                }
                for model in taught
            },
            scores={model.name: model.scores() for model in taught},
            recommendations=_scores_of_recommenders(learned.recommender),
            example_items=_example_items(store),
        )


def print_report(report: ReplayReport, as_json: bool) -> None:
    """Show the report."""
    if as_json:
        console.file.write(orjson.dumps(asdict(report)).decode() + "\n")
        return
    rate = report.records / report.seconds if report.seconds else 0.0
    console.print(
        f"\n[bold]{report.records:,} events[/] in {report.seconds:.1f} s ([bold]{rate:,.0f} events/s[/]), "
        f"{report.users:,} users, {report.sessions_learned:,} sessions learned"
    )
    tables = Table.grid(padding=(0, 4))
    tables.add_row(_counts("Users by tier", _in_tier_order(report.users_by_tier)), _outputs(report))
    console.print(tables)
    if report.scores:
        console.print(_scores(report))
    if report.recommendations:
        console.print(_recommendations(report))
    folder = shlex.quote(report.data_dir)
    items = shlex.quote(",".join(report.example_items))
    recommend = f"  stream-app recommend --data-dir {folder} --session-items {items} --explain"
    content = [f"  stream-app content --data-dir {folder}"] if "content_score" in report.outputs else []
    for line in (
        f"Outputs, rows and models are in {folder}. Next:",
        f"  stream-app outputs --data-dir {folder} --schema engagement_tier --limit 10",
        f"  stream-app outputs --data-dir {folder} --schema recommendations --json",
        *([recommend] if report.example_items else []),
        *content,
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _example_items(store: Store) -> list[str]:
    """Two items that the folder knows, so that what is printed can be typed."""
    newest = store.newest_output("recommendations")
    return [item["item_id"] for item in orjson.loads(newest)["items"][:2]] if newest else []


def refuse_many_failures(report: ReplayReport) -> None:
    """Raise an error if more than a few of the events failed or were late.

    Raises:
        RefusedEventsError: they did; the message names the commonest reason and what to do.
    """
    failed = sum(report.failed.values())
    if failed <= MOST_FAILED * report.records or (failed < FEW and 2 * failed <= report.records):
        return
    reason, count = max(report.failed.items(), key=lambda entry: entry[1])
    advice = ADVICE.get(FailureReason(reason), "fix the sender, see docs/contracts.md")
    raise RefusedEventsError(
        f"{failed:,} of {report.records:,} events ({failed / report.records:.0%}) failed or were late, "
        f"{count:,} of them for the reason {reason}: {advice}, and replay into an empty folder"
    )


def _scores_of_recommenders(recommender: SessionRecommender) -> dict[str, dict[str, float]]:
    off = () if recommender.surface.rules.factorisation else (Factorisation.name,)
    return {source: scores for source, scores in recommender.scores().items() if source not in off}


def _in_tier_order(counts: dict[str, int]) -> dict[str, int]:
    names = [*(name.value for name in TIER_NAMES.values()), "none"]
    return {name: counts[name] for name in names if name in counts}


def _counts(title: str, counts: dict[str, int]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column()
    table.add_column("users", justify="right")
    table.add_column("share", justify="right")
    total = sum(counts.values()) or 1
    for name, count in counts.items():
        table.add_row(name, f"{count:,}", f"{count / total:.0%}")
    return table


def _outputs(report: ReplayReport) -> Table:
    table = Table(title="What came out", title_justify="left")
    table.add_column("schema")
    table.add_column("outputs", justify="right")
    for name, count in sorted(report.outputs.items()):
        table.add_row(name, f"{count:,}")
    for reason, count in sorted(report.failed.items()):
        table.add_row(f"  failed: {reason}", f"{count:,}", style="dim")
    return table


def _recommendations(report: ReplayReport) -> Table:
    table = Table(title="Next clicks, predicted before they were learned (a sample)", title_justify="left")
    table.add_column("source")
    for name in RECOMMENDATION_SCORES:
        table.add_column(name, justify="right")
    ranked = sorted(report.recommendations.items(), key=lambda entry: -entry[1]["hr@10"])
    for source, scores in ranked:
        table.add_row(source, *(f"{scores[name]:.3f}" for name in RECOMMENDATION_SCORES))
    return table


def _scores(report: ReplayReport) -> Table:
    table = Table(
        title="Scores, each example judged before it was learned",
        title_justify="left",
        show_edge=False,  # with edges it would not fit 80 columns
        pad_edge=False,
    )
    table.add_column("model")
    table.add_column("examples", justify="right")
    table.add_column("status")
    table.add_column("score")
    table.add_column("model", justify="right")
    table.add_column("baseline", justify="right")
    for model, scores in report.scores.items():
        facts = report.models[model]
        overall, baseline = scores["model"]["overall"], scores["baseline"]["overall"]
        for score in SHOWN_SCORES:
            if score in overall:
                table.add_row(
                    model, f"{facts['examples']:,}", str(facts["status"]), score,
                    f"{overall[score]:.3f}", f"{baseline[score]:.3f}",
                )  # fmt: skip
    return table
