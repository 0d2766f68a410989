"""The zip in a Blender with throw-away settings: the installed copy works, and a Blender that it is not for says so."""
from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_installed_used_upgraded_with_settings_kept_and_removed(tmp_path, zip_here):
    from check_zip import check

    found = check([sys.executable], tmp_path, zip_here)
    assert found["python"] == "{}.{}".format(*sys.version_info[:2]) and found["keys"] > 1000


@pytest.mark.parametrize(("wheel", "oldest", "sentence"), [
    ("x-1.0-cp39-cp39-manylinux_2_28_x86_64.whl", "4.5.0", "python version"),
    ("", "99.0.0", "99.0"),
])
def test_a_blender_that_it_is_not_for_says_why(tmp_path, wheel, oldest, sentence):
    """Python without wheels here; a Blender that is too old. The sentences are Blender's own."""
    pytest.importorskip("bpy")
    from blender_process import ask

    manifest = (ROOT / "blender_manifest.toml").read_text().split("wheels = [")[0].replace("4.5.0", oldest)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as made:
        made.writestr("blender_manifest.toml", manifest + (f'wheels = ["./wheels/{wheel}"]' if wheel else ""))
        made.writestr("__init__.py", "def register():\n    raise RuntimeError('should not be enabled')\n")
        if wheel:
            made.writestr(f"wheels/{wheel}", b"")
    said = ask([sys.executable], "refused", folder=tmp_path, seconds=120, zip=str(tmp_path / "other.zip"),
               environment={"BLENDER_USER_RESOURCES": str(tmp_path / "user"), "HOME": str(tmp_path)})
    assert sentence in said["sentence"].lower() and not said["is_enabled"], said
