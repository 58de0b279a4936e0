"""The keys of the API as they are set: NAME:SECRET:SCOPE,NAME:SECRET:SCOPE."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

MIN_SECRET = 16


class Scope(StrEnum):
    """What a key may do."""

    RECOMMEND = "recommend"  # stands in pages, where anybody reads it: nothing of a named user
    AGGREGATE = "aggregate"  # what is true of many, and of items
    READ = "read"  # everything that is known of a user
    ACT = "act"  # erase and export


class ApiKey(NamedTuple):
    """One key as it is set: NAME:SECRET:SCOPE."""

    name: str
    secret: str
    scope: Scope


def parse_api_keys(text: str) -> tuple[ApiKey, ...]:
    """The keys in a setting, NAME:SECRET:SCOPE,NAME:SECRET:SCOPE.

    Raises:
        ValueError: one of them is not written so; no secret is repeated.
    """
    keys = []
    for place, entry in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        name, _, rest = entry.partition(":")
        secret, _, scope = rest.rpartition(":")
        if not name or not all(letter.isalnum() or letter in "-_" for letter in name):
            raise ValueError(f"key {place} must begin with a name of letters, digits, - and _")
        if scope not in set(Scope):
            raise ValueError(f"key {name} must end in a scope, one of {', '.join(Scope)}")
        if len(secret) < MIN_SECRET or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ValueError(
                f"the secret of {name} must have {MIN_SECRET} or more printable ASCII characters"
            )
        keys.append(ApiKey(name, secret, Scope(scope)))
    if len({key.name for key in keys}) < len(keys) or len({key.secret for key in keys}) < len(keys):
        raise ValueError("each key must have a name and a secret of its own")
    return tuple(keys)
