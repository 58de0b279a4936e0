from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream_app.errors import InputError
from stream_app.intake.decoding import TimedEvent, decode
from stream_app.intake.sources.click_stream import ClickStream
from stream_app.intake.sources.courses import CourseTables
from stream_app.intake.sources.marketing import MarketingTables
from stream_app.intake.sources.source import Source
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, RECEIVED_AT

USERS = "user_id;age;abandoned_cart;user_category;marketing_target\na;31.0;1;new;2\nb;;0;;\nnever;5;0;new;3\n"
SESSION_HEADER = (
    "user_id,session_id,timestamp,device_type,browser,operating_system,ip_address,country,"
    "search_query,page_views,session_duration\n"
)
SESSIONS = SESSION_HEADER + (
    "a,s2,2024-03-05T10:00:00,mobile,Chrome,Android,1.2.3.4,NL,shoes,3,60\n"
    "b,s3,2024-03-04T12:00:00+02:00,desktop,Firefox,Linux,1.2.3.4,DE,,7,30.5\n"
    "a,s1,2024-03-04T10:00:00,mobile,Chrome,Android,1.2.3.4,NL,,2,120\n"
)
FEATURES = "Length,Price\n12,3.5\n7,\n"
SCORES = "Engagement Score\n55.5\n61\n"
CLICKS = "SessionId\tItemId\tTime\ns1\tx\t1396437466.94\ns2\ty\t1396437460\ns1\tz\t1396437470\n"


def write(folder: Path, **texts: str) -> list[Path]:
    paths = []
    for name, text in texts.items():
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(text)
    return paths


def marketing(folder: Path, users: str = USERS, sessions: str = SESSIONS) -> Source:
    return MarketingTables(*write(folder, users=users, sessions=sessions))


def courses(folder: Path, features: str = FEATURES, scores: str = SCORES) -> Source:
    return CourseTables(*write(folder, features=features, scores=scores))


def clicks(folder: Path, text: str = CLICKS) -> Source:
    return ClickStream(*write(folder, clicks=text))


def events(source: Source, skip: int = 0) -> list[dict[str, Any]]:
    return [orjson.loads(value) for value, _ in source.records(skip)]


@pytest.mark.parametrize("open_source", [marketing, courses, clicks])
def test_every_event_is_valid_in_time_order_and_may_be_skipped(
    tmp_path: Path, open_source: Callable[[Path], Source]
) -> None:
    source = open_source(tmp_path)
    decoded = [decode(value, RECEIVED_AT, INTAKE.privacy, Rules()) for value, _ in source.records(0)]
    assert all(isinstance(event, TimedEvent) for event in decoded)
    times = [event.at for event in decoded]
    assert times == sorted(times)
    assert source.size() == len(decoded)
    assert [number for _, number in source.records(0)] == list(range(1, len(decoded) + 1))
    for skip in range(len(decoded) + 1):
        assert events(source, skip) == events(source)[skip:]
    assert not source.is_live
    assert str(tmp_path) in source.name


def test_marketing_identifies_then_tells_sessions_and_then_the_tier(tmp_path: Path) -> None:
    found = [(event["userId"], event["type"], event["timestamp"]) for event in events(marketing(tmp_path))]
    assert found == [
        ("a", "identify", "2024-03-04T10:00:00+00:00"),
        ("b", "identify", "2024-03-04T12:00:00+02:00"),
        ("b", "session", "2024-03-04T12:00:30.500000+02:00"),
        ("a", "session", "2024-03-04T10:02:00+00:00"),
        ("a", "session", "2024-03-05T10:01:00+00:00"),
        ("a", "label", "2024-03-05T10:01:00.001000+00:00"),
    ]


