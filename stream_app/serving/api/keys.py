"""API keys: who asks, and what each key may do."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import NamedTuple

from stream_app.settings.api_keys import ApiKey, Scope

ALLOWED: dict[Scope, frozenset[Scope]] = {
    Scope.RECOMMEND: frozenset({Scope.RECOMMEND}),
    Scope.AGGREGATE: frozenset({Scope.AGGREGATE}),
    Scope.READ: frozenset({Scope.READ, Scope.AGGREGATE, Scope.RECOMMEND}),
    Scope.ACT: frozenset(Scope),
}
"""The scopes that each scope includes."""


class Caller(NamedTuple):
    """Who asks: the name of a key, and what it may do."""

    name: str
    scopes: frozenset[Scope]


LOCAL = Caller("local", frozenset(Scope))
"""A client of this machine, where there are no keys."""


class ApiKeys:
    """The keys that are known."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._callers = [(key.secret.encode(), Caller(key.name, ALLOWED[key.scope])) for key in keys]
        self._by_name = {caller.name: (secret, caller) for secret, caller in self._callers}

    def __bool__(self) -> bool:
        return bool(self._callers)

    def find(self, secret: str) -> Caller | None:
        """Whose secret it is; each is compared in full, so that the time tells nothing of how near it was."""
        given = secret.encode("utf-8", "surrogatepass")
        found = [caller for known, caller in self._callers if hmac.compare_digest(given, known)]
        return found[0] if found else None

    def named(self, name: str) -> tuple[bytes, Caller] | None:
        """The secret and the caller of a name."""
        return self._by_name.get(name)


__all__ = ["ApiKeys", "Caller", "Scope"]
