"""The learners that compete to predict what a user will do within some days: return, stay away, buy."""

import numpy as np
from numpy.typing import NDArray
from river import linear_model, optim
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from stream_app.models.online.estimators import RefitEstimator
from stream_app.models.online.incremental import IncrementalClassifier
from stream_app.models.online.vote import Vote


def boosted_trees(seed: int) -> RefitEstimator:
    """Return shallow gradient-boosted trees, refitted as labels arrive."""
    return RefitEstimator(_make_boosting, seed=seed)


def log_linear(seed: int) -> RefitEstimator:
    """Return logistic regression on the numbers' logarithms, refitted as labels arrive.

    Counts and durations are informative by order of magnitude, and so is the absence of a number.
    """
    return RefitEstimator(_make_log_linear, seed=seed)


def curves_and_lines(seed: int) -> Vote:
    """Return the vote of boosted trees and logistic regression, whose errors differ."""
    return Vote({"boosted_trees": boosted_trees(seed), "log_linear": log_linear(seed)})


def logistic(seed: int) -> IncrementalClassifier:  # noqa: ARG001  # all makers take a seed
    """Return incremental logistic regression."""
    return IncrementalClassifier(linear_model.LogisticRegression(optimizer=optim.SGD(0.01), l2=1e-4))


def _make_boosting(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.05,
        max_leaf_nodes=8,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def _make_log_linear(seed: int) -> object:  # noqa: ARG001  # all makers take a seed
    return make_pipeline(
        SimpleImputer(strategy="constant", fill_value=0.0, add_indicator=True),
        FunctionTransformer(signed_log),
        StandardScaler(),
        LogisticRegression(C=0.05, max_iter=300),
    )


def signed_log(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each number's logarithm of 1 + its size, with its sign."""
    logs: NDArray[np.float64] = np.sign(rows) * np.log1p(np.abs(rows))
    return logs
