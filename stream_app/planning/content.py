"""The text of a notification: its language, its items, and the merge tags that the receiver fills."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from liquid import BoundTemplate, Environment, StrictDefaultUndefined
from liquid.exceptions import LiquidError

from stream_app.planning.campaigns import Campaign, Content, NotificationType

# `{{ user... }}` is for the receiving system, which knows names and addresses; here they are not kept.
_MERGE_TAG = re.compile(r"\{\{-?\s*user\b[^{}]*\}\}")
_environment = Environment(undefined=StrictDefaultUndefined, autoescape=False)


class Written(NamedTuple):
    """A notification's text in one language."""

    language: str
    title: str
    text: str


class MissingContentError(ValueError):
    """A text needs what is not known of this user; the message names it."""


def content_in(campaign: Campaign, kind: NotificationType, language: str) -> tuple[str, Content]:
    """The content of the user's language, of its main language ("pt" for "pt-BR"), or of the default."""
    for wanted in (language, language.split("-", maxsplit=1)[0], campaign.default_language):
        if wanted in kind.content:
            return wanted, kind.content[wanted]
    raise MissingContentError(f"no content in {campaign.default_language}")


def write(
    campaign: Campaign, kind: NotificationType, language: str, items: Sequence[Mapping[str, Any]]
) -> Written:
    """The text for one user.

    Raises:
        MissingContentError: it names an item or a field that there is not.
    """
    chosen, content = content_in(campaign, kind, language)
    known = {"items": list(items)}
    return Written(chosen, _fill(content.title, known), _fill(content.text, known))


def _fill(template: str, known: Mapping[str, Any]) -> str:
    # Each merge tag goes through the template as a value, and comes out as it was written.
    tags = _MERGE_TAG.findall(template)
    numbers = iter(range(len(tags)))
    numbered = _MERGE_TAG.sub(lambda _: f"{{{{ merge_tags[{next(numbers)}] }}}}", template)
    try:
        return _compile(numbered).render(**known, merge_tags=tags)
    except LiquidError as error:
        raise MissingContentError(str(error).splitlines()[0]) from None


@lru_cache(maxsize=1024)
def _compile(template: str) -> BoundTemplate:
    return _environment.from_string(template)
