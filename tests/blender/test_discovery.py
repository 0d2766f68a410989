"""What is found on foreign rigs."""
from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mathutils import Vector

from addon.blender.binding import bind
from addon.blender.discovery import Proposal, propose
from addon.characters.decoder import load_decoder
from addon.core import coefficients
from addon.core.control_set import BoneChannel, Control, ControlSet, ShapeKey
from addon.core.errors import SemblanceError
from addon.core.frames import Expression
from addon.core.rig_profile import read_profile, write_profile

HALVES = {"browInnerUp": ("browInnerUpLeft", "browInnerUpRight"), "cheekPuff": ("cheekPuffLeft", "cheekPuffRight")}


def face_mesh(name: str, keys: list[str], parent: bpy.types.Object | None = None) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    item = bpy.data.objects.new(name, mesh)
    item.parent = parent
    bpy.context.scene.collection.objects.link(item)
    for key in ["Basis", *keys]:
        item.shape_key_add(name=key).value = 0.0  # from 5.2 on a new key is shown in full
    return item


def skeleton(name: str, heads: dict[str, Sequence[float]], up: Sequence[float] = (0, 0, 0.2)) -> bpy.types.Object:
    """An armature object with bones at `heads`, all of them along `up`."""
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, head in heads.items():
        new = armature.data.edit_bones.new(bone)
        new.head, new.tail = head, Vector(head) + Vector(up)
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def an_expression(shapes: np.ndarray, head: Sequence[float] = (0, 0, 0)) -> Expression:
    return Expression(
        0.0, shapes, np.zeros(128, np.float32), np.zeros((2, 2), np.float32), np.array(head, np.float32), 1.0
    )


def pose(proposal: Proposal, head: Sequence[float] = (0, 0, 0), **face: float) -> None:
    """Let the proposal's character make a face; a name without its side sets both."""
    shapes = np.zeros(coefficients.COUNT, np.float32)
    for name, value in face.items():
        for half in (name,) if name in coefficients.INDEX else (name + "Left", name + "Right"):
            shapes[coefficients.INDEX[half]] = value
    binding = bind(proposal.profile, bpy.context.scene)
    assert binding.missing == ()
    binding.write(load_decoder(proposal.profile).decode_one(an_expression(shapes, head)).values)
    bpy.context.view_layer.update()


def bone_controls(proposal: Proposal) -> list[Control]:
    return [c for c in proposal.profile.control_set.controls if isinstance(c.target, BoneChannel)]


def proposed(*items: bpy.types.Object) -> Proposal:
    return propose(items, bpy.context.scene)


def meanings(proposal: Proposal) -> dict[str, dict[str, float]]:
    return {c.name: dict(c.meaning) for c in proposal.profile.control_set.controls}


@pytest.fixture(params=["import_scene.fbx", "wm.fbx_import"])
def facecap(request, shared: Path, empty_scene) -> bpy.types.Object:
    module, operator = request.param.split(".")
    path = shared / "data" / "facecap_head" / "live_mode_avatar.fbx"
    getattr(getattr(bpy.ops, module), operator)(filepath=str(path))
    return bpy.data.objects["Armature"]


def test_all_51_shapes_of_the_facecap_head_are_found_and_meant(facecap):
    for selected in (facecap, bpy.data.objects["Head"]):
        proposal = proposed(selected)
        assert proposal.layout == "ARKit shape keys" and proposal.profile.armature == "Armature"
        shapes = [c for c in proposal.profile.control_set.controls if isinstance(c.target, ShapeKey)]
        assert len(shapes) == 51 and all(c.enabled and c.target.meshes == ("Head",) for c in shapes)
        for control in shapes:
            arkit = control.name.replace("_L", "Left").replace("_R", "Right")
            halves = HALVES.get(arkit, (arkit,))
            assert dict(control.meaning) == {half: 1 / len(halves) for half in halves}
            swapped = control.name[:-1] + {"L": "R", "R": "L"}.get(control.name[-1], control.name[-1])
            assert control.pair == {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight",
                                    "mouthRight": "mouthLeft"}.get(control.name, swapped)
        assert {n for c in shapes for n in c.meaning} == set(coefficients.NAMES) - {"tongueOut"}


