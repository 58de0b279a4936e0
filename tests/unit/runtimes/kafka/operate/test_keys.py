import orjson

from stream_app.runtimes.common.key_history import KeyUse
from stream_app.runtimes.kafka.operate.keys import history_of


def record(fingerprint: str, since: float, *held: str) -> bytes:
    return orjson.dumps({"fingerprint": fingerprint, "since": since, "held": held})


def test_a_key_follows_the_one_that_its_writer_held() -> None:
    values = [record("a", 1), record("b", 2, "a"), record("c", 3, "b", "a")]
    assert history_of(values) == [KeyUse("a", 1, 2), KeyUse("b", 2, 3), KeyUse("c", 3)]


def test_of_two_first_processes_with_different_keys_the_first_counts() -> None:
    assert history_of([record("a", 1), record("b", 1)]) == [KeyUse("a", 1)]
    assert history_of([record("a", 1), record("b", 1, "c"), record("d", 2, "a")])[-1] == KeyUse("d", 2)


def test_what_is_no_record_of_a_key_does_not_count() -> None:
    assert history_of([None, b"", b"{}", b"\xff", record("a", 1), b"[]"]) == [KeyUse("a", 1)]
    assert history_of([]) == []
