"""A tracker form is one module: what is added here as a new file is known everywhere."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import stream_app
from stream_app.intake.trackers import CANONICAL, FORM_SETTINGS, FORMS
from stream_app.intake.trackers.declaration import BodyKind

MADE_UP = """
from stream_app.intake.trackers.declaration import Answer, FormSetting, Reading, Route, TrackerForm
from stream_app.intake.trackers.json_records import parse_objects

def _event(record):
    return {"type": "track", "event": record["did"], "userId": record["who"], "timestamp": record["when"]}

def read(value):
    return [_event(record) for record in parse_objects(value)]

FORMS = (
    TrackerForm(
        name="telegraph", summary="Telegrams.", shape="`who` with `did`", read=read,
        claims=lambda record: "who" in record and "did" in record,
        routes=(Route(("/telegrams",), lambda sent: Reading(read(sent.body), sent.headers.get("x-key")),
                      Answer(b"STOP", "text/plain"), path_setting="telegraph_path"),),
        settings=(FormSetting("telegraph_path", "", r"^(/\\w+)?$", "One more path for telegrams."),),
        senders={"A telegraph": "its wire"}, fields={"`type`": "track", "`userId`": "`who`"},
        becomes={"a telegram": "track"},
    ),
)
"""
USE = """
import json
from fastapi.testclient import TestClient
from stream_app.intake import tracker_tables
from stream_app.intake.decoding import decode
from stream_app.intake.privacy import Privacy
from stream_app.intake.trackers import detect
from stream_app.observability.metrics import Metrics
from stream_app.serving.collector.collector import create_collector
from stream_app.settings.loading import load_settings

record = json.dumps({"who": "u-1", "did": "Waved", "when": "2026-03-02T08:00:00Z"}).encode()
settings = load_settings(["tracker_form=telegraph", "telegraph_path=/wire", "write_keys=key-of-the-wire"])
kept = []

class Kept:
    is_ready = True
    async def __call__(self, values):
        kept.extend(values)

client = TestClient(create_collector(Kept(), settings, Metrics(), lambda: 1_796_000_000.0))
headers = {"x-key": "key-of-the-wire"}
answers = [client.post(path, content=record, headers=headers) for path in ("/telegrams", "/wire")]
refused = client.post("/wire", content=record)
decoded = decode(record, 1_796_000_000.0, Privacy(), settings.rules)
print(json.dumps({
    "form": detect(record),
    "answers": [(answer.status_code, answer.text) for answer in answers] + [refused.status_code],
    "kept": [json.loads(value)["event"] for value in kept],
    "decoded": [decoded.user_key, decoded.event.event],
    "tables": {name: "elegra" in make() for name, (_, make) in tracker_tables.TABLES.items()},
}))
"""


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("with_telegraph")
    package = Path(stream_app.__path__[0])
    shutil.copytree(package, folder / "stream_app", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "stream_app/intake/trackers/telegraph.py").write_text(MADE_UP)
    ended = subprocess.run(
        [sys.executable, "-c", USE], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_made_up_form_is_recognised_and_read(used: Any) -> None:
    assert used["form"] == "telegraph"
    assert used["decoded"] == ["u-1", "Waved"]


def test_the_collector_takes_a_made_up_form_at_its_own_paths_and_answers_as_it_says(used: Any) -> None:
    assert used["answers"] == [[200, "STOP"], [200, "STOP"], 401]
    assert used["kept"] == ["Waved", "Waved"]


def test_a_made_up_form_is_in_every_table(used: Any) -> None:
    assert used["tables"] == dict.fromkeys(("forms", "fields", "names", "senders"), True)


def test_a_form_has_an_address_once_and_no_two_forms_a_setting() -> None:
    for form in FORMS.values():
        addresses = [(route.method, path) for route in form.routes for path in route.paths]
        assert len(addresses) == len(set(addresses))
    names = [setting.name for setting in FORM_SETTINGS]
    assert len(names) == len(set(names))
    for form in FORMS.values():
        own = {setting.name for setting in form.settings}
        assert {route.path_setting for route in form.routes} - {None} <= own
        assert all(route.body is BodyKind.NONE or route.method == "POST" for route in form.routes)


def test_our_own_form_is_the_one_that_no_other_claims() -> None:
    assert CANONICAL.name == "segment"
    assert [form.name for form in FORMS.values() if form.is_canonical] == ["segment"]
