"""What positions are of: a topic made anew is noticed, and its offsets count on beyond all before."""

import pytest

from stream_app.errors import StateError
from stream_app.observability.guard import GENERATION
from stream_app.runtimes.kafka.state.origins import Origin, adopt, decode_origins, encode_origins, renew


def test_they_are_read_as_they_were_stored() -> None:
    origins = {"events": Origin("a", GENERATION), "links": Origin("b")}
    assert decode_origins(encode_origins(origins)) == origins
    assert decode_origins(None) == {}


def test_a_topic_without_an_origin_is_adopted_and_another_refused() -> None:
    assert adopt({}, {"events": "a"}) == {"events": Origin("a")}
    assert adopt({"events": Origin("a", 7)}, {"events": "a", "links": "b"}) == {
        "events": Origin("a", 7),
        "links": Origin("b"),
    }
    assert adopt({"events": Origin("a")}, {}) == {"events": Origin("a")}
    with pytest.raises(StateError, match="stream-app positions reset"):
        adopt({"events": Origin("a")}, {"events": "b"})


@pytest.mark.parametrize(
    ("origin", "last", "base"),
    [
        (Origin("a"), -1, GENERATION),
        (Origin("a"), 0, GENERATION),
        (Origin("a"), 41, GENERATION),
        (Origin("a", GENERATION), GENERATION + 9, 2 * GENERATION),
        (Origin("a", GENERATION), 9, 2 * GENERATION),
        (None, 12, GENERATION),
        (None, -1, 0),
    ],
)
def test_offsets_count_on_beyond_all_that_there_were(origin: Origin | None, last: int, base: int) -> None:
    origins = {"events": origin} if origin else {}
    assert renew(origins, {"events": "new"}, {"events": last}) == {"events": Origin("new", base)}
    assert renew({"events": Origin("new", 5)}, {"events": "new"}, {"events": last}) == {
        "events": Origin("new", 5)
    }
