"""Ids that stand for nothing glue nobody together, in whatever form and at whatever level they come."""

from typing import Any

import orjson
import pytest

from stream_app.intake.decoding import Failure, TimedEvent, decode
from stream_app.intake.privacy import Privacy
from stream_app.intake.trackers.snowplow.fields import ENRICHED_FIELDS
from stream_app.runtimes.common.partitioning import record_key
from stream_app.schemas.outputs import FailureReason
from stream_app.settings.environment import Settings
from stream_app.settings.placeholder_ids import SHIPPED
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, RECEIVED_AT

NIL_UUID = "00000000-0000-0000-0000-000000000000"
WORDS = (
    "undefined", "null", "NULL", " Null\t", "none", "None", "nil", "NaN", "[object Object]", "0", "-1", "",
    "000000000000000", NIL_UUID, "{" + NIL_UUID + "}", '"null"', "'undefined'", "anonymous", "GUEST", " ",
    "$posthog_cookieless", "(not set)", "N/A", "unknown", "\u00a0undefined", "{{user_id}}", "${userId}",
)  # fmt: skip
REAL = ("u-1042", "0815", "00000000-0000-0000-0000-000000000001", "nullable", "undefined-7", "1", "N", "{b}")
TIME = "2024-03-04T08:00:00Z"
Json = dict[str, Any]
RULES = Rules()


def read(event: Json | bytes, rules: Rules = RULES) -> TimedEvent | Failure:
    value = event if isinstance(event, bytes) else orjson.dumps(event)
    return decode(value, RECEIVED_AT, INTAKE.privacy, rules)


def segment(**fields: Any) -> Json:
    return {"type": "page", "timestamp": TIME, **fields}


@pytest.mark.parametrize("word", WORDS)
def test_an_event_left_without_any_id_lacks_its_user(word: str) -> None:
    for ids in ({"userId": word}, {"anonymousId": word}, {"userId": word, "anonymousId": word}):
        found = read(segment(**ids))
        assert isinstance(found, Failure)
        assert found.reason == FailureReason.MISSING_USER
        assert word == "" or found.placeholders == tuple(ids)


@pytest.mark.parametrize("word", WORDS)
def test_a_placeholder_does_not_win_over_a_real_id(word: str) -> None:
    assert read(segment(userId=word, anonymousId="a-1")).user_key == "a-1"
    assert read(segment(userId="u-1", anonymousId=word)).event.anonymous_id in (None, "")


@pytest.mark.parametrize("user", REAL)
def test_an_id_that_only_looks_like_one_stays(user: str) -> None:
    found = read(segment(userId=user, properties={"product_id": user}, context={"sessionId": user}))
    assert (found.user_key, found.placeholders) == (user, ())
    assert found.event.properties["product_id"] == found.event.context.session_id == user


@pytest.mark.parametrize("word", [word for word in WORDS if word not in {"", "0"}])
def test_sessions_messages_and_items_do_without_it_too(word: str) -> None:
    page = read(segment(userId="u", messageId=word, context={"sessionId": word}))
    assert (page.event.message_id, page.event.context.session_id) == (None, None)
    assert page.placeholders == ("messageId", "sessionId")
    products = [{"product_id": word, "item_id": "sku-2"}, {"product_id": "sku-3"}]
    order = read(segment(userId="u", properties={"product_id": word, "course_id": "c", "products": products}))
    assert order.event.properties == {
        "course_id": "c", "products": [{"item_id": "sku-2"}, {"product_id": "sku-3"}]
    }  # fmt: skip
    assert order.placeholders == ("itemId", "itemId")
    summary = {"sessionId": word, "pageViews": 1, "duration": 1, "items": [word, "sku-1"]}
    session = read(segment(type="session", userId="u", properties=summary)).event.properties
    assert (session.session_id, session.items) == (None, ["sku-1"])
    about = {"target": "t", "value": 1, "itemId": word, "features": {}}
    assert read(segment(type="label", userId="u", properties=about)).event.properties.item_id is None


def test_numbers_for_ids_are_placeholders_too() -> None:
    found = read(segment(userId="u", properties={"product_id": -1}, context={"sessionId": 0}))
    assert (found.event.properties, found.event.context.session_id) == ({}, None)
    assert read(segment(userId="u", context={"sessionId": 1709539200000})).event.context.session_id


@pytest.mark.parametrize("word", [word for word in WORDS if word])
@pytest.mark.parametrize(("kind", "field"), [("alias", "previousId"), ("group", "groupId")])
def test_an_event_that_is_about_nobody_else_breaks_the_contract(kind: str, field: str, word: str) -> None:
    found = read(segment(type=kind, userId="u", **{field: word}))
    assert isinstance(found, Failure)
    assert (found.reason, found.placeholders) == (FailureReason.CONTRACT, (field,))
    assert field in found.detail


