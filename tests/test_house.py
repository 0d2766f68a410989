"""The repository itself: nothing of one machine in it, nothing too large, one version everywhere."""
from __future__ import annotations

import os
import re
import subprocess
import tomllib

import pytest

import addon

from .conftest import ROOT

MACHINE_PATH = re.compile(r"(^|[^\w.~-])/(work|root|home/\w+|Users/\w+|tmp/\w+)/")
# GitHub warns above 50 MB; networks above this belong in a release, not in the history.
LARGEST_BYTES = 20_000_000


@pytest.fixture(scope="module")
def tracked():
    try:
        run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git is not installed, or this is no checkout of its own")
    return [ROOT / name for name in run.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_paths_of_one_machine(tracked):
    found = []
    for path in tracked:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        name = path.relative_to(ROOT)
        found += [f"{name}: {line.strip()}" for line in text.splitlines() if MACHINE_PATH.search(line)]
    assert found == []


def test_nothing_is_too_large(tracked):
    assert [path.name for path in tracked if path.stat().st_size > LARGEST_BYTES] == []


def test_one_version_everywhere():
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == addon.__version__
    heading = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heading and heading[1] == addon.__version__


def test_python_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    blender = " ".join(project["optional-dependencies"]["blender"])
    assert "bpy==4.5.*" in blender and "bpy==5.2.*" in blender


@pytest.mark.skipif(os.name == "nt", reason="no executable bit on this system")
def test_continuous_integration_can_start():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_make_explains_itself():
    """`make` alone prints help, and each target that it names exists."""
    run = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    rules = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"^make ([a-z-]+)", run.stdout, re.MULTILINE)
    assert {"demo", "test", "bench", "zip"} <= set(named) <= rules
