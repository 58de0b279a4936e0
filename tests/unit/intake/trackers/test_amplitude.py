"""What is particular to Amplitude's form; golden records hold the rest."""

from typing import Any

import orjson
import pytest

from stream_app.intake.trackers.amplitude import read_amplitude


def revenue_event(**properties: Any) -> bytes:
    return orjson.dumps(
        {
            "event_type": "revenue_amount",
            "user_id": "u",
            "time": 1_790_000_000_000,
            "event_properties": properties,
        }
    )


@pytest.mark.parametrize(
    ("properties", "revenue"),
    [
        ({"$price": 3, "$quantity": 2}, 6),
        ({"$price": 3.5}, 3.5),
        ({"$price": "3.5", "$quantity": "2"}, 7.0),
        ({"$price": 3, "$quantity": 2, "$revenue": 5}, 5),
        ({"$quantity": 2}, None),
    ],
)
def test_a_revenue_event_has_its_revenue(properties: dict[str, Any], revenue: float | None) -> None:
    [event] = read_amplitude(revenue_event(**properties))
    assert event["event"] == "Order Completed"
    assert event["properties"].get("revenue") == revenue
