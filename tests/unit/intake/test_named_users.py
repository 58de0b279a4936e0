from pathlib import Path

import orjson
import pytest

from stream_app.intake.decoding import Failure, decode
from stream_app.intake.named_users import named_users, owner_of
from stream_app.intake.privacy import Privacy
from stream_app.intake.trackers import FORMS, read
from stream_app.settings.rules import Rules

GOLDEN = Path(__file__).parents[2] / "golden" / "trackers"
RECORDS = sorted(
    path
    for path in GOLDEN.glob("*/*")
    if path.suffix in {".json", ".tsv", ".txt"} and not path.name.endswith(".events.json")
)
every_record = pytest.mark.parametrize("path", RECORDS, ids=lambda path: f"{path.parent.name}/{path.name}")
NOW = 1_900_000_000.0
AT = "2026-03-02T08:00:00Z"


def ids_of(path: Path) -> list[str]:
    events = read(path.read_bytes(), path.parent.name)
    return [e[name] for e in events for name in ("userId", "anonymousId", "previousId") if e.get(name)]


@every_record
def test_an_event_goes_where_its_row_is(path: Path) -> None:
    value = path.read_bytes()
    decoded = decode(value, NOW, Privacy(), Rules())
    if isinstance(decoded, Failure):  # several events in one record, or one without a time of its own
        assert owner_of(value) == ids_of(path)[0]
    else:
        assert owner_of(value) == decoded.user_key


@every_record
def test_a_record_names_all_its_users(path: Path) -> None:
    assert set(named_users(path.read_bytes())) == set(ids_of(path))


@every_record
def test_a_form_that_is_named_by_the_settings_needs_no_shape(path: Path) -> None:
    form = path.parent.name
    assert owner_of(path.read_bytes(), form) == owner_of(path.read_bytes())


BROKEN = {
    "segment": b'{"type": "page", "userId": "u-1", "timestamp',
    "jitsu": b'{"type": "page", "anonymousId" : "u-1", "context": {"library": {"name": "jitsu',
    "jitsu_v1": b'{"event_type": "pageview", "user": {"anonymous_id": "u-1"}, "utc_time": "2026',
    "posthog": b'{"api_key": "k", "event": "e", "properties": {"distinct_id": "u-1", "title": "\xff"}}',
    "mixpanel": b'{"event": "e", "properties": {"mp_lib": "web", "$user_id": "u-1", "time"',
    "amplitude": b'{"event_type": "e", "device_id": "u-1", "time": 1',
    "flat": b'{"event": "view", "user_id": "u-1", "item_id": ',
    "matomo": b"idsite=1&rec=1&uid=u-1&action_name=\xff",
    "google_analytics": b"v=2&tid=G-1&cid=u-1&en=\xff",
    "snowplow_payload": b'{"schema": "iglu:x/payload_data/1", "data": [{"e": "pv", "duid": "u-1"',
    "snowplow_enriched": b'{"collector_tstamp": "2026", "domain_userid": "u-1", "page_url',
}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_broken_is_somebody_s_still(form: str) -> None:
    value = BROKEN[form]
    assert owner_of(value) == "u-1"
    assert named_users(value) == ["u-1"]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "page", "userId": 42, "timestamp": AT},
        {"type": "page", "userId": 42.0, "anonymousId": "a", "timestamp": AT},
        {"event": "view", "user_id": 42, "item_id": "i", "ts": AT},
        {"event": "e", "distinct_id": 42, "properties": {"a": 1}, "timestamp": AT},
        {"event_type": "e", "user_id": 42, "time": 1_772_000_000_000},
    ],
)
def test_an_id_that_is_written_as_a_number_is_one(fields: dict[str, object]) -> None:
    value = orjson.dumps(fields)
    decoded = decode(value, NOW, Privacy(), Rules())
    assert not isinstance(decoded, Failure)
    assert owner_of(value) == decoded.user_key == "42"
    assert owner_of(orjson.dumps(fields)[:-1]) in {"42", "a"}


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b"{}", b"5", b"\xff", b"[" * 100_000, b"a\tb"])
def test_what_names_nobody_is_nobody_s(value: bytes) -> None:
    assert owner_of(value) is None
    assert named_users(value) == []
