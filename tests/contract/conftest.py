import json
from collections.abc import Callable
from functools import cache

import pytest
from jsonschema import Draft202012Validator

from stream_app.schemas.export import SCHEMA_FOLDER


@pytest.fixture(scope="session")
def validator() -> Callable[[str], Draft202012Validator]:
    """The validator of an exported schema, by contract name."""

    @cache
    def load(contract: str) -> Draft202012Validator:
        schema = json.loads((SCHEMA_FOLDER / f"{contract}.json").read_text("utf-8"))
        Draft202012Validator.check_schema(schema)
        return Draft202012Validator(schema)

    return load
