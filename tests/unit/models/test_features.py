import numpy as np

from stream_app.models.features import Columns, visible


def columns_of(*xs, **limits):
    columns = Columns(**limits)
    for x in xs:
        columns.meet(x)
    return columns


def test_a_number_has_one_column_and_a_string_one_per_category():
    columns = columns_of({"age": 30, "browser": "Edge"}, {"browser": "Safari", "pages": 2.5})
    assert columns.names == ["age", "browser=Edge", "browser=Safari", "pages"]
    assert columns.features == ["age", "browser", "browser", "pages"]
    assert columns.categorical.tolist() == [False, True, True, False]


def test_missing_numbers_are_nan_and_missing_or_unknown_categories_zero():
    columns = columns_of({"age": 30, "browser": "Edge"}, {"browser": "Safari", "pages": 2.5})
    rows = columns.rows([{"age": 41, "browser": "Opera"}, {"browser": "Safari", "pages": 1, "other": 9}])
    np.testing.assert_array_equal(rows, [[41, 0, 0, np.nan], [np.nan, 0, 1, 1]])


def test_categories_past_the_limit_get_no_column():
    columns = columns_of(*({"query": f"words {n}"} for n in range(10)), {"age": 1}, most_categories=3)
    assert columns.names == ["query=words 0", "query=words 1", "query=words 2", "age"]


def test_columns_past_the_limit_are_not_given_out():
    columns = columns_of({"a": 1, "b": 2, "c": 3}, most_columns=2)
    assert columns.names == ["a", "b"]
    assert columns.rows([{"c": 3, "b": 2}]).shape == (1, 2)


def test_kept_columns_hold_the_same_values_in_the_new_order():
    columns = columns_of({"a": 1, "b": "x", "c": 3}, {"b": "y"})
    xs = [{"a": 5, "b": "y", "c": 7}, {"b": "x"}]
    kept = columns.keep([3, 0])
    assert kept.names == ["b=y", "a"]
    np.testing.assert_array_equal(kept.rows(xs), columns.rows(xs)[:, [3, 0]])


def test_features_are_visible_by_name_or_pattern_and_all_of_them_without_any():
    x = {"trait_age": 3.0, "top_os_share": 0.5, "top_os": "iOS", "events_5m": 1.0}
    assert visible(x, ("trait_*", "*_share")) == {"trait_age": 3.0, "top_os_share": 0.5}
    assert visible(x, ("top_os",)) == {"top_os": "iOS"}
    assert visible(x, ()) is x
