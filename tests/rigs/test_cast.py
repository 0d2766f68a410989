"""What holds for every character: file and profile agree, each control does something, eyes and lips close."""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from addon.characters.meaning_decoder import MeaningDecoder
from addon.core.coefficients import COUNT, NAMES
from addon.core.control_set import BoneChannel, CustomProperty, ShapeKey
from addon.core.frames import EMBEDDING_SIZE, Expression
from addon.core.rig_profile import read_profile, shipped_files

from .conftest import Stage

PROFILES = {profile.name: profile for profile in map(read_profile, shipped_files())}
MEANT = [name for name, profile in PROFILES.items() if any(c.meaning for c in profile.control_set.controls)]
LIMITS = {"location": "LIMIT_LOCATION", "rotation_euler": "LIMIT_ROTATION", "scale": "LIMIT_SCALE"}
# controls that only show while others are in use
COMPANY = {
    "mouth_close": {"jaw_open": -1.0}, "tongue_up": {"tongue_out": -0.3}, "mouthClose": {"jawOpen": 1.0},
}


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[str, Stage]]:
    """The character that is open at the moment; opening one takes longer than most tests here."""
    bpy = pytest.importorskip("bpy")
    yield {}
    bpy.ops.wm.read_homefile(use_empty=True)


@pytest.fixture(params=PROFILES)
def actor(request, opened) -> Stage:
    """Each character in turn, in its neutral."""
    name = request.param
    if name not in opened:
        opened.clear()
        opened[name] = Stage(pytest.importorskip("bpy"), PROFILES[name])
    opened[name].set_pose()
    return opened[name]


def only(*names: str):
    """Restrict a test to some characters."""
    return pytest.mark.parametrize("actor", names, indirect=True)


def act(actor: Stage, head: tuple[float, float, float] = (0, 0, 0), **coefficients: float) -> None:
    """Pose a character by what its controls mean."""
    values = np.zeros(COUNT, np.float32)
    for name, value in coefficients.items():
        values[[i for i, each in enumerate(NAMES) if each in (name, name + "Left", name + "Right")]] = value
    expression = Expression(0.0, values, np.zeros(EMBEDDING_SIZE, np.float32), np.zeros((2, 2), np.float32),
                            np.array(head, np.float32), 1.0)
    actor.set_values(MeaningDecoder(actor.profile.control_set).decode_one(expression).values)


def eyes(actor: Stage) -> list[tuple[np.ndarray, float]]:
    """(middle, diameter) of each ball."""
    balls = [actor.points(name) for name in actor.meshes if "-eye" in name]
    return [(ball.mean(axis=0), float(np.ptp(ball[:, 2]))) for ball in balls]


def mouth(actor: Stage) -> np.ndarray:
    """The middle between the front teeth, where lips meet; a character without teeth has a tongue."""
    inside = [name for name in actor.meshes if "-teeth" in name] or [f"{actor.profile.name}-tongue"]
    every = np.concatenate([actor.points(name) for name in inside])
    front = every[every[:, 1] < every[:, 1].min() + 0.05]
    return front.mean(axis=0)


def test_every_control_exists_with_the_profiles_limits(actor):
    for control in actor.profile.control_set.controls:
        target, limits = control.target, (control.minimum, control.maximum)
        if isinstance(target, CustomProperty):
            owner, what = actor.carriers(control)[0]
            shown = owner.id_properties_ui(what).as_dict()
            assert (shown["min"], shown["max"]) == pytest.approx(limits), control.name
        elif isinstance(target, ShapeKey):
            for key, _ in actor.carriers(control):
                assert (key.slider_min, key.slider_max) == pytest.approx(limits), control.name
        else:
            bone = actor.armature.pose.bones[target.bone]
            limit = next(c for c in bone.constraints if c.type == LIMITS[target.channel])
            assert limit.owner_space == "LOCAL" and limit.use_transform_limit, control.name
            found = tuple(getattr(limit, f"{end}_{'xyz'[target.axis]}") for end in ("min", "max"))
            assert found == pytest.approx(limits, abs=1e-6), control.name


