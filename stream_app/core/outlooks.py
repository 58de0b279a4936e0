"""Outlooks: what users will do after a session has ended, and the cluster they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from stream_app.core.outputs import request_envelope, time_of
from stream_app.core.score_requests import ScoreRequest, calls_for_outlook
from stream_app.features.reading import Features
from stream_app.intake import consent
from stream_app.learning import moments
from stream_app.learning.ports import Cluster, OutcomeModel
from stream_app.schemas.outputs import ClusterTrait, OutcomeChance, Outlook, UserCluster
from stream_app.settings.rules import Rules


def foresee(
    requests: Sequence[ScoreRequest], models: Mapping[str, OutcomeModel], rules: Rules, now: datetime
) -> list[Outlook]:
    """Predict what the users of ended sessions will do; models without examples are skipped."""
    ended = [request for request in requests if calls_for_outlook(request.moment)]
    stamps = {target: model.stamp() for target, model in models.items()}
    known = {target: model for target, model in models.items() if stamps[target].examples_seen}
    if not ended or not known:
        return []
    examples = [moments.select(request.features, rules.definitions) for request in ended]
    chances = {target: model.predict_chances(examples) for target, model in known.items()}
    clusters = _clusters_of(examples, known.values())
    return [
        Outlook(
            **request_envelope("outlook", request, now),
            chances=[
                OutcomeChance(target=target, probability=chances[target][place], model=stamps[target])
                for target in known
            ],
            ends_at=time_of(request.at + rules.outlook_horizon),
            cluster=clusters[place],
            consent=consent.agreed_purposes(request.consent, rules.default_consent),
            control_group=request.control_group or None,
        )
        for place, request in enumerate(ended)
    ]


def _clusters_of(
    examples: Sequence[Features], models: Iterable[OutcomeModel]
) -> Sequence[UserCluster | None]:
    """Each user's cluster, from the first model that has clusters."""
    for model in models:
        found = model.clusters_of(examples)
        if any(found):
            known = {cluster.number: _cluster_output(cluster) for cluster in found if cluster}
            return [known[cluster.number] if cluster else None for cluster in found]
    return [None] * len(examples)


def _cluster_output(cluster: Cluster) -> UserCluster:
    return UserCluster(
        number=cluster.number,
        share=cluster.share,
        traits=[
            ClusterTrait(
                feature=trait.feature,
                difference=trait.difference,
                inside=trait.inside,
                everybody=trait.everybody,
            )
            for trait in cluster.traits
        ],
    )
