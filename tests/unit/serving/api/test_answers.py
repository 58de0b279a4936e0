"""What the routes answer, beside what the folder holds."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.served_folder import Asker, FixedClock, serving

from stream_app.core.user_data import is_about
from stream_app.features.reading import read_features
from stream_app.folder.trace import ABOUT_USERS
from stream_app.runtimes.embedded.store import Store


def outputs_about(folder: Path, user: str) -> list[dict[str, Any]]:
    with Store(folder, read_only=True) as store:
        bodies = [output for output in store.stored_outputs() if output.schema in ABOUT_USERS]
        return [orjson.loads(output.body) for output in bodies if is_about(output.body, {user})]


def test_a_user_is_as_their_row_and_newest_outputs_say(api: Asker, folder: Path, user: str) -> None:
    found = api.get(f"/v1/users/{user}").json()
    with Store(folder, read_only=True) as store:
        row = store.row(0, user)
    assert found["user_key"] == user
    assert found["features"] == read_features(row, row.last_at)
    outputs = outputs_about(folder, user)
    for schema, name in (("engagement_tier", "tier"), ("outlook", "outlook")):
        assert found[name] == [output for output in outputs if output["schema_name"] == schema][-1]


def test_an_id_that_was_given_to_a_user_leads_to_them(api: Asker, folder: Path) -> None:
    with Store(folder, read_only=True) as store:
        pointers = {key: row.merged_into for _, key, row in store.rows() if row.merged_into}
    assert pointers
    for pointer, owner in list(pointers.items())[:5]:
        assert api.get(f"/v1/users/{pointer}").json()["user_key"] == owner


@pytest.mark.parametrize("user_id", ["nobody", "a/b", "ü", "%", "x" * 256, "timeline", " "])
@pytest.mark.parametrize("part", ["", "/recommendations", "/timeline"])
def test_nobody_is_known_by_an_id_that_was_never_seen(part: str, user_id: str, api: Asker) -> None:
    answer = api.get(f"/v1/users/{user_id.replace('%', '%25').replace('/', '%2F')}{part}")
    assert answer.status_code == 404


def test_pages_of_a_timeline_are_all_outputs_newest_first(api: Asker, folder: Path, user: str) -> None:
    path: str | None = f"/v1/users/{user}/timeline?limit=3"
    read: list[Any] = []
    while path is not None:
        page = api.get(path).json()
        read += [entry["output"] for entry in page["entries"]]
        path = page["next"]
    assert read == outputs_about(folder, user)[::-1]
    assert len(read) > 6


def test_pages_of_users_are_everybody_the_most_engaged_first(api: Asker, folder: Path) -> None:
    path: str | None = "/v1/users?limit=7"
    read: list[Any] = []
    while path is not None:
        page = api.get(path).json()
        read += page["users"]
        path = page["next"]
    with Store(folder, read_only=True) as store:
        known = {key for _, key, row in store.rows() if row.tier and not row.merged_into}
    assert {line["user_key"] for line in read} == known
    assert len(read) == len(known) == page["total"]
    order = [(-line["tier"], -line["engagement"]) for line in read]
    assert order == sorted(order)


def test_status_counts_what_the_folder_holds(api: Asker, folder: Path) -> None:
    status = api.get("/v1/status").json()
    with Store(folder, read_only=True) as store:
        assert status["outputs"] == store.output_counts()
        tiers = [row.tier for _, _, row in store.rows() if row.tier and not row.merged_into]
    assert status["users_by_tier"] == {
        name: tiers.count(number) for number, name in enumerate(("low", "medium", "high"), 1)
    }


def test_history_adds_up_to_the_present(api: Asker) -> None:
    history = api.get("/v1/history").json()
    totals: dict[str, int] = {}
    for day in history["days"]:
        for schema, count in day["outputs"].items():
            totals[schema] = totals.get(schema, 0) + count
    assert totals == api.get("/v1/status").json()["outputs"]


def test_a_list_leaves_out_what_is_excluded_and_holds_what_was_asked(api: Asker, item: str) -> None:
    full = api.post("/v1/recommendations", {"items": [item], "count": 10}).json()["items"]
    out = [entry["item_id"] for entry in full[:4]]
    rest = api.post("/v1/recommendations", {"items": [item], "count": 6, "exclude": out}).json()["items"]
    assert [entry["item_id"] for entry in rest] == [entry["item_id"] for entry in full[4:]]


def test_what_is_seen_and_clicked_of_a_list_counts_once(folder: Path) -> None:
    clock = FixedClock()
    with serving(folder, clock) as asker:
        given = asker.post("/v1/recommendations", {"count": 3, "surface": "home"}).json()
        first, second, third = (entry["item_id"] for entry in given["items"])
        told = {"request_id": given["request_id"], "seen": [first, second, "another"]}
        assert asker.post("/v1/impressions", told).json() == {"seen": 2, "clicked": 0}
        assert asker.post("/v1/impressions", told | {"clicked": third}).json() == {"seen": 1, "clicked": 1}
        assert asker.post("/v1/impressions", told | {"clicked": third}).json() == {"seen": 0, "clicked": 0}
        counts = asker.get("/v1/status").json()["recommendations"]
        assert counts == {"home": {"given": 3, "seen": 3, "clicked": 1}}
        clock.now += 10 * 86_400
        assert asker.post("/v1/impressions", told).status_code == 404


def test_an_items_next_clicks_are_probabilities(api: Asker, item: str) -> None:
    found = api.get(f"/v1/items/{item}/next?count=100").json()
    shares = [click["probability"] for click in found["next"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert found["path"][0] == found["next"][0]
    assert api.get(f"/v1/items/{item}").json()["category"]
    assert api.get("/v1/items/nothing").status_code == 404


def test_questions_that_the_folder_cannot_answer_say_why(api: Asker, user: str) -> None:
    asked = {"user": user, "target": "no_such_target"}
    assert "will_return" in api.post("/v1/what-if", asked).json()["detail"]
    assert api.post("/v1/what-if", {}).status_code == 422
    assert api.post("/v1/what-if", {"user": user, "item": "both"}).status_code == 422
    assert api.get("/v1/clusters?count=50&top=1").status_code in {200, 503}


def test_an_export_is_what_the_command_gives(api: Asker, folder: Path, user: str) -> None:
    found = api.post("/v1/exports", {"user_id": user}).json()
    assert user in found["rows"]
    assert sum(map(len, found["outputs"].values())) >= len(outputs_about(folder, user))
    assert api.post("/v1/exports", {"user_id": "nobody"}).status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"items": "a"}', b'{"items": ["\\ud800"]}', b'{"count": 1e400}']
)
def test_a_body_that_is_none_is_refused(body: bytes, api: Asker) -> None:
    answer = api.ask(
        "POST", "/v1/recommendations", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert answer.json()["status"] == answer.status_code


def test_every_user_who_is_no_bot_is_in_one_segment(api: Asker, folder: Path) -> None:
    found = api.get("/v1/segments").json()
    with Store(folder, read_only=True) as store:
        people = [row for _, _, row in store.rows() if row.last_at and not row.merged_into and not row.is_bot]
    assert found["users"] == len(people)
    assert sum(segment["users"] for segment in found["segments"]) == len(people)
    spent = sum(segment["users"] * segment["spent"] for segment in found["segments"])
    assert spent == pytest.approx(sum(row.orders.total for row in people))