def test_marketing_carries_what_the_tables_say(tmp_path: Path) -> None:
    by_type = {(event["userId"], event["type"]): event for event in events(marketing(tmp_path))}
    assert by_type["a", "identify"]["traits"] == {"age": 31.0, "abandoned_cart": "1", "user_category": "new"}
    assert by_type["b", "identify"]["traits"] == {"abandoned_cart": "0"}
    assert by_type["a", "label"]["properties"] == {"target": "marketing_target", "value": 2}
    told = by_type["b", "session"]
    assert told["properties"] == {"sessionId": "s3", "pageViews": 7, "duration": 30.5, "searchQuery": None}
    assert told["context"]["browser"] == {"name": "Firefox"}
    assert by_type["a", "session"]["properties"]["searchQuery"] == "shoes"


def test_courses_bring_their_features_and_scores(tmp_path: Path) -> None:
    assert [event["properties"] for event in events(courses(tmp_path))] == [
        {
            "target": "engagement_score",
            "value": 55.5,
            "itemId": "course-1",
            "features": {"Length": 12.0, "Price": 3.5},
        },
        {"target": "engagement_score", "value": 61.0, "itemId": "course-2", "features": {"Length": 7.0}},
    ]


def test_clicks_of_all_sessions_come_in_time_order(tmp_path: Path) -> None:
    found = [
        (event["anonymousId"], event["properties"]["item_id"], event["messageId"])
        for event in events(clicks(tmp_path))
    ]
    assert found == [("s2", "y", "s2:0"), ("s1", "x", "s1:0"), ("s1", "z", "s1:1")]


@pytest.mark.parametrize(
    ("open_source", "texts", "message"),
    [
        (marketing, {"users": USERS.replace(";", ",")}, r"users\.csv: the header lacks user_id.*';'"),
        (marketing, {"sessions": "user_id\n"}, r"sessions\.csv: the header lacks session_id"),
        (marketing, {"sessions": SESSIONS + "a,s9\n"}, r"sessions\.csv, line 5: another number of cells"),
        (marketing, {"sessions": SESSIONS.replace("T12:00", "T25:00")}, r"sessions\.csv, line 3: hour"),
        (marketing, {"sessions": SESSIONS.replace("30.5", "inf")}, r"sessions\.csv, line 3: cannot convert"),
        (marketing, {"sessions": SESSIONS.replace("30.5", "nan")}, r"sessions\.csv, line 3: cannot convert"),
        (marketing, {"sessions": SESSIONS.replace(",7,", ",x,")}, r"sessions\.csv, line 3: invalid literal"),
        (courses, {"scores": SCORES + "7\n"}, r"features\.csv ends before line 4"),
        (courses, {"features": FEATURES + "7,7\n"}, r"scores\.csv ends before line 4"),
        (courses, {"features": FEATURES.replace("12", "x")}, r"line 2: could not convert string to float"),
        (courses, {"scores": "Score\n5\n"}, r"scores\.csv: the header lacks Engagement Score"),
        (clicks, {"text": "a\tb\n"}, r"clicks\.csv, line 1: write the header SessionId<tab>ItemId<tab>Time"),
        (clicks, {"text": CLICKS + "s1\tx\tnoon\n"}, r"clicks\.csv, line 5: 'noon' is no time"),
        (clicks, {"text": CLICKS + "s1\tx\n"}, r"clicks\.csv, line 5: write 3 fields"),
    ],
)
def test_what_is_not_of_the_form_is_told_of_with_its_file_and_line(
    tmp_path: Path, open_source: Callable[..., Source], texts: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        open_source(tmp_path, **texts)


@pytest.mark.parametrize("open_source", [MarketingTables, CourseTables])
def test_tables_that_cannot_be_read_are_told_of(
    tmp_path: Path, open_source: Callable[[Path, Path], Source]
) -> None:
    bad = tmp_path / "bad.csv"
    with pytest.raises(InputError, match=r"bad\.csv cannot be read"):
        open_source(bad, bad)
    bad.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match=r"bad\.csv cannot be read"):
        open_source(bad, bad)
