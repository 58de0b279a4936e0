"""Errors as problem details (RFC 9457): what was wrong, and what to do about it; no value is repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stream_app.errors import BrokerError, InputError, StateError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
TITLES = {
    400: "The request cannot be read",
    401: "A key is needed",
    403: "This key may not",
    404: "There is no such thing",
    405: "The method is not offered here",
    409: "Not at present",
    413: "The request is too large",
    421: "This name is not ours",
    422: "A value is not as the contract has it",
    429: "Too many requests",
    503: "The data cannot be read at present",
}


class Problem(BaseModel):
    """What went wrong (RFC 9457); `errors` name the places of a request that break the contract."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="A name for the kind of problem, the same for all of its kind.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What was wrong this time, and what to do.")
    errors: list[PlaceError] = []


class PlaceError(BaseModel):
    """One place of a request, such as `body.count`, and what is wrong there."""

    model_config = ConfigDict(extra="forbid")

    place: str
    problem: str


class ProblemError(Exception):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: list[PlaceError] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors or []

    def response(self) -> Response:
        """The answer."""
        title = TITLES.get(self.status, "The request was not answered")
        kind = title.lower().replace(" ", "-")
        problem = Problem(
            type=f"urn:stream-app:problem:{kind}",
            title=title,
            status=self.status,
            detail=self.detail,
            errors=self.errors,
        )
        headers = {"Cache-Control": "no-store", **self.headers}
        return Response(orjson.dumps(problem.model_dump()), self.status, headers, MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Have every error of an application answered with a problem."""

    async def of_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)
        return error.response()

    async def of_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        places = [_place_error(found) for found in error.errors()]
        detail = "; ".join(f"{place.place}: {place.problem}" for place in places[:3])
        return ProblemError(422, detail or "see the contract at /openapi.json", errors=places).response()

    async def of_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = "see /docs for what is here" if error.status_code in {404, 405} else str(error.detail)
        return ProblemError(error.status_code, detail, error.headers).response()

    async def of_input(_: Request, error: Exception) -> Response:
        return ProblemError(422, str(error)).response()

    async def of_state(_: Request, error: Exception) -> Response:
        return ProblemError(503, str(error), {"Retry-After": str(RETRY_SECONDS)}).response()

    app.add_exception_handler(ProblemError, of_problem)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(InputError, of_input)
    app.add_exception_handler(StateError, of_state)
    app.add_exception_handler(BrokerError, of_state)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a contract names the problems that a route may answer with."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": TITLES[status], "model": Problem, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def _place_error(found: Mapping[str, Any]) -> PlaceError:
    return PlaceError(place=".".join(map(str, found["loc"])), problem=str(found["msg"]))
