"""The test kit: drive the core without a broker, with frozen models and readable events.

    driver = Driver()
    driver.pipe(page("ann", at=0, item="shoe"), track("ann", at=5, name="Order Completed"))
    driver.advance_event_time(7_200)
    assert driver.of(ClosedSession, "ann")

The names listed here are public and stable.
"""

from __future__ import annotations

from stream_app.runtimes.common.intake import plain_intake
from stream_app.testing.comparing import as_json, comparable
from stream_app.testing.driver import Driver
from stream_app.testing.events import (
    RECEIVED_AT,
    START,
    JsonObject,
    event,
    label,
    page,
    privacy_request,
    records,
    session,
    track,
)
from stream_app.testing.frozen_models import (
    FixedContribution,
    FixedModels,
    FixedPrediction,
    FixedRecommender,
    FixedTierModel,
)
from stream_app.testing.malformed import Malformed, malformed
from stream_app.testing.random_events import random_events
from stream_app.testing.recorded_source import RecordedSource
from stream_app.testing.scripted_models import script_models

INTAKE = plain_intake()

__all__ = [
    "INTAKE",
    "RECEIVED_AT",
    "START",
    "Driver",
    "FixedContribution",
    "FixedModels",
    "FixedPrediction",
    "FixedRecommender",
    "FixedTierModel",
    "JsonObject",
    "Malformed",
    "RecordedSource",
    "as_json",
    "comparable",
    "event",
    "label",
    "malformed",
    "page",
    "privacy_request",
    "random_events",
    "records",
    "script_models",
    "session",
    "track",
]
