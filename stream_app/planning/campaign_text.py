"""Reading a campaign file's text: every error names its line and field, and says what to write."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from importlib import resources

from liquid import Environment
from liquid.exceptions import LiquidError
from pydantic import ValidationError

from stream_app.planning.campaigns import Campaign

MOST_BYTES = 2_000_000
_templates = Environment()


class CampaignError(ValueError):
    """A campaign file is wrong; one sentence for each mistake, with its line where it has one."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = list(mistakes)


def starter_text() -> str:
    """The campaign file that comes with the product."""
    return resources.files("stream_app.planning").joinpath("data/starter.toml").read_text("utf-8")


def read_campaign(text: str) -> Campaign:
    """The campaign that a file's text declares.

    Raises:
        CampaignError: it is no TOML, or breaks the contract.
    """
    if len(text) > MOST_BYTES:
        raise CampaignError([f"the file is larger than {MOST_BYTES:,} characters: split the campaign"])
    try:
        campaign = Campaign.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CampaignError([f"not TOML: {error}"]) from None
    except RecursionError:
        raise CampaignError(["not TOML that can be read: it is nested too deeply"]) from None
    except ValidationError as error:
        raise CampaignError(
            [_explain(text, tuple(found["loc"]), found["msg"]) for found in error.errors(include_url=False)]
        ) from None
    mistakes = list(_wrong_templates(text, campaign))
    if mistakes:
        raise CampaignError(mistakes)
    return campaign


def _wrong_templates(text: str, campaign: Campaign) -> Sequence[str]:
    mistakes = []
    for number, kind in enumerate(campaign.types):
        for language, content in kind.content.items():
            for field in ("title", "text"):
                try:
                    _templates.from_string(getattr(content, field))
                except LiquidError as error:
                    place = ("types", number, "content", language, field)
                    mistakes.append(_explain(text, place, f"no Liquid template: {error}"))
    return mistakes


def _explain(text: str, place: tuple[str | int, ...], message: str) -> str:
    # A union's branch stands in pydantic's place of a mistake, after the field: it is no field of the file.
    line = find_line(text, place)
    field = ".".join(str(part + 1) if isinstance(part, int) else part for part in place)
    message = message.removeprefix("Value error, ")
    return f"{f'line {line}: ' if line else ''}{f'{field}: ' if field else ''}{message}"


def find_line(text: str, place: Sequence[str | int]) -> int:
    """The line, from 1, of a field, or of the innermost table around it; 0 for the whole file."""
    names = [part for part in place if isinstance(part, str)]
    index = next((part for part in place if isinstance(part, int)), 0)
    best, best_depth, table, count = 0, 0, [""], -1
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if header is not None and "=" not in line.split("[", 1)[0]:
            table = [part.strip("\"' ") for part in header[2].split(".")]
            if header[1] == "[[" and names[:1] == table[:1] and len(table) == 1:
                count += 1
            depth = _depth(table, names)
        else:
            key = re.match(r"\s*([\w\"' .-]+?)\s*=", line)
            if key is None:
                continue
            parts = [part.strip("\"' ") for part in key[1].split(".")]
            depth = _depth([*([] if table == [""] else table), *parts], names)
        is_ours = not names or table[0] != names[0] or count in (index, -1)
        if is_ours and depth > best_depth:
            best, best_depth = number, depth
    return best


def _depth(path: Sequence[str], names: Sequence[str]) -> int:
    """How many names a path of the file matches, all of its own; 0 where it leads elsewhere."""
    return len(path) if list(names[: len(path)]) == list(path) else 0
