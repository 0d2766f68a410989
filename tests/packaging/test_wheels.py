"""One table of wheels, and the manifest says the same."""
from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def packaging_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))


def manifest() -> dict:
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text())


def test_the_manifest_lists_the_shipped_wheels_of_the_lock():
    from wheel_lock import read_lock

    assert manifest()["wheels"] == [f"./wheels/{wheel.file}" for wheel in read_lock() if wheel.is_shipped]


def test_each_platform_and_python_gets_each_requirement_once():
    from wheel_lock import DISTRIBUTION_PYTHONS, PLATFORMS, PYTHONS, read_lock

    pins = re.findall(r"^([a-z-]+)==(\S+)$", (ROOT / "packaging" / "requirements.txt").read_text(), re.M)
    assert len(pins) == 7
    for platform in PLATFORMS:
        for python in (*PYTHONS, *DISTRIBUTION_PYTHONS.get(platform, ())):
            there = [(w.name.replace("_", "-"), w.version) for w in read_lock() if w.runs_on(platform, python)]
            assert sorted(there) == sorted(pins), (platform, python)


def test_nothing_that_blender_ships_and_nothing_heavy_is_bundled():
    from wheel_lock import read_lock

    assert not {wheel.name for wheel in read_lock()} & {"numpy", "requests", "certifi", "torch", "mediapipe"}


def test_the_manifest_agrees_with_the_package_and_blenders_rules():
    import addon

    facts = manifest()
    assert facts["version"] == addon.__version__
    assert tuple(map(int, facts["blender_version_min"].split("."))) == (4, 5, 0)
    assert facts["license"] == ["SPDX:GPL-3.0-or-later"]
    for sentence in (facts["tagline"], *facts["permissions"].values()):
        assert len(sentence) <= 64 and sentence[-1].isalnum()


def test_the_versions_are_those_of_the_development_set_up():
    pins = dict(re.findall(r"^([a-z-]+)==(\S+)$", (ROOT / "packaging" / "requirements.txt").read_text(), re.M))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"opencv-python-headless=={pins['opencv-python-headless']}" in project
    import onnxruntime

    assert onnxruntime.__version__ == pins["onnxruntime"]
