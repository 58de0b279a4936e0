from itertools import product

from stream_app.intake.identifiers import event_fingerprint
from stream_app.intake.wire import decode_event
from stream_app.schemas.envelopes import Cause, output_id
from stream_app.testing import page, track


def fingerprint(value: bytes) -> int:
    return event_fingerprint(decode_event(value))


def test_ids_are_the_same_on_every_machine() -> None:
    cause = Cause(topic="clickstream.events.v1", partition=3, offset=17)
    assert output_id("engagement_tier", cause, "event") == "083904537b788281fc097820593d5f5f"
    assert fingerprint(page("u", 0, messageId="message-1")) == 8797586852149835792
    assert fingerprint(page("u", 0, "item")) == 5144885589237175034


def test_every_part_of_a_cause_tells_ids_apart() -> None:
    causes = product(["a", "b"], ["t1", "t"], [0, 1, 11], [0, 1, 11], ["", "x"])
    ids = [
        output_id(kind, Cause(topic, partition, offset), moment)
        for kind, topic, partition, offset, moment in causes
    ]
    assert len(set(ids)) == len(ids) == 72


def test_fingerprints_fit_a_signed_integer() -> None:
    prints = [fingerprint(page("u", 0, messageId=f"m{number}")) for number in range(2_000)]
    prints += [fingerprint(page("u", 0, f"item-{number}")) for number in range(2_000)]
    assert len(set(prints)) == 4_000
    assert all(0 <= found < 2**63 for found in prints)


def test_an_id_is_all_that_tells_an_event_that_has_one() -> None:
    one, other = page("u", 0, "a", messageId="m"), track("v", 9, "Opened", messageId="m")
    assert fingerprint(one) == fingerprint(other)


def test_without_an_id_the_order_of_fields_and_the_times_of_sending_tell_nothing() -> None:
    plain = b'{"type":"page","userId":"u","timestamp":"2024-03-04T08:00:00Z","properties":{"a":1,"b":2}}'
    turned = b'{"properties":{"b":2,"a":1},"timestamp":"2024-03-04T08:00:00Z","userId":"u","type":"page"}'
    sent = plain[:-1] + b',"sentAt":"2024-03-04T08:00:09Z","receivedAt":"2024-03-04T08:00:10Z"}'
    assert fingerprint(plain) == fingerprint(turned) == fingerprint(sent)
    others = [
        plain.replace(b'"a":1', b'"a":1.5'),
        plain.replace(b"08:00", b"08:01"),
        plain.replace(b"page", b"screen"),
    ]
    assert len({fingerprint(other) for other in [plain, *others]}) == 4
