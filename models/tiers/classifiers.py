"""Who competes for the engagement tier: forests refitted on a sample, and learners that never look back."""

from river import forest, linear_model, optim

from stream_app.models.online.incremental import IncrementalClassifier
from stream_app.models.online.refit import RefitClassifier
from stream_app.models.online.smoothed import SmoothedBayes, SmoothedNeighbours
from stream_app.models.online.vote import Vote

# What a user is like, whenever one looks: the clock alone (windows, recency, tenure) does not move it.
LASTING_FEATURES = ("trait_*", "session_duration_*", "session_page_views_*", "distinct_*", "*_share")


def refit_forest(seed: int) -> RefitClassifier:
    """Return a random forest over the features that matter, refitted as labels come."""
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
    """Return the vote of the nearest among the last few hundred."""
    return IncrementalClassifier(SmoothedNeighbours(n_neighbors=15, window=300))


def vote(seed: int) -> Vote:
    """Return the vote of all learners that never look back, on the lasting features."""
    return Vote(
        {
            "logistic": logistic(seed),
            "naive_bayes": naive_bayesian(seed),
            "adaptive_forest": adaptive_forest(seed),
            "nearest_neighbours": nearest_neighbours(seed),
        },
        sees=LASTING_FEATURES,
    )
