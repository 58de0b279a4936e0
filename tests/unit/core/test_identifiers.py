from itertools import product

from schemas.outputs import SourcePosition
from stream_app.core.identifiers import message_fingerprint, output_id


def test_ids_are_the_same_on_every_machine() -> None:
    source = SourcePosition(topic="clickstream.events.v1", partition=3, offset=17)
    assert output_id("engagement_tier", source, "event") == "083904537b788281fc097820593d5f5f"
    assert message_fingerprint("message-1") == 8797586852149835792


def test_every_part_of_a_cause_tells_ids_apart() -> None:
    causes = product(["a", "b"], ["t1", "t"], [0, 1, 11], [0, 1, 11], ["", "x"])
    ids = [
        output_id(kind, SourcePosition(topic=topic, partition=partition, offset=offset), moment)
        for kind, topic, partition, offset, moment in causes
    ]
    assert len(set(ids)) == len(ids) == 72


def test_fingerprints_fit_a_signed_integer() -> None:
    prints = [message_fingerprint(f"m{number}") for number in range(2_000)]
    assert len(set(prints)) == 2_000
    assert all(0 <= fingerprint < 2**63 for fingerprint in prints)
