import json
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from stream_app.schemas.export import SCHEMA_FOLDER, find_stale, main, render_schemas


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SCHEMA_FOLDER, tmp_path / "json"))


def check(folder: Path) -> int:
    return main(["--check", "--folder", str(folder)])


def test_exported_files_are_up_to_date():
    assert find_stale() == []


@pytest.mark.parametrize("name", sorted(render_schemas()))
def test_schema_is_valid_draft_2020_12(name: str):
    text = render_schemas()[name]
    schema = json.loads(text)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:stream-app:{name.removesuffix('.json')}"
    Draft202012Validator.check_schema(schema)
    assert text.endswith("}\n")
    assert list(schema) == sorted(schema)


def test_check_passes_on_a_true_copy(folder: Path):
    assert check(folder) == 0


def test_check_names_what_is_out_of_date(folder: Path, capsys: pytest.CaptureFixture[str]):
    changed, missing = folder / "engagement.tiers.v1.json", folder / "training.examples.v1.json"
    changed.write_text(changed.read_text().replace('"maximum": 3', '"maximum": 4', 1))
    missing.unlink()
    (folder / "of.no.contract.v1.json").write_text("{}")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert check(folder) == 1
    names = "engagement.tiers.v1.json, of.no.contract.v1.json, training.examples.v1.json"
    assert names in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_export_brings_a_folder_up_to_date(tmp_path: Path):
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "of.no.contract.v1.json").write_text("{}")
    assert main(["--folder", str(folder)]) == 0
    assert check(folder) == 0
    assert not (folder / "of.no.contract.v1.json").exists()
