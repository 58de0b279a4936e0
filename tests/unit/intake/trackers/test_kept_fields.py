from stream_app.intake.trackers.json_records import MAX_INTEGER
from stream_app.intake.trackers.kept_fields import MAX_DEPTH, MAX_FIELDS, MAX_NAME, MAX_TEXT, keep


def test_as_many_fields_as_the_bound_says_in_their_order() -> None:
    fields = {f"f{number}": number for number in range(MAX_FIELDS + 1)}
    assert list(keep(fields)) == list(fields)[:MAX_FIELDS]


def test_what_says_nothing_takes_no_place() -> None:
    nothing = {f"n{number}": None if number % 2 else "" for number in range(MAX_FIELDS)}
    assert keep({**nothing, "last": 0}) == {"last": 0}


def test_texts_are_cut_and_long_names_left_out() -> None:
    kept = keep({"t": "x" * (MAX_TEXT + 1), "n" * MAX_NAME: 1, "n" * (MAX_NAME + 1): 1, "l": ["y" * 2000]})
    assert kept == {"t": "x" * MAX_TEXT, "n" * MAX_NAME: 1, "l": ["y" * MAX_TEXT]}


def test_lists_are_cut() -> None:
    assert keep({"l": [*range(MAX_FIELDS + 5)]}) == {"l": [*range(MAX_FIELDS)]}


def test_what_nests_too_deeply_is_left_out() -> None:
    nested: object = {"leaf": 1}
    for _ in range(MAX_DEPTH - 1):
        nested = {"in": nested}
    assert keep({"ok": nested}) == {"ok": nested}
    assert keep({"ok": {"over": nested}})["ok"] != {"over": nested}
    assert "leaf" not in str(keep({"ok": {"over": nested}}))


def test_integers_that_fit_no_machine_word_are_left_out() -> None:
    assert keep({"big": MAX_INTEGER, "small": -MAX_INTEGER, "fits": MAX_INTEGER - 1}) == {
        "fits": MAX_INTEGER - 1
    }
