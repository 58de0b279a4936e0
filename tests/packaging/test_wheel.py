"""The built wheel: what it holds, and that it works in an empty environment away from the checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")


def _interpreters() -> dict[str, Path]:
    """The supported Pythons of this machine, by version: on the PATH, or kept by pyenv."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": Path(sys.executable)}
    for version in SUPPORTED:
        kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        candidates = [*sorted(kept.glob(f"{version}.*/bin/python"))]
        if on_path := shutil.which(f"python{version}"):
            candidates.append(Path(on_path))
        for candidate in candidates:
            asked = subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False)
            if asked.returncode == 0:
                found.setdefault(version, candidate)
    return {version: path for version, path in found.items() if version in SUPPORTED}


@pytest.fixture(scope="session")
def source_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    _run(sys.executable, "-m", "build", "--sdist", "--outdir", out, ROOT)
    return next(out.glob("*.tar.gz"))


@pytest.fixture(scope="session", params=_interpreters().items(), ids=lambda found: found[0])
def installed(request: pytest.FixtureRequest, source_archive: Path, tmp_path_factory) -> Path:
    """The folder of an environment in which the wheel lies, with its pinned requirements and nothing else."""
    version, interpreter = request.param
    folder = tmp_path_factory.mktemp(f"environment-{version}")
    _run(interpreter, "-m", "venv", folder)
    python = folder / "bin" / "python"
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    _run(*pip, "wheel", "--no-deps", "--wheel-dir", folder / "wheels", source_archive)
    wheel = next((folder / "wheels").glob("*.whl"))
    _run(*pip, "install", "--constraint", ROOT / "requirements.txt", wheel)
    return folder


def test_the_wheel_exposes_one_name(installed: Path) -> None:
    wheel = next((installed / "wheels").glob("*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"stream_app"}
    tracked = _run("git", "-C", ROOT, "ls-files", "models", "schemas", "stream_app").splitlines()
    modules = {path if path.startswith("stream_app/") else f"stream_app/{path}" for path in tracked}
    assert {name for name in modules if name.endswith((".py", ".toml", ".html", ".js"))} <= set(names)


def test_it_works_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    command = installed / "bin" / "stream-app"
    _run(command, "simulate", "--users", "20", "--days", "3", "--out", "input", cwd=tmp_path)
    report = _run(command, "replay", "input/events.jsonl", "--data-dir", "state", "--json", cwd=tmp_path)
    assert json.loads(report)["users"] > 0
    where = _run(
        installed / "bin" / "python", "-c", "import stream_app.models as m; print(m.__file__)", cwd=tmp_path
    )
    assert Path(where.strip()).is_relative_to(installed)


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    """What the command prints; its errors are shown where it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
