"""Random forests that see all examples at once, as a reference for the stream's models."""

from collections.abc import Sequence

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from stream_app.models.features import Columns, Features, Label, filled


def forest_labels(
    train: Sequence[Features], labels: Sequence[Label], test: Sequence[Features], seed: int
) -> list[Label]:
    """Fit a class-balanced forest on the training examples; return its label for each test example.

    Every split sees all features and leaves hold at least five examples, which makes a far stronger forest if
    there are many irrelevant features.
    """
    forest = RandomForestClassifier(
        200, min_samples_leaf=5, max_features=None, class_weight="balanced_subsample", random_state=seed
    )
    columns = _columns(train)
    rows, missing = filled(columns.rows(train))
    forest.fit(rows, list(labels))
    answers: list[Label] = forest.predict(filled(columns.rows(test), missing)[0]).tolist()
    return answers


def forest_values(
    train: Sequence[Features], values: Sequence[float], test: Sequence[Features], seed: int
) -> list[float]:
    """Fit a forest on the training examples; return its value for each test example."""
    forest = RandomForestRegressor(100, min_samples_leaf=2, max_features=0.4, random_state=seed)
    columns = _columns(train)
    rows, missing = filled(columns.rows(train))
    forest.fit(rows, list(values))
    answers: list[float] = forest.predict(filled(columns.rows(test), missing)[0]).tolist()
    return answers


def _columns(xs: Sequence[Features]) -> Columns:
    columns = Columns()
    for x in xs:
        columns.meet(x)
    return columns
