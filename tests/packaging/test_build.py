"""The zip is what a user needs and no more; the link of `make dev-install` is an extension that Blender enables."""
from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def packaging_path(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("bpy")
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))


def test_blenders_builder_accepts_it_and_the_zip_holds_what_is_shipped(tmp_path):
    from build_zip import build

    path = build("linux-x64", [], tmp_path)
    assert path.name.endswith("-linux_x64.zip")
    names = zipfile.ZipFile(path).namelist()
    for wanted in ("__init__.py", "blender_manifest.toml", "render_batch.py", "LICENSE", "addon/core/coefficients.toml",
                   "addon/blender/panels.py", "models/face_mesh/model.onnx", "rigs/pip/pip.blend",
                   "rigs/pip/profile.toml"):
        assert wanted in names, wanted
    for name in names:
        top = name.split("/")[0]
        assert top not in ("tests", "training", "packaging", "out", "docs", "wheels"), name
        assert "__pycache__" not in name and not Path(name).name.startswith("."), name
    # Wheels for one platform are 98 MB; with them the zip must stay below 120.
    assert path.stat().st_size < 20e6


def test_the_builders_refusal_is_told(tmp_path, monkeypatch):
    import build_zip

    def broken(folder, wheels, platforms):
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "blender_manifest.toml").write_text('schema_version = "1.0.0"\nid = "semblance"\n')

    monkeypatch.setattr(build_zip, "copy", broken)
    with pytest.raises(SystemExit, match="Blender's builder refused"):
        build_zip.build("linux-x64", [], tmp_path)


def test_a_link_is_renewed_but_an_installed_copy_is_left_alone(tmp_path):
    from staging import copy, link

    folder = tmp_path / "semblance"
    for _ in range(2):
        link(folder, [], ["linux-x64"])
        assert (folder / "addon").resolve() == ROOT / "addon"
    copy(tmp_path / "installed", [], ["linux-x64"])
    with pytest.raises(SystemExit, match="remove it"):
        link(tmp_path / "installed", [], ["linux-x64"])
    assert not (tmp_path / "installed" / "addon").is_symlink()


def test_a_wheel_that_is_not_the_locked_one_is_refused(tmp_path, monkeypatch):
    import fetch_wheels
    from wheel_lock import Wheel

    monkeypatch.setattr(fetch_wheels, "WHEELS", tmp_path)
    (tmp_path / "x-1.0-py3-none-any.whl").write_bytes(b"forged")
    monkeypatch.setattr(fetch_wheels, "_download", lambda wheel: None)
    with pytest.raises(SystemExit, match="is not the file"):
        fetch_wheels.fetch([Wheel("x", "1.0", "x-1.0-py3-none-any.whl", "0" * 64, ("linux-x64",), "")])


def test_dev_install_says_what_to_do_without_blender():
    ended = subprocess.run(
        [sys.executable, "packaging/dev_install.py", "--blender", "/nowhere/blender"], cwd=ROOT, capture_output=True,
        text=True,
    )
    assert ended.returncode == 1 and "BLENDER=/path/to/blender" in ended.stderr and "Traceback" not in ended.stderr


def test_dev_install_links_and_enables_where_the_wheels_are_here(tmp_path):
    from wheel_lock import WHEELS, read_lock

    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not all((WHEELS / w.file).is_file() for w in read_lock() if w.runs_on("linux-x64", python)):
        pytest.skip("the wheels are not in wheels/ (packaging/fetch_wheels.py gets them)")
    ended = subprocess.run(
        [sys.executable, "packaging/dev_install.py", "--blender", sys.executable], cwd=ROOT, capture_output=True,
        text=True, env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path)}, timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Semblance is linked into Blender" in ended.stdout
    assert (tmp_path / "extensions" / "user_default" / "semblance" / "addon").resolve() == ROOT / "addon"
    installed = list((tmp_path / "extensions" / ".local").rglob("onnxruntime/__init__.py"))
    assert len(installed) == 1, "Blender did not install the wheels"
