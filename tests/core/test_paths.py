"""Presets are found where each system's Blender keeps the files of its extensions."""
from __future__ import annotations

import sys
from pathlib import Path

import pytest

from addon.core.errors import SemblanceError
from addon.core.paths import preset_folders, user_folder
from addon.core.rig_profile import find_profile, read_presets

PRESET = """
schema = 1
name = "{name}"
armature = ""
[[control]]
name = "jaw"
mesh = "Head"
shape_key = "jawOpen"
minimum = 0
maximum = 1
"""


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home without Blender, and an environment that names no folders."""
    for name in ("BLENDER_USER_EXTENSIONS", "BLENDER_USER_RESOURCES", "XDG_CONFIG_HOME", "APPDATA",
                 "SEMBLANCE_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


def save(extensions: Path, name: str, repository: str = "user_default") -> Path:
    folder = extensions / ".user" / repository / "semblance" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(PRESET.format(name=name))
    return folder


@pytest.mark.parametrize(("system", "base"), [
    ("linux", ".config/blender"), ("darwin", "Library/Application Support/Blender"),
    ("win32", "Blender Foundation/Blender"),
])
def test_each_system_has_its_folder_and_newer_blenders_come_first(home, monkeypatch, system, base):
    monkeypatch.setattr(sys, "platform", system)
    assert preset_folders() == []
    folders = [save(home / base / version / "extensions", "Ann") for version in ("4.5", "10.0", "5.2")]
    (home / base / "notes").mkdir()
    assert preset_folders() == [folders[1], folders[2], folders[0]]


def test_the_environment_names_other_folders(home, monkeypatch):
    own = save(home / "own", "Ann")
    resources = save(home / "resources" / "extensions", "Ann", "blender_org")
    monkeypatch.setenv("BLENDER_USER_RESOURCES", str(home / "resources"))
    assert preset_folders() == [resources]
    monkeypatch.setenv("BLENDER_USER_EXTENSIONS", str(home / "own"))
    assert preset_folders() == [own]


def test_presets_are_characters_by_name_after_the_shipped_ones(home, monkeypatch):
    folder = save(home / "own", "Ann Other")
    save(home / "own", "Pip")
    (folder / "broken.toml").write_text("[")
    monkeypatch.setenv("BLENDER_USER_EXTENSIONS", str(home / "own"))
    assert find_profile("ann other").path == folder / "Ann Other.toml"
    assert find_profile("Pip").blend is not None
    with pytest.raises(SemblanceError, match=r"no character 'Nobody'.*Pip.*Ann Other.*broken\.toml"):
        find_profile("Nobody")
    presets, unread = read_presets([folder, home / "nowhere"])
    assert [preset.name for preset in presets] == ["Ann Other", "Pip"] and len(unread) == 1


@pytest.mark.parametrize(("platform", "place"), [
    ("linux", ".config/semblance"), ("darwin", "Library/Application Support/Semblance"), ("win32", "Semblance"),
])
def test_what_is_learned_of_the_user_has_its_place(home, monkeypatch, platform, place) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert user_folder() == home / place
    monkeypatch.setenv("SEMBLANCE_USER", str(home / "own"))
    assert user_folder() == home / "own"
