"""The named features, after a stream and in the middle of it, against an oracle that keeps every event."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from properties.features.oracle.comparing import differing, every_stream
from properties.features.oracle.expected_features import expected_features, undecided
from properties.features.oracle.runs import Run
from properties.features.oracle.streams import COMMON, Manner, streams
from properties.features.oracle.visits import visits_of

from stream_app.features.reading import read_features, reading_of
from stream_app.schemas.outputs import TrainingExample

LABELS_CHECKED = 4


@every_stream
@given(streams(idle_share=st.sampled_from([0.0, 0.05])))
def test_features_at_times_after_the_stream(manner: Manner) -> None:
    run = Run(manner)
    for row, history, visits in run.users:
        for at in run.read_times:
            wrong = differing(read_features(row, at), expected_features(history, visits, at))
            assert not wrong.keys() - undecided(history, at), wrong


@every_stream
@given(streams(idle_share=st.sampled_from([0.0, 0.05])))
def test_a_reading_gives_what_is_wanted_as_a_full_one_does(manner: Manner) -> None:
    run = Run(manner)
    for row, _, _ in run.users:
        for at in run.read_times:
            features = read_features(row, at)
            for name, value in features.items():
                read = read_features(row, at, reading=reading_of(frozenset({name})))
                assert read[name] == value
                assert read.items() <= features.items()


@every_stream
@given(streams(kinds={**COMMON, "label": 5.0}))
def test_features_of_labels_in_the_middle_of_the_stream(manner: Manner) -> None:
    run = Run(manner)
    labels = {
        (user, label.offset): label
        for user, history in run.oracle.histories.items()
        for label in history.labels
    }
    examples = {
        (output.user_key, output.source.offset): output.features
        for output in run.outputs
        if isinstance(output, TrainingExample) and output.target == "engagement_tier" and output.user_key
    }
    assert examples.keys() == labels.keys()
    for user, offset in Random(manner.seed).sample(sorted(examples), min(LABELS_CHECKED, len(examples))):
        oracle, at = run.oracle_at(offset), labels[user, offset].at
        history, visits = oracle.histories[user], visits_of(oracle, user)
        if at < history.last_at:
            continue  # windows are kept for the user's present, not for times before it
        wrong = differing(examples[user, offset], expected_features(history, visits, at))
        assert not wrong.keys() - undecided(history, at), wrong
