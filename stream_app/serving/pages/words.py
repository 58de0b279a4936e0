"""Names of things as people call them."""

from __future__ import annotations

from datetime import UTC, datetime

TIERS = {1: "low", 2: "medium", 3: "high"}
CHANCES = {"will_return": "comes back", "churn": "stays away", "purchase": "buys"}
OUTPUTS = {
    "engagement_tier": "tiers",
    "outlook": "outlooks",
    "recommendations": "recommendations",
    "recommendation_click": "clicks on them",
    "closed_session": "closed sessions",
    "training_example": "examples learned from",
    "item_outcomes": "outcomes of items",
    "content_score": "content scores",
    "failed_event": "refused events",
    "privacy_receipt": "receipts of erasures",
    "explored_place": "explored places",
}


def date_and_time(at: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
