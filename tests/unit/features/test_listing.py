"""What `definitions list` shows is what is read, and what the document says."""

from fnmatch import fnmatchcase
from pathlib import Path
from random import Random

from stream_app.features.listing import built_in_features
from stream_app.features.reading import GROUPS
from stream_app.settings.rules import DAY
from stream_app.testing import Driver, event, random_events

DOCUMENT = (Path(__file__).parents[3] / "docs/features.md").read_text()


def listed_names() -> set[str]:
    return {
        feature.name if window == "lifetime" else f"{feature.name}_{window}"
        for feature in built_in_features()
        for window in feature.windows
    }


def test_every_feature_that_is_read_is_listed() -> None:
    driver = Driver()
    driver.pipe(*random_events(Random(1), 400))
    driver.pipe(
        event("identify", "user-1", 90 * DAY, traits={"plan": "pro"}),
        event("page", "user-1", 90 * DAY, properties={"category": "a", "brand": "b", "tags": ["c"]}),
    )
    read = {name for user in driver.rows for name in driver.features(user, 90 * DAY)}
    assert len(read) > 80
    assert {name for name in read if not any(fnmatchcase(name, known) for known in listed_names())} == set()


def test_what_is_listed_may_be_read() -> None:
    known = [name for group in GROUPS for name in group.names]
    assert {
        name for name in listed_names() if not any(fnmatchcase(name, pattern) for pattern in known)
    } == set()
    plain = {name for name in known if "*" not in name}
    assert plain - listed_names() == set()


def test_the_document_names_every_feature() -> None:
    stems = {feature.name.split("*")[0].rstrip("_") for feature in built_in_features()}
    prefixes = ("session_duration", "session_page_views", "session_gap", "order", "distinct", "top")
    missing = {
        stem
        for stem in stems
        if f"`{stem}" not in DOCUMENT and not any(stem.startswith(f"{prefix}_") for prefix in prefixes)
    }
    assert missing == set()
