"""The learners that compete for the engagement score of a content item."""

from river import linear_model, optim

from stream_app.models.online.incremental import IncrementalRegressor
from stream_app.models.online.refit import RefitRegressor


def refit_forest(seed: int) -> RefitRegressor:
    """Return a random forest that is refitted as examples arrive."""
    return RefitRegressor(seed=seed)


def linear(seed: int) -> IncrementalRegressor:  # noqa: ARG001  # all makers take a seed
    """Return linear regression by stochastic gradient descent."""
    return IncrementalRegressor(
        linear_model.LinearRegression(optimizer=optim.SGD(0.003), clip_gradient=100.0)
    )
