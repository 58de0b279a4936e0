"""What users did, in the form that models learn from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from stream_app.schemas.events import Id
from stream_app.schemas.output_model import Envelope, OutputModel


class RecommendationClick(Envelope):
    """A user viewed an item of a list sent to them while it was valid, after `delay` seconds.

    `rank` counts from 1. Each place of a list is clicked at most once, and a click belongs to the newest list
    that contains the item.
    """

    schema_name: Literal["recommendation_click"] = "recommendation_click"
    request_id: str
    item_id: str
    rank: Annotated[int, Field(ge=1)]
    item_source: str
    propensity: Annotated[float, Field(gt=0, le=1)]
    is_explored: bool
    delay: Annotated[float, Field(ge=0)]


class ExploredPlace(Envelope):
    """A place of a list was filled by a drawn source, or its item was clicked: exploration learns from it.

    It accompanies the list or the click that it follows from, and names no user.
    """

    schema_name: Literal["explored_place"] = "explored_place"
    request_id: str
    item_source: str
    is_clicked: bool


class AudienceChange(Envelope):
    """A user entered or left an audience at `as_of`, `because` of these parts of its condition.

    Unless `is_final`, an event that comes late may contradict it: then a `corrected` with the same
    `change_id` takes it back.
    """

    schema_name: Literal["audience_change"] = "audience_change"
    change_id: str
    audience: str
    change: Literal["entered", "left", "corrected"]
    is_final: bool
    because: list[str]


class ItemFacts(OutputModel):
    """An item's facts from the catalogue or, failing that, from events; null if unknown."""

    category: str | None = None
    brand: str | None = None


class ClosedSession(Envelope):
    """A session that has ended: computed here, or summarised by its tracker.

    `items` are ordered by event time; the duration is in seconds. Sessions of bots are not learned from.
    Device and country are the user's most frequent ones. Unless `may_personalise`, nothing must be learned
    about the user. `item_facts` are of the items described most recently.
    """

    schema_name: Literal["closed_session"] = "closed_session"
    session_id: str
    started_at: AwareDatetime
    ended_at: AwareDatetime
    duration: Annotated[float, Field(ge=0)]
    event_count: Annotated[int, Field(ge=0)]
    page_views: Annotated[int, Field(ge=0)]
    items: list[str]
    is_bot: bool
    device: str | None = None
    country: str | None = None
    may_personalise: bool = False
    item_facts: dict[str, ItemFacts] = {}


LabelValue = bool | int | float | str


class TrainingExample(Envelope):
    """What models learn from: the features of one moment, and the label that became known later.

    `other_labels` are the labels of other targets for the same moment that became known at the same time.
    """

    schema_name: Literal["training_example"] = "training_example"
    target: Id
    features: dict[str, float | str]
    label: LabelValue
    other_labels: dict[Id, LabelValue] = {}


class ItemOutcome(OutputModel):
    """One start of an item, and whether it was completed within the horizon.

    `uses` counts the user's starting events of the item until then; `has_returned` says whether there were
    uses on another day. `features` are the item's catalogue features when this was sent.
    """

    item_id: str
    started_at: AwareDatetime
    is_completed: bool
    uses: Annotated[int, Field(ge=1)]
    has_returned: bool
    features: dict[str, float | str] = {}


class ItemOutcomes(Envelope):
    """The outcomes of items that a user started, once their horizon has passed; earliest start first."""

    schema_name: Literal["item_outcomes"] = "item_outcomes"
    target: Literal["engagement_score"] = "engagement_score"
    outcomes: Annotated[list[ItemOutcome], Field(min_length=1)]
