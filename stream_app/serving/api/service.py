"""What the routes work with: the data, and a thread for what takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from stream_app.serving.api.ports import Acts, Present, Studies
from stream_app.serving.api.shown_lists import ShownLists

T = TypeVar("T")
STUDY_SECONDS = 30.0


class Service:
    """The parts of the API; studies are kept for `STUDY_SECONDS`, as anybody may ask for them again.

    `clock` gives epoch seconds.
    """

    def __init__(
        self,
        present: Present,
        studies: Studies,
        acts: Acts,
        shown: ShownLists,
        clock: Callable[[], float],
    ) -> None:
        self.present = present
        self.studies = studies
        self.acts = acts
        self.shown = shown
        self.clock = clock
        self._study_thread = ThreadPoolExecutor(1, "studies")
        self._act_thread = ThreadPoolExecutor(1, "acts")
        self._kept: dict[object, _Kept] = {}

    async def study(self, ask: Callable[[], T]) -> T:
        """Ask for something that takes long, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._study_thread, ask)

    async def act(self, act: Callable[[], T]) -> T:
        """Change something, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._act_thread, act)

    async def kept_study(self, name: object, ask: Callable[[], T]) -> T:
        """Ask for something that names nobody, or repeat the last answer if it is young."""
        now = self.clock()
        kept = self._kept.get(name)
        if kept is None or not 0 <= now - kept.at < STUDY_SECONDS:
            self._kept = {key: old for key, old in self._kept.items() if 0 <= now - old.at < STUDY_SECONDS}
            kept = self._kept[name] = _Kept(now, await self.study(ask))
        return kept.answer  # type: ignore[return-value]


class _Kept(NamedTuple):
    at: float
    answer: object


def service_of(request: Request) -> Service:
    """The service of the application that a request came to."""
    service: Service = request.app.state.service
    return service


class Json(Response):
    """An answer in JSON, as it stands in the contract: what is encoded here is not judged again."""

    media_type = "application/json"

    def __init__(self, content: object = None, status_code: int = 200) -> None:
        super().__init__(orjson.dumps(content), status_code, {"Cache-Control": "no-store"})
