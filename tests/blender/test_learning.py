"""Learning a rig in Blender: from pictures of a face whose controls' names say nothing to controls that follow."""
from __future__ import annotations

import shutil
from dataclasses import replace
from math import pi
from pathlib import Path

import bpy
import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from addon.blender import learning
from addon.blender.face_points import FacePoints
from addon.blender.learning import Lesson, learn
from addon.blender.portrait import Portrait
from addon.blender.rig_portrait import RigPortrait
from addon.characters.learned_rig import LearnedDecoder
from addon.characters.named_expressions import EXPRESSIONS
from addon.core.control_set import SIGNALS, Control, ControlSet, ShapeKey
from addon.core.errors import SemblanceError
from addon.core.rig_profile import RigProfile, find_profile

from .conftest import build_mesh

FOLLOWS = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "headYaw")


def nameless(profile: RigProfile, signals: tuple[str, ...]) -> RigProfile:
    """Some controls of one of our characters as a rig of the user's own, with names and meanings taken away; and one
    that the rig does not have.
    """
    known = {next(iter(c.meaning)): c for c in profile.control_set.controls if len(c.meaning) == 1}
    controls = tuple(
        replace(known[signal], name=f"q{i}", pair=f"q{i}", group="", meaning={}, mirror_sign=1)
        for i, signal in enumerate(signals)
    )
    gone = Control("gone", ShapeKey(("Hat",), "gone"), 0, 1, 0, "", "gone", 1)
    return replace(profile, name="Own", blend=None, control_set=ControlSet((*controls, gone)))


@pytest.fixture(scope="module")
def mora() -> RigProfile:
    return find_profile("mora")


@pytest.fixture(scope="module")
def lesson(mora: RigProfile, tmp_path_factory) -> tuple[Lesson, RigProfile, list[tuple[int, int]], bytes, bytes]:
    """Mora learned as if nobody knew her, once, with few pictures."""
    own, file, told = nameless(mora, FOLLOWS), tmp_path_factory.mktemp("own") / "own.blend", []
    shutil.copy(mora.blend, file)
    before, patch = file.read_bytes(), pytest.MonkeyPatch()
    patch.setattr(learning, "_SHEET", ("Smile left",))
    patch.setattr(learning, "_SIGNALS", EXPRESSIONS["Smile left"][None])
    patch.setattr(learning, "_FEW", 10)
    found = learn(own, file, "", np.ones(len(own.control_set), bool), lambda done, total: told.append((done, total)),
                  held_out=10)
    patch.undo()
    return found, own, told, before, file.read_bytes()


def test_each_control_follows_what_it_does_and_sides_stay_apart(lesson):
    found, own, *_ = lesson
    decoder = LearnedDecoder(own.control_set, found.rig)
    for column, signal in enumerate(FOLLOWS):
        face = np.zeros(len(SIGNALS), np.float32)
        face[SIGNALS.index(signal)] = 0.3 if signal == "headYaw" else 1.0
        shares = own.control_set.shares(decoder.values(face))
        assert shares[column] > 0.2, (signal, shares)
        assert np.abs(np.delete(shares, column)).max() < 0.5 * shares[column], (signal, shares)


def test_it_is_told_how_far_it_is_how_well_it_went_and_the_file_stays_as_it_was(lesson):
    found, _, told, before, after = lesson
    assert before == after and told[-1][0] == told[-1][1] and sorted(told) == told
    assert found.pictures == 1 + 6 + 10 and found.rig.faults == ()
    assert np.nanmean(found.rig.quality) > 0.3
    assert found.rig.learned.tolist() == [True] * 5 + [False] and "no object 'Hat'" in " ".join(found.notes)
    (name, performer, own_face), = found.pairs
    assert name == "Smile left" and performer.shape == own_face.shape == (256, 256, 3)
    assert np.abs(performer.astype(int) - own_face).mean() < 12, "the same face makes the same smile"


def test_points_of_the_face_go_where_its_meshes_go(mora: RigProfile):
    with Portrait(mora, 256) as portrait:
        neutral = mora.control_set.neutral
        face = learning._Reader().settle(portrait.take(neutral))
        points = FacePoints(portrait, face.landmarks, 256)
        assert np.abs(points.movement(neutral)).max() < 1e-5
        opened = neutral.copy()
        opened[mora.control_set.names.index("jawOpen")] = 1
        moved = points.movement(opened)
        chin, forehead, left_corner, right_corner = moved[152], moved[10], moved[291], moved[61]
        assert chin[1] < -0.1 and abs(forehead[1]) < 0.02
        assert left_corner[1] < -0.01 and abs(left_corner[1] - right_corner[1]) < 0.05


def test_a_rig_is_drawn_alone_at_rest_and_from_its_front_in_its_own_colours(mora: RigProfile, tmp_path: Path):
    reader = learning._Reader()
    with Portrait(mora, 128) as portrait:
        expected = portrait.take(mora.control_set.neutral)
    bpy.ops.wm.open_mainfile(filepath=str(mora.blend))
    scene = bpy.context.scene
    root = scene.objects[mora.armature]
    root.rotation_euler[2] += pi / 2
    root.animation_data_create().action = action = bpy.data.actions.new("Turning")
    wall = build_mesh("Wall", ())
    wall.location, wall.scale = (0, -0.5, 0), (99, 99, 99)
    scene.render.use_border = True
    for bone in root.pose.bones:
        bone.location = (0.1, 0, 0)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "own.blend"))
    assert action.users
    with RigPortrait(nameless(mora, FOLLOWS), 128, tmp_path / "own.blend", root.name, reader.detect) as portrait:
        picture = portrait.take(portrait.binding.profile.control_set.neutral)
        assert portrait.binding.root.animation_data.action is None
    assert reader.detect(picture) > 0.8
    assert np.abs(picture.astype(int) - expected).mean() < 12


@pytest.mark.parametrize(("root", "told"), [
    ("", "No face is found in pictures of this rig; pose it for some expressions"),
    ("Nobody", "The scene has no object 'Nobody'"),
])
def test_what_has_no_face_is_refused_and_key_poses_are_offered(root, told, tmp_path: Path):
    build_mesh("Thing", ("one", "two"))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "thing.blend"))
    controls = ControlSet(tuple(Control(key, ShapeKey(("Thing",), key), 0, 1, 0, "", key, 1) for key in ("one", "two")))
    with pytest.raises(SemblanceError, match=told):
        learn(RigProfile("Thing", "", None, "", controls, Path("thing.toml")), tmp_path / "thing.blend", root,
              np.ones(2, bool), lambda *_: None)
