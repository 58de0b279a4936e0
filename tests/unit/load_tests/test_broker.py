from pathlib import Path

import pytest

from load_tests import broker


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of the PATH."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install_java(folder: Path, version: str) -> None:
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)


def test_java_is_required(programs: Path) -> None:
    assert broker.missing_requirements() == "no Java on the PATH (Java 17 or newer is needed)"


def test_an_old_java_is_named(programs: Path) -> None:
    install_java(programs, "11.0.2")
    reason = broker.missing_requirements()
    assert reason == 'Java 17 or newer is needed, found: openjdk version "11.0.2" 2025-04-15'


def test_java_is_found_where_java_home_says(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "jdk"
    (home / "bin").mkdir(parents=True)
    install_java(home / "bin", "21")
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setattr(broker, "RESOLVED_POM", broker.POM)
    assert broker.missing_requirements() is None


def test_maven_is_required_until_the_jars_are_there(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_java(programs, "17.0.15")
    monkeypatch.setattr(broker, "RESOLVED_POM", tmp_path / "never-resolved.xml")
    assert broker.missing_requirements() == "no Maven (mvn) on the PATH, which fetches the broker's jars"
    monkeypatch.setattr(broker, "RESOLVED_POM", broker.POM)
    assert broker.missing_requirements() is None
