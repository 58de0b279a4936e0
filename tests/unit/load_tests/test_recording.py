from collections import Counter

import orjson

from load_tests import population, recording

PEOPLE = ["u1", "u2", "u3", "u4"]


def pool(count: int = 40) -> list[bytes]:
    return [
        orjson.dumps({"messageId": f"m{n}", "anonymousId": f"a{n % 4}", "userId": PEOPLE[n % 4], "n": n})
        for n in range(count)
    ]


def test_people_are_multiplied_in_the_order_of_time_and_keep_their_own_ids() -> None:
    events = [orjson.loads(event) for event in recording.multiply(pool(), 110)]
    assert len(events) == 110
    assert [event["n"] for event in events] == sorted(event["n"] for event in events)
    assert len({event["messageId"] for event in events}) == 110
    marks = {event["userId"].partition(".")[0] for event in events}
    assert marks == {"0", "1", "2"}
    for event in events:
        mark = event["userId"].partition(".")[0]
        assert event["userId"] == f"{mark}.{PEOPLE[event['n'] % 4]}"
        assert event["anonymousId"].startswith(mark + ".")


def test_one_record_in_so_many_has_lost_its_message_id() -> None:
    events = [orjson.loads(event) for event in recording.multiply(pool(), 2_000)]
    lost = [number for number, event in enumerate(events, start=1) if "messageId" not in event]
    assert lost == [recording.BROKEN_EVERY, 2 * recording.BROKEN_EVERY]


def test_events_are_keyed_by_the_user_and_spread_as_kafka_does() -> None:
    assert recording.key_of(b'{"anonymousId":"a","userId":"u"}') == b"u"
    assert recording.key_of(b'{"anonymousId":"a"}') == b"a"
    # murmur2 as the Java client has it: 21 -> -973932308, foobar -> -790332482
    keyed = recording.keyed([b'{"userId":"21"}', b'{"userId":"foobar"}'], 1_000)
    assert [(place, key) for place, key, _ in keyed] == [
        ((-973932308 & 0x7FFFFFFF) % 1_000, b"21"),
        ((-790332482 & 0x7FFFFFFF) % 1_000, b"foobar"),
    ]


def test_a_population_is_made_known_before_it_goes_on() -> None:
    people = population.split(pool())
    known = [recording.key_of(event) for event in people.make_known(100)]
    assert len(set(known)) == len(known) == 100
    later = list(people.go_on(100, 500))
    assert len({orjson.loads(event)["messageId"] for event in later}) == 500
    users = Counter(recording.key_of(event) for event in later)
    assert set(users) <= set(known)
    assert len(users) > 90
    times = [orjson.loads(event)["n"] for event in later]
    assert times == sorted(times)
    assert times[0] >= 10
