"""A copy of the user's files: it comes back whole, replaces nothing, and leads nowhere else."""
from __future__ import annotations

import zipfile
from pathlib import Path

import bpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

FILES = {"presets/Hero.toml": b"hero", "presets/Hero.learned.npz": bytes(range(256)), "performers/Ann.json": b"{}",
         "calibration/maestro_head/head-007.toml": b"limits"}


@pytest.fixture
def kept(extension, tmp_path, monkeypatch):
    """The module, and a user who has files."""
    home = tmp_path / "home"
    monkeypatch.setenv("SEMBLANCE_USER", str(home))
    for name, data in (FILES | {"takes/clip.take": b"large"}).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(data)
    return extension("blender.user_files"), home


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_kept_comes_back_to_another_computer_and_replaces_nothing(kept, tmp_path, monkeypatch):
    zip_path, other = str(tmp_path / "mine.zip"), tmp_path / "other"
    assert bpy.ops.semblance.user_files_keep("EXEC_DEFAULT", filepath=zip_path) == {"FINISHED"}
    (other / "presets").mkdir(parents=True)
    (other / "presets" / "Hero.toml").write_bytes(b"newer")
    monkeypatch.setenv("SEMBLANCE_USER", str(other))
    assert bpy.ops.semblance.user_files_bring_back("EXEC_DEFAULT", filepath=zip_path) == {"FINISHED"}
    assert contents(other) == FILES | {"presets/Hero.toml": b"newer"}


def test_nothing_to_keep_is_said_and_no_zip_is_written(kept, tmp_path):
    module, _ = kept
    with pytest.raises(Exception, match="nothing to keep"):
        module.pack(tmp_path / "empty", tmp_path / "none.zip")
    assert not (tmp_path / "none.zip").exists()


@pytest.mark.parametrize("name", [
    "../evil", "/etc/evil", "presets/../../evil", "takes/x.take", "presets", "C:\\x\\evil", "presets/..\\..\\evil",
])
def test_a_zip_that_leads_elsewhere_is_refused_whole(kept, tmp_path, name):
    module, home = kept
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("presets/Good.toml", b"good")
        archive.writestr(name, b"evil")
    before = contents(tmp_path)
    with pytest.raises(Exception, match="Keep a Copy of My Files"):
        module.unpack(tmp_path / "evil.zip", home)
    assert contents(tmp_path) == before


def test_damaged_bytes_are_one_sentence(kept, tmp_path):
    module, home = kept
    path = tmp_path / "mine.zip"
    module.pack(home, path)
    whole, before = path.read_bytes(), contents(home)

    @given(st.integers(0, len(whole) - 1), st.integers(1, 255), st.booleans())
    def damage(at: int, change: int, cut: bool) -> None:
        data = bytearray(whole[:at] if cut else whole)
        if not cut:
            data[at] ^= change
        path.write_bytes(data)
        try:
            module.unpack(path, home / "elsewhere")
        except module.SemblanceError as told:
            assert str(told).endswith(".")

    damage()
    assert {name: data for name, data in contents(home).items() if not name.startswith("elsewhere")} == before
