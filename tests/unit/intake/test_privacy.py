import json
import random
from datetime import datetime
from hashlib import sha256
from hmac import new as hmac_of
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.intake.id_fields import is_id_field
from stream_app.intake.privacy import (
    _TIMESTAMP,
    AGENT_FIELDS,
    KEPT_AS_SENT,
    MAX_DEPTH,
    REMOVED,
    SHORTEST_PERSONAL,
    USER_FIELDS,
    Privacy,
)
from stream_app.settings.placeholder_ids import SHIPPED

KEYS = [("k2", b"the newest of two keys"), ("k1", b"the oldest of two keys")]
PRIVACIES = [Privacy(), Privacy(KEYS), Privacy(KEYS, ("email", "phone", "userId"), 2)]
EMAILS = ["jane.roe@mail.example", "JANE+shop@sub.mail.example", "jane_roe%test@mail.example"]
PHONES = ["+49 151 5550199", "+1 (202) 555-0143", "004915155501 99", "(202) 555-0143", "202-555-0143"]
IPV4, IPV6 = "203.0.113.77", "2001:db8:1:22:3:4:5:77"
PLANTS = [*EMAILS, *PHONES]

texts = st.text(max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(
    texts | st.sampled_from(["ip", "email", "phone", "userId"]), json_values, max_size=4
)
words = st.text("abcdefghijklmnop/?=&#_~ ", max_size=30)
often = settings(max_examples=150, deadline=None)


@pytest.mark.parametrize("privacy", PRIVACIES)
@often
@given(event=objects)
def test_what_was_scrubbed_is_not_changed_again(privacy: Privacy, event: dict[str, object]) -> None:
    once = privacy.scrub(event)
    assert privacy.scrub(once) == once
    raw = orjson.dumps(once)
    assert privacy.scrub_bytes(raw) == raw


@pytest.mark.parametrize("plant", PLANTS)
@often
@given(before=words, after=words, place=st.sampled_from(["text", "list", "deep", "url", "unknown"]))
def test_a_planted_address_or_number_never_survives(plant: str, before: str, after: str, place: str) -> None:
    text = f"{before} {plant} {after}"
    event = {
        "text": {"title": text},
        "list": {"items": [1, [text]]},
        "deep": {"a": {"b": {"c": {"d": text}}}},
        "url": {"context": {"page": {"url": f"https://shop.example/?q={quote(plant)}&n={quote(after)}"}}},
        "unknown": {"properties": {"anything": text, "userAgentX": text}},
    }[place]
    for privacy in PRIVACIES:
        for kept in (orjson.dumps(privacy.scrub(event)), privacy.scrub_bytes(orjson.dumps(event))):
            assert plant.encode() not in kept
            assert quote(plant).encode() not in kept
            assert b"mail.example" not in kept
            assert b"555" not in kept


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize(
    "broken", [b"{%s", b'{"a": "%s"', b"\xff\x00 %s \xfe", b'{"a":1}{"b":"%s"}', b"a,%s,b\n", b"%s"]
)
def test_nor_in_what_is_no_json(plant: str, broken: bytes) -> None:
    kept = Privacy().scrub_bytes(broken.replace(b"%s", plant.encode()))
    assert b"mail.example" not in kept
    assert b"555" not in kept
    assert kept.startswith(broken.partition(b"%s")[0])


@pytest.mark.parametrize("plant", PLANTS)
def test_nor_as_the_name_of_a_field(plant: str) -> None:
    event = {"properties": {plant: 1, "deep": {plant: {plant: "x"}}}}
    assert b"mail.example" not in Privacy().scrub_bytes(orjson.dumps(event))
    assert b"555" not in orjson.dumps(Privacy().scrub(event))


@pytest.mark.parametrize("encoded", ['"jane\\u002eroe\\u0040mail.example"', '"\\u002b49 151 5550199"'])
def test_nor_behind_the_escapes_of_json(encoded: str) -> None:
    value = b'{"type":"page","properties":{"title":' + encoded.encode() + b"}}"
    assert orjson.loads(Privacy().scrub_bytes(value))["properties"]["title"] == REMOVED


@often
@given(value=st.ip_addresses())
def test_addresses_lose_what_tells_one_device_from_another(value: object) -> None:
    for octets in range(5):
        masked = ip_address(Privacy(masked_octets=octets).mask_ip(str(value)))
        prefix = 32 - 8 * octets if masked.version == 4 else 48
        network = ip_network(f"{value}/{prefix}".replace("%", ""), strict=False)
        assert masked == network.network_address
        assert Privacy(masked_octets=octets).mask_ip(str(masked)) == str(masked)


@pytest.mark.parametrize("octets", [1, 2, 4])
def test_addresses_are_masked_wherever_they_stand(octets: int) -> None:
    privacy = Privacy(masked_octets=octets)
    event = {
        "context": {"ip": IPV4},
        "url": f"http://{IPV4}/x",
        "text": f"from {IPV6}.",
        "list": [IPV4, IPV6],
    }
    kept = orjson.dumps(privacy.scrub(event)).decode()
    assert IPV4 not in kept
    assert IPV6 not in kept
    assert kept.count(str(ip_network(f"{IPV4}/{32 - 8 * octets}", strict=False).network_address)) == 3
    assert kept.count("2001:db8:1::") == 2
    assert IPV4.encode() not in privacy.scrub_bytes(b"\xff" + IPV4.encode())


@pytest.mark.parametrize("text", ["no address", "", "1.2.3", "999.1.1.1", "::ffff:1.2.3.4.5"])
def test_an_ip_that_is_none_is_removed(text: str) -> None:
    assert Privacy().mask_ip(text) == REMOVED


HARMLESS = [
    b'{"type":"page","userId":"u-1042","timestamp":"2026-03-02T08:00:05Z","properties":{"path":"/a/1","price":9.9}}',
    b'{ "type" : "track",\n "event":"Order Completed", "properties": {"order_id":"o-9","revenue":97.80} }',
    b'{"name":"12:30","ratio":"16:9","code":"AB-12","version":"1.2.3","sku":"00-118","size":"10-12"}',
    b'{"timestamp":"2026-03-02T08:00:05.123456+01:00","originalTimestamp":"2026-03-02 08:00:05"}',
    b'{"context":{"userAgent":"Mozilla/5.0 (X11) Chrome/120.0.0.0 Safari/537.36"}}',
    b'{"n":1e3,"n":1.50,"big":12345678901234567890}',
    b"{broken", b"", b"\xff\xfe\x00", "é\U0001f600".encode(), b"null", b"[]", b"a;b;c\n",
]  # fmt: skip


@pytest.mark.parametrize("value", HARMLESS, ids=lambda value: value[:24].decode("latin-1"))
def test_what_holds_nothing_personal_stays_as_it_is(value: bytes) -> None:
    for privacy in PRIVACIES[:2]:
        assert privacy.scrub_bytes(value) == value


@often
@given(value=st.binary(max_size=60))
def test_any_bytes_can_be_kept(value: bytes) -> None:
    kept = Privacy().scrub_bytes(value)
    assert Privacy().scrub_bytes(kept) == kept


def test_listed_fields_are_replaced_at_any_depth_or_removed_without_a_key() -> None:
    event = {"traits": {"email": "x", "deep": [{"phone": 5550199}]}, "email": ""}
    secret = KEYS[0][1]
    pseudonyms = [f"k2:{hmac_of(secret, told, sha256).digest()[:16].hex()}" for told in (b"x", b"5550199")]
    assert Privacy(KEYS).scrub(event) == {
        "traits": {"email": pseudonyms[0], "deep": [{"phone": pseudonyms[1]}]},
        "email": "",
    }
    assert Privacy().scrub(event)["traits"] == {"email": REMOVED, "deep": [{"phone": REMOVED}]}
    assert Privacy(KEYS, ()).scrub(event) == event


@pytest.mark.parametrize("hidden", [{"a": "jane"}, ["jane"], [["jane"]], {"a": {"b": [5550199]}}])
def test_a_listed_field_hides_what_is_in_it(hidden: object) -> None:
    kept = orjson.dumps(Privacy(KEYS).scrub({"email": hidden}))
    assert b"jane" not in kept
    assert b"5550199" not in kept


def test_who_is_hidden_already_is_not_hidden_again() -> None:
    hiding = Privacy(KEYS, ("userId",))
    for key in KEYS:
        hidden = Privacy([key], ("userId",)).user_key("u")
        assert hiding.user_key(hidden) == hidden
        assert hiding.user_keys(hidden) == [hidden]
    assert hiding.user_key("k3:" + "0" * 32) != "k3:" + "0" * 32


def test_users_are_hidden_where_they_are_listed_alone() -> None:
    open_privacy, hiding = Privacy(KEYS), Privacy(KEYS, ("userId",))
    assert open_privacy.user_key("u") == "u"
    assert open_privacy.user_keys("u") == ["u"]
    hidden = hiding.user_key("u")
    assert hidden.startswith("k2:")
    assert hiding.user_keys("u") == [hidden, Privacy(KEYS[1:], ("userId",)).user_key("u")]
    assert len({hiding.user_key(f"u{number}") for number in range(500)}) == 500
    assert hiding.scrub({"userId": "u"}) == {"userId": hidden}
    assert open_privacy.scrub({"userId": "jane@mail.example"}) == {"userId": "jane@mail.example"}


def test_what_nests_too_deeply_to_be_looked_through_is_cut() -> None:
    value: object = "jane.roe@mail.example"
    for _ in range(2 * MAX_DEPTH):
        value = {"a": value}
    kept = Privacy().scrub_bytes(json.dumps(value).encode())
    assert b"mail.example" not in kept
    assert kept.count(b"{") == MAX_DEPTH + 1


def test_nothing_personal_survives_among_random_fields() -> None:
    choose = random.Random(7)
    for _ in range(300):
        plant = choose.choice(PLANTS)
        event: object = plant
        for _ in range(choose.randrange(1, 6)):
            name = choose.choice(["title", "ip", "email", "properties", "q", "products"])
            event = {name: event} if choose.random() < 0.7 else {name: [event, 1]}
        kept = Privacy(KEYS).scrub_bytes(orjson.dumps(event))
        assert b"mail.example" not in kept
        assert b"k2:" in kept or b"555" not in kept  # a pseudonym may hold any digits


@given(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
    st.integers(0, 9),
    st.booleans(),
    st.booleans(),
)
def test_nothing_personal_is_ever_found_in_a_timestamp(
    at: datetime, places: int, is_id: bool, is_agent: bool
):
    text = f"{at:%Y}".zfill(4) + f"{at:-%m-%dT%H:%M:%S}"
    text += (f".{at.microsecond:06}000"[: places + 1] if places else "") + "Z"
    assert _TIMESTAMP.fullmatch(text)
    assert Privacy()._clean(text, is_id, is_agent) == text


fields = st.sampled_from(
    ["userId", "messageId", "ip", "email", "userAgent", "orderId", "note", "ann@mail.example", "10.11.12.13"]
)
planted = st.sampled_from(
    [
        "ann@mail.example",
        "203.0.113.77",
        "+49 151 23456789",
        "4111 1111 1111 1111",
        "Chrome/10.11.12.13",
        "u-1",
    ]
)
objects = st.recursive(
    planted | st.integers() | st.none() | st.booleans() | st.just(4111111111111111),
    lambda inner: st.dictionaries(fields, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(fields, objects, max_size=5), st.sampled_from(PRIVACIES))
def test_what_was_met_before_is_scrubbed_as_at_first(event: dict[str, Any], privacy: Privacy):
    """Fields and texts are remembered; what is kept follows from the event alone."""
    assert privacy.scrub(event) == privacy.scrub(event) == scrubbed("", event, privacy, 0)


def scrubbed(name: str, value: Any, privacy: Privacy, depth: int) -> Any:
    """The rule, field by field, with nothing remembered."""
    hashed = privacy._hashed_fields
    if name in hashed and isinstance(value, str | int | float):
        is_nobody = name in USER_FIELDS and SHIPPED.stands_for_nobody(str(value))
        return value if value == "" or is_nobody else privacy._pseudonym(str(value))
    if isinstance(value, str):
        if depth == 1 and name in KEPT_AS_SENT:
            return value
        return privacy.mask_ip(value) if name == "ip" else cleaned(privacy, value, name)
    if isinstance(value, dict):
        return {
            cleaned(privacy, key, "id"): scrubbed(name if name in hashed else key, inner, privacy, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [scrubbed(name, inner, privacy, depth + 1) for inner in value]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return privacy._scrub_number(value, name) if is_number else value


def cleaned(privacy: Privacy, text: str, name: str) -> str:
    return (
        text
        if len(text) < SHORTEST_PERSONAL
        else privacy._clean(text, is_id_field(name), name in AGENT_FIELDS)
    )
