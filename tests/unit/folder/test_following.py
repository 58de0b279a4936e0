"""A reader beside a process that fills the folder: at every moment it knows what a new reader would."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from stream_app.folder import folder_acts
from stream_app.folder.folder_present import FolderPresent
from stream_app.folder.folder_studies import FolderStudies
from stream_app.folder.opening import open_audit, open_replay
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded import rows
from stream_app.runtimes.embedded.letter_box import LetterBox
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.audit import Act
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.settings.environment import Settings
from stream_app.testing.events import START, page

SETTINGS = Settings()
USERS = ("ann", "bob", "cat")
HOUR = 3600.0
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("visit"), st.sampled_from(USERS)),
        st.tuples(st.just("erase"), st.sampled_from(USERS)),
        st.tuples(st.just("settle"), st.just("")),
        st.tuples(st.just("look"), st.just("")),
    ),
    min_size=1,
    max_size=14,
)


def everything(present: FolderPresent) -> object:
    lines, total = present.users(None, "", 0, 100)
    status = present.status()
    del status["seconds_behind"]
    timelines = {user: present.timeline(user, None, 100) for user in USERS}
    return lines, total, status, timelines, {user: present.user(user) for user in USERS}


@given(steps=STEPS)
@hypothesis_settings(max_examples=25)
def test_a_follower_knows_what_a_new_reader_would(
    steps: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("followed")
    with open_replay(folder, SETTINGS, Metrics()) as (store, _, replay):
        replay.process([page("first", 0)])
        follower = FolderPresent(folder, SETTINGS)
        for number, (kind, user) in enumerate(steps, 1):
            if kind == "visit":
                replay.process([page(user, number * HOUR, item=f"item-{number}")])
            elif kind == "erase":
                request = PrivacyRequest(
                    request_id=f"r{number}", user_id=user, requested_at="2026-03-01T00:00:00Z"
                )
                replay.erase(request)
                assert follower.user(user) is None
                assert not follower.timeline(user, None, 100)
            elif kind == "settle":
                store._rows._settle()
            else:
                fresh = FolderPresent(folder, SETTINGS)
                assert everything(follower) == everything(fresh)
                fresh.close()
        fresh = FolderPresent(folder, SETTINGS)
        assert everything(follower) == everything(fresh)
        fresh.close()
        follower.close()


def test_a_reader_at_rest_keeps_nothing_from_being_removed(tmp_path: Path) -> None:
    with open_replay(tmp_path, SETTINGS, Metrics()) as (_, _, replay):
        replay.process([page("secret-name", 0)])
        follower = FolderPresent(tmp_path, SETTINGS)
        assert follower.user("secret-name") is not None
        request = PrivacyRequest(request_id="r", user_id="secret-name", requested_at="2026-03-01T00:00:00Z")
        replay.erase(request)  # would raise StateError if a reader held on to what was deleted
        assert follower.user("secret-name") is None
        left = [
            path for path in tmp_path.rglob("*") if path.is_file() and b"secret-name" in path.read_bytes()
        ]
        assert left == []
        follower.close()


def test_a_reader_follows_rows_over_many_flushes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "KEPT_REDO_BYTES", 1)  # the log is dropped at each checkpoint
    with open_replay(tmp_path, SETTINGS, Metrics()) as (_, _, replay):
        replay.process([page("ann", 0)])
        follower = FolderPresent(tmp_path, SETTINGS)
        for number in range(1, 6):
            replay.process([page("ann", number * HOUR)])
            found = follower.user("ann")
            assert found is not None
            assert found["seen_at"].timestamp() == START + number * HOUR
        follower.close()


def test_an_erasure_waits_for_the_process_that_holds_the_folder(tmp_path: Path) -> None:
    acts = folder_acts.FolderActs(tmp_path, SETTINGS)
    with open_replay(tmp_path, SETTINGS, Metrics()) as (_, _, replay):
        replay.process([page("ann", 0), page("bob", 1)])
        request_id, receipt = acts.erase("ann", 0.0, "desk")
        assert receipt is None
        assert acts.receipt(request_id) is None
        assert LetterBox(tmp_path).grant_all(replay.erase) == 1
        assert acts.receipt(request_id) is not None
    with Store(tmp_path, read_only=True) as store:
        assert {key for _, key, _ in store.rows()} == {"bob"}
    assert LetterBox(tmp_path).is_empty()


def test_an_erasure_that_waited_in_vain_is_granted_by_whoever_opens_the_folder_next(tmp_path: Path) -> None:
    acts = folder_acts.FolderActs(tmp_path, SETTINGS)
    with open_replay(tmp_path, SETTINGS, Metrics()) as (_, _, replay):
        replay.process([page("ann", 0)])
        request_id, _ = acts.erase("ann", 0.0, "desk")
    with open_replay(tmp_path, SETTINGS, Metrics()):
        pass
    receipt = acts.receipt(request_id)
    assert receipt is not None
    assert receipt.request_id == request_id


def test_where_nobody_holds_the_folder_an_erasure_is_done_at_once(tmp_path: Path) -> None:
    with open_replay(tmp_path, SETTINGS, Metrics()) as (_, _, replay):
        replay.process([page("ann", 0)])
    request_id, receipt = folder_acts.FolderActs(tmp_path, SETTINGS).erase("ann", 0.0, "desk")
    assert receipt is not None
    assert receipt.request_id == request_id
    assert receipt.stores


@pytest.mark.parametrize("letter", [b"", b"{}", b'{"request_id": 1}', b"\xff"])
def test_a_letter_that_is_none_is_dropped(letter: bytes, tmp_path: Path) -> None:
    box = tmp_path / "requests"
    box.mkdir()
    (box / "x.json").write_bytes(letter)
    assert LetterBox(tmp_path).grant_all(lambda _: None) == 0
    assert LetterBox(tmp_path).is_empty()


def test_the_audit_log_names_the_key_that_asked(tmp_path: Path) -> None:
    with open_replay(tmp_path, SETTINGS, Metrics()) as (_, _, replay):
        replay.process([page("ann", 0)])
    FolderStudies(tmp_path, SETTINGS).export("ann", "desk")
    request_id, _ = folder_acts.FolderActs(tmp_path, SETTINGS).erase("ann", 0.0, "desk")
    entries, _ = open_audit(tmp_path, SETTINGS).read()
    asked = {entry.act: entry for entry in entries if entry.details == {"api_key": "desk"}}
    assert set(asked) == {Act.EXPORT, Act.ERASURE_REQUEST}
    assert asked[Act.ERASURE_REQUEST].request_id == request_id
    assert len({entry.subject for entry in entries if entry.subject}) == 1
    assert not any(b"ann" in entry.encode() for entry in entries)
