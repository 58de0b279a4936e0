import csv
import re
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean, stdev

import pytest
from support.marketing_tables import course_tables, marketing_tables

from stream_app.errors import InputError
from stream_app.evaluation.examples import replay_courses, replay_marketing


def read(path: Path, delimiter: str) -> list[dict[str, str]]:
    with path.open(newline="") as text:
        return list(csv.DictReader(text, delimiter=delimiter))


def sessions_by_user(path: Path) -> dict[str, list[dict[str, str]]]:
    by_user = defaultdict(list)
    for row in read(path, ","):
        by_user[row["user_id"]].append(row)
    return by_user


def end_of(session: dict[str, str]) -> datetime:
    started_at = datetime.fromisoformat(session["timestamp"])
    return started_at + timedelta(seconds=int(session["session_duration"]))


def test_features_are_those_that_the_tables_rows_say(tmp_path: Path) -> None:
    users, sessions = marketing_tables(tmp_path, 30)
    found, by_user = replay_marketing(users, sessions).features, sessions_by_user(sessions)
    assert found.keys() == by_user.keys()
    for user in read(users, ";"):
        features, own = found[user["user_id"]], by_user[user["user_id"]]
        durations = [int(session["session_duration"]) for session in own]
        views = [int(session["page_views"]) for session in own]
        ends = [end_of(session) for session in own]
        browsers = [session["browser"] for session in own]
        assert features["session_duration_count"] == len(own)
        assert features["session_duration_mean"] == pytest.approx(mean(durations))
        assert features["session_duration_deviation"] == pytest.approx(stdev(durations))
        assert features["session_page_views_high"] == max(views)
        assert features["distinct_browsers"] == len(set(browsers))
        assert features["top_browser_share"] == max(map(browsers.count, browsers)) / len(browsers)
        assert features["active_days"] == len({end.date() for end in ends} | {_first_day(own)})
        assert (features["trait_age"], features["recency_days"]) == (  # type: ignore[comparison-overlap]
            float(user["age"]),
            pytest.approx(0.0, abs=1e-6),
        )


def _first_day(own: list[dict[str, str]]) -> object:
    return min(datetime.fromisoformat(session["timestamp"]) for session in own).date()


def test_examples_come_as_users_last_sessions_end_with_the_features_of_that_moment(tmp_path: Path) -> None:
    users, sessions = marketing_tables(tmp_path, 30)
    known, by_user = replay_marketing(users, sessions), sessions_by_user(sessions)
    last_end = {user: max(map(end_of, own)) for user, own in by_user.items()}
    tiers = {user["user_id"]: int(user["marketing_target"]) for user in read(users, ";")}
    in_order = sorted(last_end, key=last_end.__getitem__)
    assert [label for _, label in known.examples] == [tiers[user] for user in in_order]
    assert [dict(features) for features, _ in known.examples] == [known.features[user] for user in in_order]


def test_a_user_without_tier_is_read_as_one_with(tmp_path: Path) -> None:
    users, sessions = marketing_tables(tmp_path, 20)
    labelled = replay_marketing(users, sessions)
    users.write_text(re.sub(r";[123]$", ";", users.read_text(), flags=re.MULTILINE))
    unlabelled = replay_marketing(users, sessions)
    assert (unlabelled.examples, unlabelled.features) == ([], labelled.features)


def test_of_users_without_sessions_the_traits_are_known(tmp_path: Path) -> None:
    users, sessions = marketing_tables(tmp_path, 9, last_column="test_id", without_sessions=2)
    features = replay_marketing(users, sessions).features
    last = read(users, ";")[-1]
    assert len(features) == 9
    assert features[last["user_id"]]["trait_age"] == float(last["age"])
    assert "session_duration_mean" not in features[last["user_id"]]


def test_nobody_had_a_session(tmp_path: Path) -> None:
    users, sessions = marketing_tables(tmp_path, 3, last_column="test_id", without_sessions=3)
    assert len(replay_marketing(users, sessions).features) == 3


def test_events_that_the_core_does_not_take_are_counted(tmp_path: Path) -> None:
    users, sessions = marketing_tables(tmp_path, 3)
    sessions.write_text(sessions.read_text() + "user-0-0,x,1999-01-01T00:00:00,a,b,c,d,e,f,1,1\n")
    assert replay_marketing(users, sessions).refused["time_out_of_range"] >= 1


@pytest.mark.parametrize("tier", ["4", "0", "high", "1.5"])
def test_a_tier_that_is_none_is_told_with_its_user(tmp_path: Path, tier: str) -> None:
    users, sessions = marketing_tables(tmp_path, 3)
    lines = users.read_text().splitlines()
    users.write_text("\n".join([*lines[:-1], lines[-1][:-1] + tier]))
    with pytest.raises(InputError, match=rf"user-0-2 is {re.escape(tier)}, it must be 1, 2 or 3"):
        replay_marketing(users, sessions)


def test_courses_keep_their_order_features_and_scores(tmp_path: Path) -> None:
    features, target = course_tables(tmp_path, 25)
    expected = [
        ({name: float(value) for name, value in row.items()}, float(score["Engagement Score"]))
        for row, score in zip(read(features, ","), read(target, ","), strict=True)
    ]
    assert [(dict(x), score) for x, score in replay_courses(features, target)] == expected


def test_a_score_out_of_range_is_told(tmp_path: Path) -> None:
    features, target = course_tables(tmp_path, 3)
    target.write_text("Engagement Score\n101\n5\n6\n")
    with pytest.raises(InputError, match=r"course-1 is 101\.0, it must be 0\.0 to 100\.0"):
        list(replay_courses(features, target))
