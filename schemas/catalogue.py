"""Catalogue items: what can be shown, recommended or taken, and what is known of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stream_app.schemas.events import Id, ShortText


class CatalogueItem(BaseModel):
    """One page, product or course. Times are UTC; the price is in the catalogue's own currency."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    item_id: Id
    kind: Literal["page", "product", "course"] = "product"
    title: ShortText | None = None
    category: ShortText | None = None
    brand: ShortText | None = None
    tags: Annotated[list[ShortText], Field(max_length=64)] = []
    price: Annotated[float, Field(ge=0)] | None = None
    available: bool = True
    available_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    attributes: dict[str, float | str] = {}
