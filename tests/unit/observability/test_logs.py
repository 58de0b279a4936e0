import json
import logging

import pytest

from stream_app.observability.logs import JsonFormatter, begin_logging


def test_a_record_is_one_json_object_a_line() -> None:
    try:
        raise ValueError("no\nnumber")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("stream_app.x", logging.ERROR, __file__, 1, "lost %s\nof them", (3,), info)
    record.created = 1_700_000_000.25
    text = JsonFormatter().format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert "ValueError: no\nnumber" in line.pop("traceback")
    assert line == {
        "at": "2023-11-14T22:13:20.250+00:00",
        "level": "error",
        "logger": "stream_app.x",
        "message": "lost 3\nof them",
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_the_setting_chooses_the_form(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    begin_logging(as_json)
    logging.getLogger("stream_app.x").info("ready")
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("{") == as_json
    assert line.endswith("INFO stream_app.x: ready") or json.loads(line)["message"] == "ready"
