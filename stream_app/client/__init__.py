"""A small client of the API, for programs: `Client` waits for each answer, `AsyncClient` does not.

from stream_app.client import Client

with Client("http://127.0.0.1:8091", key="...") as client:
    for item in client.recommend(["a", "b"], count=5).items:
        print(item.item_id, item.score)
"""

from __future__ import annotations

from stream_app.client.answers import Event, Item, RecommendationList, User
from stream_app.client.asking import ApiError
from stream_app.client.asynchronous import AsyncClient
from stream_app.client.synchronous import Client

__all__ = ["ApiError", "AsyncClient", "Client", "Event", "Item", "RecommendationList", "User"]