def test_the_facecap_heads_own_bones_turn_head_and_eyes(facecap):
    """Its eyeLook keys move the lids only, so the eye bones have to look as well."""
    proposal = proposed(facecap)
    assert {c.target.bone for c in proposal.profile.control_set.controls if isinstance(c.target, BoneChannel)} == {
        "Head_Joint", "LeftEye_Joint", "RightEye_Joint"}
    assert all(c.enabled for c in proposal.profile.control_set.controls)
    head, eye = (facecap.pose.bones[name] for name in ("Head_Joint", "LeftEye_Joint"))
    to_world = facecap.matrix_world.to_quaternion()

    def facing(bone: bpy.types.PoseBone) -> Vector:
        """Where what looked along -Y at rest looks now, in the world: x to the character's left, z up."""
        turned = bone.matrix.to_quaternion() @ bone.bone.matrix_local.to_quaternion().inverted()
        return (to_world @ turned @ to_world.inverted()) @ Vector((0, -1, 0))

    pose(proposal, head=(0.4, 0, 0))
    np.testing.assert_allclose(facing(head), (np.sin(0.4), -np.cos(0.4), 0), atol=0.02)
    pose(proposal, head=(0, 0.3, 0))
    np.testing.assert_allclose(facing(head), (0, -np.cos(0.3), np.sin(0.3)), atol=0.02)
    pose(proposal, eyeLookOutLeft=1, eyeLookInRight=1)
    np.testing.assert_allclose(facing(eye), (np.sin(0.6), -np.cos(0.6), 0), atol=0.02)
    pose(proposal, eyeLookDown=1)
    np.testing.assert_allclose(facing(eye), (0, -np.cos(0.61), -np.sin(0.61)), atol=0.02)


def test_eye_bones_stay_still_where_keys_turn_the_eyes(empty_scene):
    armature = skeleton("Rig", {"head": (0, 0, 1), "eye.L": (0.3, -0.5, 1.5), "eye.R": (-0.3, -0.5, 1.5)})
    keys = [f"eyeLook{way}{side}" for way in ("Up", "Down", "In", "Out") for side in ("Left", "Right")]
    face = face_mesh("Face", [*keys, "jawOpen"], armature)
    gaze = [c for c in proposed(armature).profile.control_set.controls if isinstance(c.target, BoneChannel)]
    assert {c.target.bone for c in gaze if c.enabled} == {"head"}
    assert {c.target.bone for c in gaze if not c.enabled} == {"eye.L", "eye.R"} and all(c.meaning for c in gaze)
    group = face.vertex_groups.new(name="eye.L")
    group.add([0, 1, 2], 1.0, "REPLACE")
    face.vertex_groups.new(name="eye.R").add([], 1.0, "REPLACE")
    for name in keys:
        for point in face.data.shape_keys.key_blocks[name].data:
            point.co.z += 0.1
    assert {c.target.bone for c in bone_controls(proposed(armature)) if c.enabled} == {"head"}, "keys turn them"
    for name in keys:
        for point in face.data.shape_keys.key_blocks[name].data:
            point.co.z -= 0.1
    assert {c.target.bone for c in bone_controls(proposed(armature)) if c.enabled} == {"head", "eye.L"}


RIGIFY = """
import os, sys, bpy, addon_utils
bpy.ops.wm.read_homefile(use_empty=True)
addon_utils.enable("rigify", default_set=True)
metarig = bpy.data.objects.new("metarig", bpy.data.armatures.new("metarig"))
bpy.context.scene.collection.objects.link(metarig)
bpy.context.view_layer.objects.active = metarig
metarig.data.collections.new("Face").rigify_ui_row = 1
bpy.ops.object.mode_set(mode="EDIT")
bpy.ops.armature.metarig_sample_add(metarig_type="faces.super_face")
bpy.ops.object.mode_set(mode="POSE")
if sys.argv[1] == "new":
    bpy.ops.pose.rigify_upgrade_face()
    bpy.ops.object.mode_set(mode="POSE")
bpy.ops.pose.rigify_generate()
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2])
sys.stdout.flush()
os._exit(0)  # Blender 4.5 as a module hangs after Rigify has worked
"""


