from random import Random
from urllib.parse import quote

import orjson
import pytest
from support.personal_samples import ID_FIELDS, ID_KINDS, make_personal, place_personal

from stream_app.intake.check_digits import iban_length, is_card
from stream_app.intake.id_fields import is_id_field
from stream_app.intake.personal_text import is_personal
from stream_app.intake.privacy import REMOVED, Privacy


def kept(event: object) -> str:
    return orjson.dumps(Privacy().scrub_bytes(orjson.dumps(event)).decode()).decode()


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("from 203.0.113.77.", "from 203.0.113.0."),
        ("from 203.0.113.77, or so", "from 203.0.113.0, or so"),
        ("from%20203.0.113.77", "from%20203.0.113.0"),
        ("192.168.001.009", "192.168.1.0"),
        ("ip:2001:db8:1:2::77.", "ip:2001:db8:1::."),
        ("call 0049 151 5550199 now", f"call {REMOVED} now"),
        ("call 0044 20 7946 0958", f"call {REMOVED}"),
        ("call 020 7946 0958", f"call {REMOVED}"),
        ("call 06 12 34 56 78.", f"call {REMOVED}."),
        ("call 202.555.0143", f"call {REMOVED}"),
        ("call 1-202-555-0143.", f"call {REMOVED}."),
        ("to DE89 3704 0044 0532 0130 00 please", f"to {REMOVED} please"),
        ("to GB82WEST12345698765432, thanks", f"to {REMOVED}, thanks"),
        ("to GB83 WEST 1234 5698 7654 32", "to GB83 WEST 1234 5698 7654 32"),
        ("by 4111 1111 1111 1111 today", f"by {REMOVED} today"),
        ("by 4111111111111111 today", f"by {REMOVED} today"),
        ("by 3782-822463-10005", f"by {REMOVED}"),
        ("by 4111 1111 1111 1112", "by 4111 1111 1111 1112"),
        ("jane＠mail.example", REMOVED),
        ("jane&#64;mail.example", REMOVED),
        ("logo@2x.png and pkg@1.2.3", "logo@2x.png and pkg@1.2.3"),
        ("Books :: Fiction", "Books :: Fiction"),
    ],
)
def test_what_names_somebody_is_taken_out_of_a_text(text: str, instead: str) -> None:
    assert Privacy().scrub({"properties": {"note": text}}) == {"properties": {"note": instead}}
    # As text, where the record cannot be read.
    assert Privacy().scrub_bytes(f'{{"note": "{text}"'.encode()) == f'{{"note": "{instead}"'.encode()


@pytest.mark.parametrize("field", ["messageId", "timestamp", "userId", "anonymousId", "previousId"])
@pytest.mark.parametrize("plant", ["jane@mail.example", "+49 151 5550199", "203.0.113.77"])
def test_nothing_is_kept_under_an_id_or_a_time(field: str, plant: str) -> None:
    for event in (
        {field: [plant]},
        {field: {"a": plant}},
        {field: {field: plant}},
        {"properties": {field: plant}},
        {"context": {"traits": [{field: f"x {plant}."}]}},
    ):
        assert plant not in kept(event)


def test_ids_of_an_event_stay_as_sent_for_users_and_repeats_are_known_by_them() -> None:
    event = {"messageId": "jane@mail.example", "userId": "+491515550199", "timestamp": "2026-03-02T08:00:05Z"}
    assert Privacy().scrub(event) == event
    assert Privacy().scrub({"timestamp": "at jane@mail.example"}) == {"timestamp": f"at {REMOVED}"}


@pytest.mark.parametrize(
    "made",
    [
        "00012345600012", "100-200-3000", "402-1234567-1234567", "4111111111111111",
        "550e8400-0049-4151-8555-019912345678",
    ],
)  # fmt: skip
def test_an_id_keeps_its_digits(made: str) -> None:
    for field in ("product_id", "order_number", "sku"):
        assert Privacy().scrub({"properties": {field: made}}) == {"properties": {field: made}}
    assert not is_personal(made)


def test_a_card_written_as_a_number_is_removed_but_for_ids() -> None:
    event = {
        "properties": {"paid_with": 4111111111111111, "order_id": 4111111111111111, "n": 4111111111111112}
    }
    assert Privacy().scrub(event)["properties"] == {
        "paid_with": REMOVED, "order_id": 4111111111111111, "n": 4111111111111112,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ID_KINDS)
def test_ids_of_each_kind_are_left_alone(kind: str) -> None:
    random = Random(kind)
    for _ in range(150):
        made = ID_KINDS[kind](random)
        event = {"messageId": {"id": made}, "properties": {random.choice(ID_FIELDS): made}}
        assert Privacy().scrub(event) == event
        assert not is_personal(made)


def test_values_of_people_are_found_in_odd_places() -> None:
    random = Random(5)
    for _ in range(2_000):
        value = make_personal(random)
        place, event = place_personal(value, random)
        scrubbed = orjson.dumps(Privacy().scrub(event)).decode()
        assert value.secret not in scrubbed, place
        assert quote(value.secret) not in scrubbed, place


@pytest.mark.parametrize(
    "name", ["product_id", "productId", "IDs", "SKU", "orderNumber", "trackingno", "session_key", "etag"]
)
def test_fields_of_ids_are_known_by_their_names(name: str) -> None:
    assert is_id_field(name)


@pytest.mark.parametrize(
    "name", ["", "note", "phone_number", "cardNumber", "account_no", "paid", "video", "accountkey", "i" * 65]
)
def test_other_fields_are_not(name: str) -> None:
    assert not is_id_field(name)


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "30569309025904",
        "3530111333300000", "4111 1111 1111 1111",
    ],
)  # fmt: skip
def test_cards_of_each_scheme(number: str) -> None:
    assert is_card(number)
    assert not is_card(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "number", ["0000000000000000", "4000000000000", "1111111111111117", "41111111111111111111"]
)
def test_what_is_no_card(number: str) -> None:
    assert not is_card(number)


def test_an_iban_ends_where_its_country_has_it_end() -> None:
    assert iban_length("DE89 3704 0044 0532 0130 00 MORE") == 27
    assert iban_length("DE893704004405320130001") == 0
    assert iban_length("ZZ893704004405320130") == 0