def test_channels_that_no_control_uses_are_locked(actor):
    used = {(c.target.bone, c.target.channel, c.target.axis) for c in actor.profile.control_set.controls
            if isinstance(c.target, BoneChannel)}
    for bone in {bone for bone, _, _ in used}:
        for channel in LIMITS:
            locks = getattr(actor.armature.pose.bones[bone], "lock_" + channel.removesuffix("_euler"))
            for axis in range(3):
                assert locks[axis] != ((bone, channel, axis) in used), (bone, channel, axis)


def test_the_file_rests_in_the_profiles_neutral(actor):
    fresh = Stage(actor.bpy, actor.profile)
    for control in actor.profile.control_set.controls:
        assert fresh.value(control) == pytest.approx(control.neutral), control.name
    actor.armature = fresh.armature


def test_drivers_are_valid_without_running_scripts(actor):
    bpy = actor.bpy
    owners = [actor.armature, *(o.data.shape_keys for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys)]
    drivers = [d for owner in owners if owner.animation_data for d in owner.animation_data.drivers]
    assert drivers
    for curve in drivers:
        assert curve.is_valid and curve.driver.is_valid and curve.driver.is_simple_expression, curve.data_path


def test_every_control_moves_something_in_every_direction(actor):
    for control in actor.profile.control_set.controls:
        others = COMPANY.get(control.name, {})
        actor.set_pose(**others)
        before = actor.all_points()
        for strength in (1.0, -1.0):
            if (control.maximum if strength > 0 else control.minimum) == pytest.approx(control.neutral):
                continue
            actor.set_pose(**others, **{control.name.replace(".", "_"): strength})
            moved = np.abs(actor.all_points() - before).max()
            assert moved > 0.015, (control.name, strength)


def test_left_and_right_are_mirror_images(actor):
    """A random pose and its mirrored controls give mirrored faces (pieces without a partner aside)."""
    controls, face = actor.profile.control_set, f"{actor.profile.name}-head"
    random = np.random.default_rng(7)
    values = controls.neutral + 0.5 * random.random(len(controls), np.float32) * (controls.maximum - controls.neutral)
    if not np.allclose(controls.mirrored(controls.neutral), controls.neutral):
        pytest.skip("its sides rest differently")
    actor.set_values(values)
    one = actor.points(face)
    actor.set_values(controls.mirrored(values))
    other = actor.points(face) * [-1, 1, 1]
    away = np.array([np.linalg.norm(other - point, axis=1).min() for point in one[::7]])
    assert away.max() < 4e-3


@only(*MEANT)
def test_eyes_are_open_at_rest_and_shut_on_a_blink(actor):
    middles = eyes(actor)
    assert sum(actor.seen("-eye", at, 0.6 * wide, 0.2 * wide) for at, wide in middles) > 100 * len(middles)
    for look in ({}, {"eyeLookUp": 1.0}, {"eyeLookDown": 1.0}, {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}):
        act(actor, eyeBlink=1.0, **look)
        assert sum(actor.seen("-eye", at, wide, wide, aside) for at, wide in middles for aside in (0.0, 0.4)) == 0, look


@only(*MEANT)
def test_the_mouth_is_shut_at_rest_and_open_with_the_jaw(actor):
    at = mouth(actor)
    inside = ("-teeth", "-tongue")
    assert sum(actor.seen(kind, at, 0.8, 0.3) for kind in inside) == 0
    act(actor, jawOpen=1.0)
    assert sum(actor.seen(kind, at, 0.8, 0.8) for kind in inside) > 10
    act(actor, jawOpen=1.0, mouthClose=1.0)
    assert sum(actor.seen(kind, at, 0.8, 0.8) for kind in inside) == 0


@only(*MEANT)
@pytest.mark.parametrize("head, axis, sign", [((0.4, 0, 0), 0, 1), ((0, 0.3, 0), 2, 1)])
def test_the_head_turns_as_the_project_says(actor, head, axis, sign):
    """Yaw turns the face to the character's left, pitch looks up."""
    at = mouth(actor)
    act(actor, head)
    assert (mouth(actor) - at)[axis] * sign > 0.05


def test_a_character_stands_in_one_collection(actor):
    bpy = actor.bpy
    inside = {o.name for o in bpy.data.collections[actor.profile.name].all_objects}
    assert {o.name for o in bpy.data.objects} - inside == {"Camera", "Key", "Fill", "Rim"}
    assert bpy.context.scene.render.fps == 24
    assert actor.profile.blend.stat().st_size < 4e6
