"""Fields of interest that a site or page belongs to, by a taxonomy of words and domains."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from stream_app.errors import SettingsError
from stream_app.intake.cleaning.data_files import read_text
from stream_app.intake.cleaning.domains import DomainTable
from stream_app.intake.cleaning.urls import split_url

MAX_FIELDS = 4
MAX_PARTS = 16
MAX_PART = 256
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}(?:/[a-z][a-z0-9_]{0,31})?")
_PHRASE = re.compile(r"[^\W_]+(?: [^\W_]+){0,2}")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]*\w)?\.)+(?:[^\W_][\w-]*|\*)")
_TOKEN = re.compile(r"[^\W_]+")


Fields = Mapping[str, Mapping[str, list[str]]]


class Taxonomy:
    """Fields by phrase of one to three words, and by domain."""

    def __init__(self, fields: Fields) -> None:
        self.fields = tuple(fields)
        self._by_first_word = _index_phrases(fields)
        self._by_domain = DomainTable(
            (domain, field) for field, entry in fields.items() for domain in entry.get("domains", ())
        )
        self._classify_host = lru_cache(maxsize=8192)(self._read_host)

    def classify(self, host: str, path: str) -> tuple[str, ...]:
        """At most 4 fields: those of the domain first, then in order of the words in path and host.

        A subfield replaces its field: `finance/loan` implies `finance`.
        """
        of_domain, *of_host = self._classify_host(host)
        of_path = [
            field
            for part in path.split("/", MAX_PARTS)[:MAX_PARTS]
            if part
            for field in self._fields_of(part)
        ]
        found = dict.fromkeys(field for field in (of_domain, *of_path, *of_host) if field)
        parents = {field.partition("/")[0] for field in found if "/" in field}
        return tuple(field for field in found if field not in parents)[:MAX_FIELDS]

    def _read_host(self, host: str) -> tuple[str, ...]:
        """The domain's field or an empty string, then those of the words in the host."""
        of_words = [field for label in host.split(".") for field in self._fields_of(label)]
        return (self._by_domain.find(host) or "", *of_words)

    def _fields_of(self, part: str) -> Iterator[str]:
        tokens = _TOKEN.findall(unquote(part[:MAX_PART]).casefold())
        taken = 0
        for place, token in enumerate(tokens):
            if place < taken:
                continue
            for phrase, field in self._by_first_word.get(token, ()):
                if phrase == tokens[place : place + len(phrase)]:
                    yield field
                    taken = place + len(phrase)
                    break


def _index_phrases(fields: Fields) -> dict[str, list[tuple[list[str], str]]]:
    """Phrases as lists of words with their fields, by first word, longest phrase first."""
    index: dict[str, list[tuple[list[str], str]]] = {}
    for field, entry in fields.items():
        for phrase in entry.get("words", ()):
            words = phrase.split()
            index.setdefault(words[0], []).append((words, field))
    for phrases in index.values():
        phrases.sort(key=lambda phrase: -len(phrase[0]))
    return index


def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """The shipped taxonomy, or one from a TOML file in the same format.

    Raises:
        SettingsError: the file cannot be read, or an entry is malformed; the message says what to write.
    """
    if path is None:
        return Taxonomy(parse_taxonomy(read_text("taxonomy.toml"), "taxonomy.toml"))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the taxonomy {path} cannot be read as UTF-8 text: {error}") from error
    return Taxonomy(parse_taxonomy(text, path.name))


def parse_taxonomy(text: str, name: str) -> dict[str, dict[str, list[str]]]:
    """The validated fields of a taxonomy file; `name` is the file's name in errors."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the taxonomy {name} is not TOML: {error}") from error
    if not table:
        raise SettingsError(f'the taxonomy {name} has no field; write e.g. [travel] and words = ["hotel"]')
    owners: dict[str, str] = {}
    for field, entry in table.items():
        _check_entry(field, entry, name)
        for item in (*entry.get("words", ()), *entry.get("domains", ())):
            if item in owners:
                raise SettingsError(
                    f"the taxonomy {name} has `{item}` in [{owners[item]}] and in [{field}]; keep one of them"
                )
            owners[item] = field
    return table


def _check_entry(field: str, entry: Any, name: str) -> None:
    where = f"the taxonomy {name}, [{field}]"
    if not _FIELD.fullmatch(field):
        raise SettingsError(
            f'{where}: write a field as [travel] or a kind of one as ["finance/loan"], in lower case'
        )
    if not isinstance(entry, dict) or not entry or not entry.keys() <= {"words", "domains"}:
        raise SettingsError(f"{where}: it may have `words` and `domains`, each a list of texts")
    for key, form, example in (("words", _PHRASE, "credit card"), ("domains", _DOMAIN, "example.com")):
        items = entry.get(key, [])
        if not isinstance(items, list):
            raise SettingsError(f'{where}: write {key} = ["{example}"]')
        for item in items:
            if not isinstance(item, str) or not form.fullmatch(item) or item != item.casefold():
                raise SettingsError(
                    f"{where}: `{item}` in `{key}` is not of the form `{example}` in lower case"
                )


@lru_cache(maxsize=1)
def shipped_taxonomy() -> Taxonomy:
    """The shipped taxonomy, read once."""
    return load_taxonomy()


def classify_url(url: str | None, taxonomy: Taxonomy | None = None) -> tuple[str, ...]:
    """The fields of a page, by its host and path; none if the taxonomy knows neither."""
    parts = split_url(url)
    return (taxonomy or shipped_taxonomy()).classify(parts.host, parts.path)
