import stat
from pathlib import Path

import pytest

from stream_app.errors import StateError
from stream_app.runtimes.common.audit import act
from stream_app.runtimes.embedded.audit_file import AuditFile, audit_path
from stream_app.schemas.audit import Act


def test_entries_come_back_in_their_order_and_are_private(tmp_path: Path) -> None:
    audit = AuditFile(tmp_path / "audit.jsonl")
    assert audit.read() == ([], 0)
    entries = [act(Act.EXPORT, f"{number:032x}") for number in range(3)]
    audit.write(entries[:2])
    audit.write([])
    audit.write(entries[2:])
    assert audit.read() == (entries, 0)
    assert stat.S_IMODE(audit.path.stat().st_mode) == 0o600


def test_a_line_that_a_crash_cut_short_spoils_no_other(tmp_path: Path) -> None:
    audit = AuditFile(tmp_path / "audit.jsonl")
    first, last = act(Act.EXPORT, "a"), act(Act.EXPORT, "b")
    audit.write([first])
    whole = audit.path.read_bytes()
    audit.path.write_bytes(whole + whole[:40])
    audit.write([last])
    assert audit.read() == ([first, last], 1)


def test_a_log_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(StateError, match="cannot be written"):
        AuditFile(tmp_path / "audit.jsonl").write([act(Act.EXPORT, "a")])


def test_the_settings_may_name_another_place(tmp_path: Path) -> None:
    assert audit_path(tmp_path, None) == tmp_path / "audit.jsonl"
    assert audit_path(tmp_path, Path("/logs/audit")) == Path("/logs/audit")