@pytest.fixture(scope="module")
def rigify_files(tmp_path_factory) -> dict[str, Path]:
    """A face made by Blender's own add-on, as it was and as "Upgrade Face Rig" makes it."""
    folder = tmp_path_factory.mktemp("rigify")
    files = {kind: folder / f"{kind}.blend" for kind in ("old", "new")}
    for kind, path in files.items():
        command = [sys.executable, "-c", RIGIFY, kind, str(path)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if not path.is_file():
            pytest.fail(f"Rigify made no face: {run.stderr[-2000:]}")
    return files


@pytest.fixture(params=["old", "new"])
def rigify(request, rigify_files) -> bpy.types.Object:
    bpy.ops.wm.open_mainfile(filepath=str(rigify_files[request.param]))
    return bpy.data.objects["rig"]


def test_a_rigify_face_is_known_and_works_at_once(rigify):
    proposal = proposed(rigify)
    assert proposal.layout == "Rigify face" and proposal.notes == ()
    shown = {s for c in proposal.profile.control_set.controls if c.enabled for s in c.meaning}
    assert shown == set(coefficients.NAMES)
    sides = [c for c in proposal.profile.control_set.controls if ".L" in c.target.bone and c.meaning]
    assert len(sides) > 20 and all(c.pair == c.name.replace(".L", ".R") for c in sides)


def test_the_rigify_face_makes_the_faces_that_are_meant(rigify):
    """Measured on the bones that deform the mesh, after all of Rigify's constraints."""
    proposal = proposed(rigify)
    corner = "lip_end.{}.001" if "lip_end.L.001" in rigify.pose.bones else "lips.{}"
    points = {
        "corner": corner, "upper lid": "lid.T.{}.002", "lower lid": "lid.B.{}.002", "brow": "brow.T.{}.003",
        "outer brow": "brow.T.{}.001", "chin": "chin", "upper lip": "lip.T", "lower lip": "lip.B", "eye": "eye.{}",
        "cheek": "cheek.B.{}.001",
    }

    def places(**face: float) -> Callable[[str, str], np.ndarray]:
        pose(proposal, **face)
        here = {bone.name: np.array(bone.matrix.translation) for bone in rigify.pose.bones}
        return lambda point, side="L": here[points[point].format(side)]

    rest = places()
    opening = {side: rest("upper lid", side)[2] - rest("lower lid", side)[2] for side in "LR"}
    width = rest("corner", "L")[0] - rest("corner", "R")[0]
    gap = rest("upper lip")[2] - rest("lower lip")[2]

    smile = places(mouthSmileLeft=1)
    assert smile("corner", "L")[2] - rest("corner", "L")[2] > 0.1 * width, "the left corner rises"
    assert smile("corner", "L")[0] - rest("corner", "L")[0] > 0.05 * width, "and goes outwards"
    np.testing.assert_allclose(smile("corner", "R"), rest("corner", "R"), atol=0.01 * width)
    assert places(mouthFrown=1)("corner", "R")[2] < rest("corner", "R")[2] - 0.1 * width

    jaw = places(jawOpen=1)
    assert jaw("chin")[2] < rest("chin")[2] - 0.2 * width
    assert jaw("upper lip")[2] - jaw("lower lip")[2] > gap + 0.3 * width
    closed = places(jawOpen=1, mouthClose=1)
    assert abs(closed("upper lip")[2] - closed("lower lip")[2] - gap) < 0.1 * width
    assert closed("chin")[2] < rest("chin")[2] - 0.2 * width, "the jaw stays open behind shut lips"

    wink = places(eyeBlinkRight=1)
    assert abs(wink("upper lid", "R")[2] - wink("lower lid", "R")[2]) < 0.15 * opening["R"]
    assert wink("upper lid", "L")[2] - wink("lower lid", "L")[2] == pytest.approx(opening["L"], rel=0.02)
    wide = places(eyeWide=1)
    assert wide("upper lid", "L")[2] - wide("lower lid", "L")[2] > 1.2 * opening["L"]

    brows = places(browInnerUp=1)
    for side in "LR":
        assert brows("brow", side)[2] - rest("brow", side)[2] > 0.1 * width
        assert abs(brows("outer brow", side)[2] - rest("outer brow", side)[2]) < 0.05 * width
    look = places(eyeLookOutLeft=1, eyeLookInRight=1)
    assert all(look("eye", side)[0] > rest("eye", side)[0] + 0.8 * width for side in "LR"), "both to the same side"
    assert all(places(eyeLookUp=1)("eye", side)[2] > rest("eye", side)[2] + 0.6 * width for side in "LR")
    assert places(cheekPuff=1)("cheek", "R")[0] < rest("cheek", "R")[0] - 0.05 * width


def test_mirrored_faces_are_mirrored_on_the_rigify_bones(rigify):
    proposal = proposed(rigify)
    controls = proposal.profile.control_set
    rng = np.random.default_rng(3)
    shapes = rng.random(coefficients.COUNT).astype(np.float32)
    decoder = load_decoder(proposal.profile)
    values, mirrored = (decoder.decode_one(an_expression(s)).values for s in (shapes, shapes[coefficients.MIRROR]))
    # Rigify's own sample face is not quite symmetric.
    assert (np.abs(controls.mirrored(values) - mirrored) / (controls.maximum - controls.minimum)).max() < 0.01


def odd_spellings() -> list[Callable[[str], str]]:
    """Ways to write an ARKit name as exporters and riggers do."""
    def side(pattern: str, base: Callable[[str], str] = str) -> Callable[[str], str]:
        def spell(name: str) -> str:
            for long in ("Left", "Right"):
                if name.endswith(long):
                    return pattern.format(base(name.removesuffix(long)), long, long[0], long[0].lower())
            return pattern.partition("{0}")[0].replace("{2}_", "") + base(name)
        return spell

    def snake(name: str) -> str:
        return "".join("_" + c.lower() if c.isupper() else c for c in name)

    return [
        lambda name: name[0].upper() + name[1:], snake, lambda name: snake(name).replace("_", " ").upper(),
        side("{0}_{2}"), side("{0}.{3}"), side("{0}-{3}"), side("{2}_{0}"), side("face_{0}_{1}"),
        side("{0}{1}", str.lower), side("blendShape1.{0}_{2}"), side("ARKit_{0}{1}"), side("Head.{0}_{2}", snake),
        str.lower,
    ]


@pytest.mark.parametrize("spell", odd_spellings())
def test_an_arkit_mesh_with_odd_spelling_is_read_shape_by_shape(spell):
    names = {spell(arkit): arkit for arkit in dict.fromkeys(coefficients.ARKIT_OF)}
    assert len(names) == 52
    proposal = proposed(face_mesh("Hero", [*names, "JawOpenHelper_corrective", "Body Fat"]))
    assert proposal.layout == "ARKit shape keys" and proposal.profile.armature == ""
    found = meanings(proposal)
    assert "JawOpenHelper_corrective" not in found and found.pop("Body Fat") == {}
    for name, arkit in names.items():
        halves = HALVES.get(arkit, (arkit,))
        assert found[name] == {half: 1 / len(halves) for half in halves}, name
    pose(proposal, mouthSmileLeft=0.7, browInnerUp=0.5)
    keys = bpy.data.objects["Hero"].data.shape_keys.key_blocks
    lifted = {names[key.name]: round(key.value, 5) for key in keys if key.value > 0}
    assert lifted == {"mouthSmileLeft": 0.7, "browInnerUp": 0.5}


def test_a_face_is_all_meshes_that_share_its_keys_but_not_another_character(empty_scene):
    armature = skeleton("Ann", {"head": (0, 0, 1)})
    face = face_mesh("Face", ["jawOpen", "eyeBlink_L", "eyeBlink_R", "smile"], armature)
    lashes = face_mesh("Lashes", ["eyeBlink_L", "eyeBlink_R"], armature)
    teeth = face_mesh("Teeth", ["JawOpen"], armature)
    bob = face_mesh("Bob", ["jawOpen"], skeleton("Bobs", {"head": (3, 0, 1)}))
    driven = lashes.data.shape_keys.key_blocks["eyeBlink_R"].driver_add("value").driver
    driven.expression = "0"
    for selected in (armature, face, teeth):
        proposal = proposed(selected)
        assert {c.name: c.target.meshes for c in proposal.profile.control_set.controls
                if isinstance(c.target, ShapeKey)} == {
            "jawOpen": ("Face",), "eyeBlink_L": ("Face", "Lashes"), "eyeBlink_R": ("Face",), "smile": ("Face",),
            "JawOpen": ("Teeth",)}
        assert "drivers set them: 1;" in proposal.notes[0]
    pose(proposed(face), jawOpen=0.5)
    assert teeth.data.shape_keys.key_blocks["JawOpen"].value == pytest.approx(0.5)
    assert bob.data.shape_keys.key_blocks["jawOpen"].value == 0
    with pytest.raises(SemblanceError, match="Select one character.*Ann.*Bobs"):
        proposed(face, bob)


def test_meshes_without_an_armature_belong_together_by_their_keys(empty_scene):
    face, lashes = face_mesh("Face", ["jawOpen", "eyeBlinkLeft"]), face_mesh("Lashes", ["eyeBlinkLeft"])
    face_mesh("Hat", ["wobble"])
    owners = {c.name: c.target.meshes for c in proposed(lashes).profile.control_set.controls}
    assert owners == {"jawOpen": ("Face",), "eyeBlinkLeft": ("Face", "Lashes")}
    assert proposed(face).profile.control_set == proposed(lashes).profile.control_set


def test_sliders_in_custom_properties(empty_scene):
    armature = skeleton("Uno", {"head": (0, 0, 1), "board": (0, 0, 2)})
    board = armature.pose.bones["board"]
    for name in ("Joy", "A", "Blink", "Angry"):
        board[name] = 0.0
    board["mouth wide"], board["hat size"], board["on"] = 2.0, 1, True
    board.id_properties_ui("mouth wide").update(min=0.0, max=10.0, soft_min=1.0, soft_max=5.0, default=2.0)
    board.id_properties_ui("hat size").update(min=0, max=3)
    armature["Sorrow"], armature["free"] = 0.0, 0.0
    armature.id_properties_ui("Sorrow").update(min=0.0, max=100.0)
    board["driven"] = 0.0
    board.id_properties_ui("driven").update(min=0.0, max=1.0)
    board.driver_add('["driven"]')
    proposal = proposed(armature)
    controls = {c.name: c for c in proposal.profile.control_set.controls}
    assert proposal.layout == "VRM"
    assert set(controls) - {f"head rotation {axis}" for axis in "XYZ"} == {
        "Joy", "A", "Blink", "Angry", "Sorrow", "mouth wide"}
    wide = controls["mouth wide"]
    assert (wide.minimum, wide.maximum, wide.neutral, wide.enabled, wide.group) == (1, 5, 2, False, "mouth")
    pose(proposal, mouthFrown=1.0)
    assert 60 < armature["Sorrow"] <= 100 and board["Joy"] == 0
    pose(proposal, jawOpen=0.5)
    assert 0.4 < board["A"] < 0.7 and armature["Sorrow"] == 0


def limited(
    armature: bpy.types.Object, bone: str, kind: str, space: str = "LOCAL", **limits: tuple[float, float]
) -> None:
    constraint = armature.pose.bones[bone].constraints.new(f"LIMIT_{kind}")
    constraint.owner_space = space
    for axis, (low, high) in limits.items():
        for switch in ("use_min_{}", "use_max_{}") if kind != "ROTATION" else ("use_limit_{}",):
            setattr(constraint, switch.format(axis), True)
        setattr(constraint, f"min_{axis}", low)
        setattr(constraint, f"max_{axis}", high)


def test_an_unknown_rig_lists_what_has_limits_and_what_is_unlocked(empty_scene):
    armature = skeleton("Blob", {"mouth.L": (1, 0, 0), "mouth.R": (-1, 0, 0), "Braue": (0, 0, 2), "rohr": (0, 0, 3),
                                 "kaputt": (0, 0, 4), "dreht": (0, 0, 5)})
    for side in "LR":
        limited(armature, f"mouth.{side}", "LOCATION", x=(-0.2, 0.5), y=(0, 0))
    limited(armature, "Braue", "ROTATION", z=(-0.4, 0.4))
    limited(armature, "Braue", "SCALE", y=(0.5, 1.5))
    limited(armature, "rohr", "LOCATION", space="WORLD", x=(-1, 1))
    limited(armature, "kaputt", "LOCATION", x=(float("nan"), 1), z=(0, 1))
    armature.pose.bones["dreht"].lock_location = armature.pose.bones["dreht"].lock_scale = (True, True, True)
    armature.pose.bones["dreht"].lock_rotation = (True, False, True)
    proposal = proposed(armature)
    controls = {c.name: c for c in proposal.profile.control_set.controls}
    assert proposal.layout == "generic" and not any(c.meaning for c in controls.values())
    mouth, scale, turn = (controls.pop(name) for name in ("mouth.L X", "Braue scale Y", "Braue rotation Z"))
    assert set(controls) == {"mouth.R X", "kaputt Z", "dreht rotation Y"}
    assert mouth.enabled and (mouth.minimum, mouth.maximum) == pytest.approx((-0.2, 0.5))
    assert (mouth.pair, mouth.mirror_sign) == ("mouth.R X", -1)
    assert scale.neutral == 1 and turn.mirror_sign == -1, "this bone's Z points forwards"
    assert not scale.enabled and not controls["dreht rotation Y"].enabled, "no part of a face by name"
    assert any("nan" in note and "kaputt" in note for note in proposal.notes)


def test_everything_driven_or_absolute_is_one_sentence_with_the_reason(empty_scene):
    face = face_mesh("Face", ["jawOpen", "smile_fix"])
    face.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    with pytest.raises(SemblanceError, match="'Face'.*drivers set them: 1.*correctives by their names: 1"):
        proposed(face)
    absolute = face_mesh("Morph", ["jawOpen"])
    absolute.data.shape_keys.use_relative = False
    with pytest.raises(SemblanceError, match="'Morph' are absolute"):
        proposed(absolute)
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    with pytest.raises(SemblanceError, match="Select the armature"):
        proposed(lamp)


ARP = {
    "c_eyebrow_01.l": (0.2, -0.1, 1.3), "c_eyebrow_02.l": (0.5, -0.05, 1.36), "c_eyebrow_03.l": (0.75, 0.1, 1.3),
    "c_eyelid_top.l": (0.5, -0.1, 1.1), "c_eyelid_bot.l": (0.5, -0.1, 0.9), "c_eye.l": (0.5, 0.1, 1.0),
    "c_eye_target.l": (0.5, -3.0, 1.0), "c_lips_smile.l": (0.4, -0.1, 0.0), "c_lips_top.x": (0, -0.25, 0.05),
    "c_lips_bot.x": (0, -0.25, -0.05), "c_jawbone.x": (0, 0.8, 0.5), "c_head.x": (0, 1, 0.4),
}


def test_an_auto_rig_like_face_moves_in_the_world_as_meant(empty_scene):
    """Bones point in all directions and the character stands turned by 30° in the scene."""
    places = ARP | {n[:-1] + "r": (-p[0], *p[1:]) for n, p in ARP.items() if n.endswith(".l")}
    armature = skeleton("Hero_rig", places, up=(0.07, -0.15, 0.1))
    armature.rotation_euler.z = np.pi / 6
    proposal = proposed(armature)
    assert proposal.layout == "Auto-Rig Pro"

    def shift(bone: str, **face: float) -> np.ndarray:
        pose(proposal, **face)
        moved = armature.pose.bones[bone]
        return np.array(moved.matrix.translation - moved.bone.head_local)

    width = 0.8
    assert shift("c_lips_smile.l", mouthSmileLeft=1)[2] > 0.15 * width
    assert shift("c_lips_smile.r", mouthSmile=1)[0] < -0.05 * width
    assert abs(shift("c_lips_smile.r", mouthSmileLeft=1)).max() < 1e-6
    upper, lower = (shift(f"c_eyelid_{part}.r", eyeBlink=1)[2] for part in ("top", "bot"))
    assert upper - lower == pytest.approx(-0.2, rel=0.1)
    assert shift("c_eye_target.l", eyeLookInLeft=1)[0] < -1
    pose(proposal, jawOpen=1)
    jaw = armature.pose.bones["c_jawbone.x"]
    chin = jaw.matrix @ jaw.bone.matrix_local.inverted() @ Vector((0, -0.3, -0.1))
    assert chin.z < -0.4, "what lies in front of the jaw's joint goes down"
    pose(proposal, head=(0.5, 0, 0))
    head = armature.pose.bones["c_head.x"]
    nose = head.matrix.to_3x3() @ head.bone.matrix_local.to_3x3().inverted() @ Vector((0, -1, 0))
    np.testing.assert_allclose(nose, (np.sin(0.5), -np.cos(0.5), 0), atol=0.08)


def test_what_shape_keys_show_is_not_shown_by_bones_again(empty_scene):
    places = ARP | {n[:-1] + "r": (-p[0], *p[1:]) for n, p in ARP.items() if n.endswith(".l")}
    armature = skeleton("Hero", places)
    limited(armature, "c_lips_smile.l", "LOCATION", y=(-0.05, 0.1))
    face_mesh("Face", ["mouthPucker", "jawOpen"], armature)
    controls = {c.name: c for c in proposed(armature).profile.control_set.controls}
    corner = controls["c_lips_smile.l X"].meaning
    assert "mouthSmileLeft" in corner and "mouthPucker" not in corner
    assert controls["mouthPucker"].meaning == {"mouthPucker": 1} and controls["jawOpen"].enabled
    jaw = controls["c_jawbone.x rotation X"]
    assert not jaw.enabled and jaw.meaning == {"jawOpen": 0.4}, "ready to be switched on instead of the key"
    up = controls["c_lips_smile.l Y"]
    assert up.meaning["mouthSmileLeft"] == pytest.approx(0.1) and up.meaning["mouthFrownLeft"] == pytest.approx(-0.05)


def test_a_face_board_of_bones(empty_scene):
    names = [f"CTRL_{side}_{name}" for side in "LR" for name in (
        "brow_raiseIn", "brow_down", "eye_blink", "mouth_cornerPull", "mouth_stretch", "mouth_dimple", "nose")]
    places = {name: (1.0 if "_L_" in name else -1.0, 0, i) for i, name in enumerate(names)} | {"CTRL_C_jaw": (0, 0, 0)}
    board = skeleton("board", places)
    for name in places:
        limited(board, name, "LOCATION", y=(-1, 1) if "blink" in name or "jaw" in name else (0, 1), x=(0, 0), z=(0, 0))
    limited(board, "CTRL_C_jaw", "LOCATION", x=(-1, 1))
    proposal = proposed(board)
    assert proposal.layout == "MetaHuman board" and proposal.notes == ()
    pose(proposal, eyeBlinkLeft=0.8, mouthSmileRight=0.5, jawOpen=0.6, jawLeft=0.4)
    at = {name: np.array(board.pose.bones[name].location) for name in places}
    assert at["CTRL_L_eye_blink"][1] == pytest.approx(0.8) and at["CTRL_R_mouth_cornerPull"][1] == pytest.approx(0.5)
    assert at["CTRL_C_jaw"] == pytest.approx([-0.4, 0.6, 0]), "such boards have the jaw's left at minus X"
    assert not at["CTRL_L_mouth_cornerPull"].any()


odd_numbers = st.one_of(st.floats(-2, 2), st.sampled_from([float("nan"), float("inf"), 0.0, 1e-187]))
odd_names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
odd_bones = st.lists(
    st.tuples(
        st.one_of(odd_names, st.sampled_from([*ARP, *(n[:-1] + "r" for n in ARP), "head"])),
        st.tuples(*[st.floats(-1e3, 1e3)] * 3), st.sampled_from(["LOCATION", "ROTATION", "SCALE"]), odd_numbers,
        odd_numbers, st.integers(0, 63),
    ), max_size=12, unique_by=lambda row: row[0],
)
odd_keys = st.lists(st.one_of(odd_names, st.sampled_from(coefficients.NAMES)), max_size=6)


@settings(max_examples=25)
@given(odd_bones, odd_keys, st.lists(st.tuples(odd_names, odd_numbers, odd_numbers), max_size=3))
def test_any_rig_gives_a_profile_that_holds_or_one_sentence(bones, keys, properties):
    bpy.ops.wm.read_homefile(use_empty=True)
    armature = skeleton("Odd", {})
    bpy.ops.object.mode_set(mode="EDIT")
    made = []
    for name, place, *_ in bones:
        new = armature.data.edit_bones.new(name)
        new.head, new.tail = place, Vector(place) + Vector((0.1, 0, 1))
        made.append(new.name)
    bpy.ops.object.mode_set(mode="OBJECT")
    for name, (*_, kind, low, high, locks) in zip(made, bones, strict=True):
        limited(armature, name, kind, x=(low, high))
        bone = armature.pose.bones[name]
        bone.lock_location = [bool(locks >> axis & 1) for axis in (0, 1, 2)]
        bone.lock_rotation = [bool(locks >> axis & 1) for axis in (3, 4, 5)]
    face_mesh("Face", keys, armature)
    for name, low, high in properties:
        armature[name] = 0.0
        armature.id_properties_ui(name).update(soft_min=low, soft_max=high)
    try:
        proposal = proposed(armature)
    except SemblanceError as error:
        assert "\n" not in str(error) and str(error).endswith((".", "'."))
        return
    controls = proposal.profile.control_set
    every = ControlSet(tuple(dataclasses.replace(control, enabled=True) for control in controls.controls))
    assert bind(dataclasses.replace(proposal.profile, control_set=every), bpy.context.scene).missing == ()
    np.testing.assert_allclose(controls.mirrored(controls.mirrored(controls.neutral)), controls.neutral, atol=1e-6)
    try:
        decoder = load_decoder(proposal.profile)
    except SemblanceError:
        assert not any(control.meaning and control.enabled for control in controls.controls)
        return
    values = decoder.decode_one(an_expression(np.ones(coefficients.COUNT, np.float32), (1, 1, 1))).values
    assert (values >= controls.minimum).all() and (values <= controls.maximum).all()


def test_a_proposal_is_written_and_read_again(facecap, tmp_path: Path):
    proposal = proposed(facecap)
    write_profile(proposal.profile, tmp_path / "rig.toml")
    again = read_profile(tmp_path / "rig.toml")
    assert again.control_set == proposal.profile.control_set and again.armature == "Armature" and again.blend is None


def test_nothing_to_control_is_one_sentence():
    bare = bpy.data.objects.new("Bare", bpy.data.armatures.new("Bare"))
    bpy.context.scene.collection.objects.link(bare)
    with pytest.raises(SemblanceError, match="Nothing of 'Bare' can be controlled"):
        proposed(bare)
    with pytest.raises(SemblanceError, match="Select the armature"):
        proposed()
