"""What users were seen to do, in the form that models learn from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from stream_app.schemas.events import Id
from stream_app.schemas.output_model import Envelope, OutputModel


class RecommendationClick(Envelope):
    """A user looked at an item of a list sent to them while it was valid, `delay` seconds after.

    `rank` counts from 1. Each place of a list is clicked once at most, and a click belongs to one list, the
    newest that holds the item.
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
    """A place of a list was drawn for a source to fill, or its item was clicked: exploration learns from it.

    It comes beside the list or the click that it follows from, and names nobody.
    """

    schema_name: Literal["explored_place"] = "explored_place"
    request_id: str
    item_source: str
    is_clicked: bool


class ItemFacts(OutputModel):
    """What the catalogue, else events told of an item; null where they did not."""

    category: str | None = None
    brand: str | None = None


class ClosedSession(Envelope):
    """A session that has ended: computed here, or summarised by its tracker.

    `items` are in the order of their event times; the duration is in seconds. A bot's are not learned from.
    The device and the country are those that the user was seen with most. Unless `may_personalise`, nothing
    is to be learned of the user. `item_facts` are of the items of which something was told last.
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
    """What models learn from: the features of one moment, and what became known of it later.

    `other_labels` are those of other targets that became known of the same moment at the same time.
    """

    schema_name: Literal["training_example"] = "training_example"
    target: Id
    features: dict[str, float | str]
    label: LabelValue
    other_labels: dict[Id, LabelValue] = {}


class ItemOutcome(OutputModel):
    """One start of an item, and whether it was completed within the horizon.

    `uses` counts the user's starting events of the item until then; `has_returned` tells of uses on another
    day. `features` are what the catalogue said of the item when this was told.
    """

    item_id: str
    started_at: AwareDatetime
    is_completed: bool
    uses: Annotated[int, Field(ge=1)]
    has_returned: bool
    features: dict[str, float | str] = {}


class ItemOutcomes(Envelope):
    """What became of items that a user started, once their horizon has passed; the earliest start first."""

    schema_name: Literal["item_outcomes"] = "item_outcomes"
    target: Literal["engagement_score"] = "engagement_score"
    outcomes: Annotated[list[ItemOutcome], Field(min_length=1)]
