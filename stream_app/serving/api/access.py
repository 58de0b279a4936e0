"""Who may ask what: hosts, keys, scopes, rates, and pages of other sites."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from stream_app.serving.api.keys import LOCAL, ApiKeys, Caller, Scope
from stream_app.serving.api.problems import ProblemError
from stream_app.serving.collector.clients import Clients, rate_place
from stream_app.serving.collector.rates import TokenBuckets
from stream_app.serving.collector.refusals import RefusedError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_bearer = HTTPBearer(auto_error=False, description="A secret of STREAM_APP_API_KEYS.")


class Access:
    """Judges requests. `session_caller` knows who a page's session cookie belongs to."""

    session_caller: Callable[[Request], Caller | None]

    def __init__(self, keys: ApiKeys, clients: Clients, buckets: TokenBuckets) -> None:
        self.keys = keys
        self.session_caller = lambda _: None
        self._clients = clients
        self._buckets = buckets

    def identify(self, request: Request, secret: str | None) -> Caller:
        """Who asks.

        Raises:
            ProblemError: nobody that is known, or too often.
        """
        self._take_token(request)
        if not self.keys:
            self._check_local(request)
            self._check_origin(request)
            return LOCAL
        if secret is not None:
            caller = self.keys.find(secret)
            if caller is None:
                raise _unknown("the key is none of STREAM_APP_API_KEYS")
            return caller
        caller = self.session_caller(request)
        if caller is None:
            raise _unknown("send a key of STREAM_APP_API_KEYS as `Authorization: Bearer SECRET`")
        self._check_origin(request)
        return caller

    def _take_token(self, request: Request) -> None:
        try:
            self._buckets.spend(rate_place(self._clients.address(request)), 1)
        except RefusedError as refusal:
            wait = refusal.retry_after or 1
            raise ProblemError(429, f"ask again in {wait} s", {"Retry-After": str(wait)}) from None

    def _check_local(self, request: Request) -> None:
        try:
            self._clients.check_local(request)
        except RefusedError:
            raise _unknown(
                "the API has no keys and answers its own machine alone: set STREAM_APP_API_KEYS"
            ) from None

    def _check_origin(self, request: Request) -> None:
        """A browser lets pages of other sites post with a user's cookie, or to this machine: not here."""
        origin = request.headers.get("origin")
        if origin is None or request.method in SAFE_METHODS:
            return
        if urlsplit(origin).netloc != request.headers.get("host"):
            raise ProblemError(403, "pages of other sites may not ask this")


def require(scope: Scope) -> Callable[..., Coroutine[Any, Any, Caller]]:
    """A dependency that gives the caller, who has the scope."""

    async def check(
        request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        access: Access = request.app.state.access
        caller = access.identify(request, shown.credentials if shown else None)
        if scope not in caller.scopes:
            raise ProblemError(403, f"this needs a key with the scope {scope.value}")
        return caller

    return check


class KnownHosts:
    """The names under which the API is asked: its own address, loopback, and those that are set."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)

    def __contains__(self, header: str) -> bool:
        try:
            name = (urlsplit(f"//{header}").hostname or "").lower()
        except ValueError:
            return False
        return name in self._hosts or name == "localhost" or _is_loopback(name)


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _unknown(detail: str) -> ProblemError:
    return ProblemError(401, detail, {"WWW-Authenticate": "Bearer"})
