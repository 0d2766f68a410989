"""Key poses: shares of controls become rig units, and a wrong file is told in one sentence."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.control_set import BoneChannel, Control, ControlSet
from addon.core.errors import SemblanceError
from addon.core.key_poses import CLASSES, read_key_poses, without_side
from addon.core.rig_profile import RigProfile, read_profile, shipped_files

POSE = '[[pose]]\nclass = "joy"\nname = "grin"\n'


def control(name: str, pair: str, low: float, high: float, neutral: float = 0.0, sign: float = 1.0) -> Control:
    return Control(name, BoneChannel(name, "location", 1), low, high, neutral, "mouth", pair, sign)


@pytest.fixture
def profile(tmp_path: Path) -> RigProfile:
    controls = ControlSet((
        control("corner.L", "corner.R", -0.1, 0.2), control("corner.R", "corner.L", -0.1, 0.2),
        control("out Left", "out Right", 0.0, 0.5, sign=-1), control("out Right", "out Left", -0.5, 0.0, sign=-1),
        control("jaw", "jaw", 0.0, 1.0, neutral=0.25),
    ))
    return RigProfile("Test", "", tmp_path / "test.blend", "Test", controls, tmp_path / "profile.toml")


def write(profile: RigProfile, text: str) -> RigProfile:
    (profile.path.parent / "poses.toml").write_text(text, encoding="utf-8")
    return profile


def test_shares_become_rig_units(profile):
    poses = read_key_poses(write(profile, f'schema = 1\n{POSE}controls = {{ corner = 0.5, "out" = 1, jaw = -1 }}'))
    assert poses.classes == ("joy",) and poses.names == ("grin",)
    np.testing.assert_allclose(poses.values, [[0.1, 0.1, 0.5, -0.5, 0.0]], atol=1e-6)
    np.testing.assert_allclose(poses.of_class("joy"), poses.values)
    assert len(poses.of_class("fear")) == 0


@pytest.mark.parametrize("controls", ['{ "corner.R" = -1, corner = 1 }', '{ corner = 1, "corner.R" = -1 }'])
def test_a_sides_own_entry_wins(profile, controls):
    poses = read_key_poses(write(profile, f"schema = 1\n{POSE}controls = {controls}"))
    np.testing.assert_allclose(poses.values[0, :2], [0.2, -0.1], atol=1e-6)


@pytest.mark.parametrize("text, said", [
    ("", "schema None"), ("schema = 2", "schema 2"), ("schema = 1", "pose"), ("schema = [", "TOML"),
    ("schema = 1\npose = [3]", "pose 1"),
    ('schema = 1\n[[pose]]\nclass = "bliss"\nname = "a"\ncontrols = {}', "bliss"),
    (f"schema = 1\n{POSE}controls = {{ nose = 1 }}", "'nose'"),
    (f"schema = 1\n{POSE}controls = {{ jaw = 1.5 }}", "'jaw'"),
    (f"schema = 1\n{POSE}controls = {{ jaw = nan }}", "'jaw'"),
    (f"schema = 1\n{POSE}controls = 3", "grin"),
])
def test_wrong_files_are_told_in_one_sentence(profile, text, said):
    with pytest.raises(SemblanceError, match="poses.toml") as caught:
        read_key_poses(write(profile, text))
    assert said in str(caught.value)


def test_no_file(profile):
    with pytest.raises(SemblanceError, match="has no key poses"):
        read_key_poses(profile)


@given(st.text(max_size=200))
def test_any_text_is_poses_or_a_sentence(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("poses")
    (folder / "poses.toml").write_text(text, encoding="utf-8", errors="replace")
    controls = ControlSet((control("jaw", "jaw", 0.0, 1.0),))
    with pytest.raises(SemblanceError):
        read_key_poses(RigProfile("Test", "", folder / "a.blend", "Test", controls, folder / "profile.toml"))


@pytest.mark.parametrize("name, plain", [
    ("brow.L", "brow"), ("browDownRight", "browDown"), ("Lip Corner Raise Left", "Lip Corner Raise"),
    ("lip.T.L.001", "lip.T.001"), ("jawOpen", "jawOpen"), ("CTRL_L_brow", "CTRL_brow"), ("mouthLeft", "mouth"),
    ("eye_L_x", "eye_x"), ("LidUpper", "LidUpper"),
])
def test_names_without_sides(name, plain):
    assert without_side(name) == plain


@pytest.mark.parametrize("profile", list(map(read_profile, shipped_files())), ids=lambda profile: profile.name)
def test_shipped_characters_have_ten_poses_of_each_class(profile):
    poses, controls = read_key_poses(profile), profile.control_set
    assert all(poses.classes.count(name) == 10 for name in CLASSES)
    assert len(set(poses.names)) == len(poses.names) == 70
    assert (poses.values >= controls.minimum - 1e-6).all() and (poses.values <= controls.maximum + 1e-6).all()
    scaled = controls.scaled(poses.values)
    apart = np.abs(scaled[:, None] - scaled[None]).max(axis=2)[np.triu_indices(70, 1)]
    assert apart.min() > 0.05, "two poses are the same"
