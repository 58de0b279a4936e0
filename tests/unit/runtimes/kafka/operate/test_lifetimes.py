import pytest

from stream_app.runtimes.kafka.operate.lifetimes import declared_lifetimes, lifetime_of
from stream_app.schemas.topics import CATALOGUE, DAY_SECONDS, EVENTS


def config(retention: int, segment: int = 86_400_000, policy: str = "delete") -> dict[str, str]:
    return {"cleanup.policy": policy, "retention.ms": str(retention), "segment.ms": str(segment)}


def test_a_record_may_stay_for_a_segment_s_time_beyond_the_retention() -> None:
    assert lifetime_of(config(7 * 86_400_000)) == 8 * DAY_SECONDS
    assert lifetime_of(config(1, 1)) == 1


@pytest.mark.parametrize("settings", [config(-1), config(1000, policy="compact")])
def test_a_record_may_stay_for_ever(settings: dict[str, str]) -> None:
    assert lifetime_of(settings) is None


def test_a_topic_that_is_compacted_too_is_deleted_from() -> None:
    assert lifetime_of(config(1000, 1000, "compact,delete")) == 2


def test_what_is_declared_is_what_brokers_are_told() -> None:
    declared = declared_lifetimes()
    assert declared[EVENTS.name] == lifetime_of(EVENTS.config(1)) == 8 * DAY_SECONDS
    assert declared[CATALOGUE.name] is None
