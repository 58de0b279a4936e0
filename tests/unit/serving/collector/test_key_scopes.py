from typing import Any

import orjson
import pytest
from support.collector_client import KEY, OTHER_KEY, RECEIVED_AT, Collector, event

from stream_app.intake.decoding import Failure, decode
from stream_app.intake.privacy import Privacy
from stream_app.intake.trust import is_trusted, mark
from stream_app.serving.collector.write_keys import name_of_key
from stream_app.settings.environment import Settings
from stream_app.settings.rules import Rules

SERVER_KEY = "key-of-the-server"


LABEL = {"type": "label", "userId": "u", "properties": {"target": "engagement_tier", "value": 3}}


def scoped() -> Collector:
    return Collector(write_keys=KEY, server_keys=SERVER_KEY)


def test_what_a_page_key_brings_is_marked_and_a_servers_is_not() -> None:
    collector = scoped()
    for key in (KEY, SERVER_KEY):
        body = {"batch": [event(type="page"), event(type="alias", previousId="b")], "writeKey": key}
        assert collector.client.post("/v1/b", json=body).status_code == 200
    assert [is_trusted(value) for value in collector.delivery.values] == [False, False, True, True]


@pytest.mark.parametrize("claimed", [None, "server", "page", 5, {}])
@pytest.mark.parametrize("nested", [False, True])
def test_nobody_sets_the_mark_but_the_collector(claimed: Any, nested: bool) -> None:
    collector = scoped()
    told = event(type="alias", previousId="b", writeKeyScope=claimed)
    for key in (KEY, SERVER_KEY):
        body = {"batch": [[told] if nested else told], "writeKey": key}
        assert collector.client.post("/v1/b", json=body).status_code == 200
    page, server = collector.delivery.values
    assert (is_trusted(page), is_trusted(server)) == (False, True)
    assert b"writeKeyScope" not in server


def test_events_in_another_trackers_form_keep_the_mark() -> None:
    collector = scoped()
    alias = {"event": "$create_alias", "distinct_id": "bob", "properties": {"alias": "ann"}}
    body = {"batch": [{**alias, "timestamp": RECEIVED_AT}, [{**alias, "timestamp": RECEIVED_AT}]]}
    assert collector.client.post("/v1/b", json={**body, "writeKey": KEY}).status_code == 200
    for value in collector.delivery.values:
        decoded = decode(value, 1.8e9, Privacy(), Rules())
        assert decoded.event.type == "alias"
        assert not decoded.is_trusted


@pytest.mark.parametrize("batch", [[LABEL], [event(type="page"), LABEL]])
def test_labels_need_a_server_key(batch: list[dict[str, Any]]) -> None:
    collector = scoped()
    answer = collector.client.post("/v1/b", json={"batch": batch, "writeKey": KEY})
    assert (answer.status_code, answer.json()["reason"]) == (403, "scope")
    assert "STREAM_APP_SERVER_KEYS" in answer.json()["message"]
    assert (collector.delivery.calls, collector.refused("scope")) == (0, 1)
    assert collector.client.post("/v1/b", json={"batch": batch, "writeKey": SERVER_KEY}).status_code == 200


def test_a_label_that_slips_past_the_collector_fails_in_the_core() -> None:
    value = orjson.dumps(mark({**LABEL, "timestamp": RECEIVED_AT}, False))
    found = decode(value, 1.8e9, Privacy(), Rules())
    assert isinstance(found, Failure)
    assert found.reason == "untrusted"


def test_a_client_of_this_machine_is_trusted_where_there_are_no_keys() -> None:
    collector = Collector()
    assert collector.client.post("/v1/b", json={"batch": [LABEL]}).status_code == 200
    assert is_trusted(collector.delivery.values[0])


def test_keys_are_rotated_by_having_two_for_a_while_and_it_is_seen_which_are_used() -> None:
    collector = Collector(write_keys=f"{OTHER_KEY},{KEY}", server_keys=SERVER_KEY)
    for key in (KEY, KEY, SERVER_KEY):
        assert collector.client.post("/v1/t", json=event(writeKey=key)).status_code == 200
    used = {
        key: collector.counted("stream_app_collector_key_requests_total", scope=scope, key=name_of_key(key))
        for key, scope in ((OTHER_KEY, "page"), (KEY, "page"), (SERVER_KEY, "server"))
    }
    assert used == {OTHER_KEY: 0, KEY: 2, SERVER_KEY: 1}


def test_a_key_of_pages_is_no_servers_key() -> None:
    with pytest.raises(ValueError, match="what stands in pages is no secret"):
        Settings(write_keys=f"{KEY},{OTHER_KEY}", server_keys=KEY)
