"""The learners that compete for the engagement tier: refitted forests and incremental learners."""

from river import forest, linear_model, optim

from stream_app.models.online.incremental import IncrementalClassifier
from stream_app.models.online.refit import RefitClassifier
from stream_app.models.online.smoothed import SmoothedBayes, SmoothedNeighbours
from stream_app.models.online.vote import Vote

# Features that do not change with time alone, as windows, recency and tenure do.
LASTING_FEATURES = ("trait_*", "session_duration_*", "session_page_views_*", "distinct_*", "*_share")


def refit_forest(seed: int) -> RefitClassifier:
    """Return a random forest over the features that matter, refitted as labels arrive."""
    return RefitClassifier(seed=seed)


def logistic(seed: int) -> IncrementalClassifier:  # noqa: ARG001  # all makers take a seed
    """Return softmax regression."""
    return IncrementalClassifier(linear_model.SoftmaxRegression(optimizer=optim.SGD(0.02), l2=1e-4))


def naive_bayesian(seed: int) -> IncrementalClassifier:  # noqa: ARG001
    """Return Gaussian naive Bayes."""
    return IncrementalClassifier(SmoothedBayes())


def adaptive_forest(seed: int) -> IncrementalClassifier:
    """Return an adaptive random forest, whose trees are replaced as they drift."""
    return IncrementalClassifier(forest.ARFClassifier(n_models=5, seed=seed))


def nearest_neighbours(seed: int) -> IncrementalClassifier:  # noqa: ARG001
    """Return a vote of the nearest among the last few hundred examples."""
    return IncrementalClassifier(SmoothedNeighbours(n_neighbors=15, window=300))


def vote(seed: int) -> Vote:
    """Return a vote of all incremental learners, on the features that do not depend on the moment."""
    return Vote(
        {
            "logistic": logistic(seed),
            "naive_bayes": naive_bayesian(seed),
            "adaptive_forest": adaptive_forest(seed),
            "nearest_neighbours": nearest_neighbours(seed),
        },
        sees=LASTING_FEATURES,
    )
