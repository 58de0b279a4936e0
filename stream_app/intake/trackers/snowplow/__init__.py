"""Snowplow: what its trackers send, and the same events after enrichment."""

from stream_app.intake.trackers.snowplow.enriched import ENRICHED
from stream_app.intake.trackers.snowplow.payload import PAYLOAD

FORMS = (ENRICHED, PAYLOAD)
