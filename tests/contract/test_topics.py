import json
import re
from pathlib import Path
from typing import Union, get_args

import pytest
from pydantic import TypeAdapter

from stream_app.schemas.audit import AuditEntry
from stream_app.schemas.outputs import Output
from stream_app.schemas.topics import (
    DAY_SECONDS,
    EVENTS,
    FAILED,
    LINKS,
    SNAPSHOTS,
    TOPIC_BY_CONTRACT,
    TOPICS,
    Role,
    Topic,
    rows_changelog,
)
from stream_app.settings.rules import Rules

ENVELOPE_BYTES = 8_192
EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"


def test_names_are_unique_and_versioned():
    names = [topic.name for topic in TOPICS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+\.[a-z-]+\.v[1-9][0-9]*", name) for name in names)


def test_every_output_contract_has_one_topic():
    assert set(TOPIC_BY_CONTRACT) == {*get_args(Output), AuditEntry}
    assert len(TOPIC_BY_CONTRACT) == sum(
        len(topic.contracts) for topic in TOPICS if topic.role is not Role.INPUT
    )


def test_outputs_have_contracts_and_all_topics_a_key_and_a_description():
    assert all(topic.contract is not None for topic in TOPICS if topic.role is Role.OUTPUT)
    assert all(topic.key and topic.description for topic in TOPICS)


@pytest.mark.parametrize(
    "topic", [topic for topic in TOPICS if topic.contract is not None], ids=lambda topic: topic.name
)
def test_the_key_of_an_example_is_what_its_topic_says(topic: Topic) -> None:
    fields = {"the record's own key": "key"}
    examples = [json.loads(path.read_bytes()) for path in sorted((EXAMPLES / topic.name).glob("**/*.json"))]
    assert examples
    contracts = TypeAdapter(Union[topic.contracts])  # noqa: UP007
    for example in examples:
        value = contracts.validate_python(example)
        named = getattr(value, fields.get(topic.key.text, topic.key.text.replace(" ", "_")))
        expected = named.encode() if isinstance(named, str) else named
        assert topic.key.of(value) == expected


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ({"userId": "ann", "anonymousId": "a-1"}, b"ann"),
        ({"userId": "", "anonymousId": "a-1"}, b"a-1"),
        ({"userId": 7, "anonymousId": "a-1"}, b"a-1"),
        ({"userId": ""}, None),
    ],
)
def test_events_are_keyed_by_the_user_else_the_anonymous_id(
    event: dict[str, object], key: bytes | None
) -> None:
    assert EVENTS.key.of(event) == key


def test_keys_of_internal_topics() -> None:
    assert SNAPSHOTS.key.of("churn", 1, 2) == b"churn/1/2"
    assert LINKS.key.of("ann") == b"ann"
    assert rows_changelog("app").key.of("ann") == b"uann"


def test_a_topic_is_either_compacted_or_kept_for_a_time():
    for topic in TOPICS:
        config = topic.config(replication=1)
        if topic.compacted:
            assert topic.retention is None
            assert config["cleanup.policy"] == "compact"
            assert "retention.ms" not in config
        else:
            assert topic.retention is not None
            assert topic.retention >= DAY_SECONDS
            assert config["cleanup.policy"] == "delete"
            assert config["retention.ms"] == str(topic.retention * 1000)


def test_the_time_of_a_record_is_the_log_s_own():
    assert {topic.config(1)["message.timestamp.type"] for topic in TOPICS} == {"LogAppendTime"}


def test_the_changelog_keeps_for_a_while_what_is_not_the_newest():
    assert rows_changelog("app").config(1)["min.compaction.lag.ms"] == "900000"


def test_replicated_topics_do_not_lose_acknowledged_records():
    assert EVENTS.config(replication=3)["min.insync.replicas"] == "2"
    assert "min.insync.replicas" not in EVENTS.config(replication=1)


def test_any_record_that_the_broker_takes_fits_the_failed_topic():
    in_base64 = -(-EVENTS.max_message_bytes // 3) * 4
    assert in_base64 + ENVELOPE_BYTES <= FAILED.max_message_bytes
    assert Rules().max_event_bytes <= EVENTS.max_message_bytes


def test_what_failed_outlives_the_input():
    assert (FAILED.retention or 0) > (EVENTS.retention or 0)