@pytest.mark.parametrize("word", ["null", "undefined", NIL_UUID, "$posthog_cookieless", " None "])
class TestForms:
    """Each form has several places for an id; a placeholder in one hides none of the others."""

    def test_posthog(self, word: str) -> None:
        def capture(event: str = "$pageview", distinct_id: str | None = word, **properties: Any) -> Json:
            top = {"distinct_id": distinct_id} if distinct_id else {}
            named = {name.replace("_inner", ""): value for name, value in properties.items()}
            return {"event": event, "timestamp": TIME, "properties": named, **top}

        assert read(capture()).reason == FailureReason.MISSING_USER
        assert read(capture(distinct_id=None, distinct_id_inner=word)).reason == FailureReason.MISSING_USER
        assert read(capture(distinct_id="u")).user_key == "u"
        assert read(capture(distinct_id_inner="u")).user_key == "u"
        assert read(capture(**{"$device_id": "d"})).user_key == "d"
        assert read(capture(distinct_id="u", **{"$user_id": word})).user_key == "u"
        assert read(capture(**{"$user_id": "u"})).user_key == "u"
        identify = read(capture("$identify", "bob", **{"$anon_distinct_id": word}))
        assert (identify.user_key, identify.event.anonymous_id) == ("bob", None)
        alias = read(capture("$create_alias", "bob", alias=word))
        assert (alias.reason, alias.placeholders) == (FailureReason.CONTRACT, ("previousId",))
        assert read(capture(distinct_id="u", **{"$session_id": word})).event.context.session_id is None

    def test_snowplow_payload(self, word: str) -> None:
        def payload(**parameters: Any) -> Json:
            return {"e": "pv", "p": "web", "ttm": "1709539200000", **parameters}

        session = {
            "schema": "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2",
            "data": {"userId": word, "sessionId": word},
        }
        contexts = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"
        entities = orjson.dumps({"schema": contexts, "data": [session]}).decode()
        assert read(payload(co=entities)).reason == FailureReason.MISSING_USER
        assert read(payload(co=entities, duid=word, nuid="n")).user_key == "n"
        assert read(payload(co=entities, tnuid=word, nuid="n")).user_key == "n"
        assert read(payload(co=entities, uid=word, duid="d")).user_key == "d"
        visit = read(payload(co=entities, duid="d", sid="s"))
        assert visit.event.context.session_id == "s"
        assert read(payload(co=entities, duid="d")).event.context.session_id is None
        session["data"] = {"userId": "device", "sessionId": "visit"}
        entities = orjson.dumps({"schema": contexts, "data": [session]}).decode()
        found = read(payload(co=entities, duid=word, sid=word))
        assert (found.user_key, found.event.context.session_id) == ("device", "visit")

    def test_snowplow_enriched(self, word: str) -> None:
        def line(**fields: str) -> bytes:
            told = {"event": "page_view", "derived_tstamp": "2024-03-04 08:00:00.000", **fields}
            return "\t".join(told.get(name, "") for name in ENRICHED_FIELDS).encode()

        assert read(line(user_id=word, domain_userid=word)).reason == FailureReason.MISSING_USER
        assert read(line(user_id=word, domain_userid=word, network_userid="n")).user_key == "n"
        assert read(line(domain_userid="d", domain_sessionid=word)).event.context.session_id is None

    def test_flat(self, word: str) -> None:
        flat = {"event": "view", "ts": TIME, "user_id": word, "item_id": word, "product_id": "sku-1"}
        assert read(flat).reason == FailureReason.MISSING_USER
        found = read({**flat, "anonymous_id": "a", "session_id": word})
        assert (found.user_key, found.event.context.session_id) == ("a", None)
        assert found.event.properties == {"product_id": "sku-1"}


def test_the_key_of_a_record_is_a_real_id() -> None:
    assert record_key(orjson.dumps({"userId": "null", "anonymousId": "a"})) == b"a"
    assert record_key(orjson.dumps({"userId": "null", "anonymousId": " Undefined"})) is None
    assert record_key(b'{"userId":"null","anonymousId":"a",') == b"a"


def test_operators_add_ids_and_take_them_out() -> None:
    rules = Settings(placeholder_ids=("Kiosk", "demo-user"), real_ids=("0",)).rules
    assert read(segment(userId=" kiosk"), rules).reason == FailureReason.MISSING_USER
    assert read(segment(userId="0"), rules).user_key == "0"
    assert read(segment(userId="0")).reason == FailureReason.MISSING_USER
    assert read(segment(userId="kiosk")).user_key == "kiosk"
    rules = Settings(placeholder_ids="Kiosk, demo-user").rules  # as it stands in the environment
    assert read(segment(userId="demo-user"), rules).reason == FailureReason.MISSING_USER


def test_what_means_nobody_may_be_an_item() -> None:
    assert read(segment(userId="email")).reason == FailureReason.MISSING_USER
    assert read(segment(userId="u", properties={"item_id": "email"})).event.properties == {"item_id": "email"}


@pytest.mark.parametrize("item", [0, "0"])
def test_a_catalogue_may_count_from_zero(item: str | int) -> None:
    found = read(
        segment(userId="u", messageId="0", properties={"product_id": item}, context={"sessionId": "0"})
    )
    assert found.event.properties == {"product_id": item}
    assert found.placeholders == ("messageId", "sessionId")
    assert read(segment(userId="u", properties={"product_id": "000"})).event.properties == {}


def test_no_pseudonym_is_made_of_a_placeholder() -> None:
    privacy = Privacy([("k1", b"0123456789abcdef")], ("userId", "anonymousId"))
    scrubbed = privacy.scrub({"userId": "undefined", "anonymousId": "a-1"})
    assert scrubbed["userId"] == "undefined"
    assert scrubbed["anonymousId"].startswith("k1:")


def test_every_listed_word_is_in_lower_case_and_no_id_of_a_person() -> None:
    assert SHIPPED.every_kind <= SHIPPED.people
    assert all(word == word.strip().casefold() for word in SHIPPED.people)
    assert not any(SHIPPED.stands_for_nobody(user) for user in REAL)
