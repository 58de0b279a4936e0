"""Whatever a tracker sends: it is read, or refused with `Unreadable`, and what is kept of it is bounded."""

import base64
import json
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.intake.trackers import FORMS, Unreadable, detect, read
from stream_app.intake.trackers.kept_fields import MAX_FIELDS
from stream_app.intake.trackers.snowplow.fields import ENRICHED_FIELDS, EVENT_CODES, PARAMETERS, SIZES

GOLDEN = [
    orjson.loads(path.read_bytes())
    for path in sorted((Path(__file__).parents[2] / "golden" / "trackers").glob("*/*.json"))
    if not path.name.endswith(".events.json")
]
every_value = settings(max_examples=150, deadline=None)
forms = st.sampled_from(list(FORMS))

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
described = st.fixed_dictionaries(
    {
        "schema": st.sampled_from(
            [
                "iglu:com.snowplowanalytics.snowplow/site_search/jsonschema/1-0-0",
                "iglu:com.snowplowanalytics.snowplow/mobile_context/jsonschema/1-0-3",
                "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2",
                "iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2",
                "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0",
                "iglu:com.snowplowanalytics.mobile/screen_view/jsonschema/1-0-0",
                "iglu:nl.basjes/yauaa_context/jsonschema/1-0-4",
                "iglu:",
            ]
        ),
        "data": values
        | st.dictionaries(
            st.sampled_from(["id", "name", "type", "list_id", "terms", "userId", "osType"]), values
        ),
    }
)
wrapped = st.fixed_dictionaries({"data": described | st.lists(described | values, max_size=3)})
wrapped_texts = wrapped.map(json.dumps)
wrapped_base64 = wrapped_texts.map(lambda written: base64.urlsafe_b64encode(written.encode()).decode())

payloads = st.dictionaries(
    st.sampled_from([*PARAMETERS, *SIZES, *ENRICHED_FIELDS, "tnuid", "nuid", "ue_px", "ue_pr", "cx", "co"]),
    st.one_of(values, wrapped, wrapped_texts, wrapped_base64),
).flatmap(lambda fields: st.sampled_from([*EVENT_CODES, "zz", 1]).map(lambda code: {**fields, "e": code}))
captures = st.fixed_dictionaries(
    {
        "event": st.sampled_from(
            ["$pageview", "$identify", "$create_alias", "$groupidentify", "$screen", "x", 7]
        )
    },
    optional=dict.fromkeys(("distinct_id", "timestamp", "sent_at", "offset", "now", "$set", "ip"), values)
    | {
        "properties": values
        | st.dictionaries(
            st.sampled_from(["$time", "$set", "$set_once", "alias", "$group_set", "$device_id", "$user_id"]),
            values,
        )
    },
)
flat_records = st.dictionaries(
    st.sampled_from(["user_id", "item_id", "product_id", "event", "ts", "price", "quantity", "ip", "url"]),
    values,
)
calls = st.dictionaries(
    st.sampled_from(["type", "context", "timestamp", "sentAt", "originalTimestamp", "receivedAt", "batch"]),
    values,
)
records = st.one_of(values, payloads, captures, flat_records, calls, st.sampled_from(GOLDEN))
bodies = st.one_of(
    records,
    st.lists(records, max_size=3),
    st.lists(records, max_size=3).map(lambda batch: {"batch": batch, "sentAt": "x", "context": {"a": 1}}),
    st.lists(records, max_size=3).map(lambda data: {"schema": "iglu:a/payload_data/b/1-0-0", "data": data}),
)


def read_or_refuse(value: bytes, form: str) -> list[dict[str, Any]]:
    try:
        return read(value, form)
    except Unreadable:
        return []


@every_value
@given(st.binary(max_size=400), forms)
def test_arbitrary_bytes_are_read_or_refused(value: bytes, form: str) -> None:
    read_or_refuse(value, form)
    read_or_refuse(value, detect(value))


@every_value
@given(bodies, forms)
def test_arbitrary_json_is_read_or_refused(body: Any, form: str) -> None:
    value = json.dumps(body).encode()
    for event in read_or_refuse(value, form) + read_or_refuse(value, detect(value)):
        assert isinstance(event, dict)


@every_value
@given(bodies, forms.filter(lambda form: form != "segment"))
def test_what_is_kept_is_bounded_and_can_be_written(body: Any, form: str) -> None:
    for event in read_or_refuse(json.dumps(body).encode(), form):
        assert len(event.get("properties", {})) <= MAX_FIELDS
        assert len(event.get("traits", {})) <= MAX_FIELDS
        orjson.dumps(event)


@every_value
@given(st.lists(st.text(max_size=12), min_size=101, max_size=130))
def test_arbitrary_cells_are_read(cells: list[str]) -> None:
    line = "\t".join(["app", *(cell.replace("\t", " ") for cell in cells)]).encode()
    assert detect(line) == "snowplow_enriched"
    (event,) = read(line, "snowplow_enriched")
    assert "properties" in event


@every_value
@given(st.sampled_from(GOLDEN), st.randoms(use_true_random=False), values)
def test_a_golden_record_with_one_value_replaced_is_read_or_refused(
    record: Any, random: Any, value: Any
) -> None:
    changed = json.loads(json.dumps(record))
    place = changed
    while True:
        key = random.choice([*place] if isinstance(place, dict) else [*range(len(place))])
        if not place[key] or not isinstance(place[key], dict | list) or random.random() < 0.3:
            break
        place = place[key]
    place[key] = value
    written = json.dumps(changed).encode()
    for form in FORMS:
        read_or_refuse(written, form)
