"""Faces drawn for a rig: always inside its limits, sides mostly alike, nothing that a face does not do."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.characters.sampling import KINDS, Sampler
from addon.core.control_set import BoneChannel, Control, ControlSet, ShapeKey
from addon.core.key_poses import read_key_poses
from addon.core.rig_profile import find_profile

GROUPS = ("brows", "mouth", "gaze", "head", "ears", "")


def a_control(name: str, low: float = 0, high: float = 1, neutral: float = 0, group: str = "mouth", pair: str = "",
              sign: float = 1, **more) -> Control:
    return Control(name, ShapeKey(("Head",), name), low, high, neutral, group, pair or name, sign, **more)


def sampler(*controls: Control) -> Sampler:
    none = np.zeros((0, len(controls)), np.float32)
    return Sampler(ControlSet(controls), none, none)


def drawn(of: Sampler, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Kinds [count] and values [count, K]."""
    faces = [of.draw(np.random.default_rng([seed, number])) for number in range(count)]
    return np.array([kind for kind, _ in faces]), np.stack([values for _, values in faces])


@st.composite
def samplers(draw) -> Sampler:
    """A rig of any limits, some controls in pairs, with poses and performances, some of them out of range."""
    controls: list[Control] = []
    number = st.floats(-200, 200, allow_nan=False, width=32)
    for i in range(draw(st.integers(1, 8))):
        low, neutral, high = sorted(draw(st.tuples(number, number, number)))
        high = max(high, float(np.float32(low + 0.01)))
        group, enabled = draw(st.sampled_from(GROUPS)), draw(st.booleans())
        if draw(st.booleans()):
            sign = draw(st.sampled_from([1.0, -1.0]))
            controls += [a_control(f"{i}.L", low, high, neutral, group, f"{i}.R", sign, enabled=enabled),
                         a_control(f"{i}.R", low, high, neutral, group, f"{i}.L", sign)]
        else:
            controls.append(a_control(f"{i}", low, high, neutral, group, enabled=enabled))
    rows = np.random.default_rng(draw(st.integers(0, 99))).uniform(-300, 300, (4, len(controls))).astype(np.float32)
    return Sampler(ControlSet(tuple(controls)), rows[: draw(st.integers(0, 2))], rows[2 : draw(st.integers(2, 4))])


@settings(max_examples=150)
@given(of=samplers(), seed=st.integers(0, 2**32))
def test_any_rig_stays_inside_its_limits(of: Sampler, seed: int):
    for number in range(12):
        kind, values = of.draw(np.random.default_rng([seed, number]))
        assert kind in KINDS and values.dtype == np.float32 and np.isfinite(values).all()
        assert (values >= of.controls.minimum).all() and (values <= of.controls.maximum).all()
        off = np.array([not control.enabled for control in of.controls.controls])
        assert np.array_equal(values[off], of.controls.neutral[off])
        again = of.draw(np.random.default_rng([seed, number]))
        assert again[0] == kind and np.array_equal(again[1], values)


@pytest.fixture(scope="module")
def pip() -> Sampler:
    profile = find_profile("pip")
    poses = read_key_poses(profile).values
    return Sampler(profile.control_set, poses, poses[:5])


def test_all_kinds_come_up_and_neutral_is_neutral(pip: Sampler):
    kinds, values = drawn(pip, 1500)
    assert set(kinds) == set(KINDS)
    moved = np.abs(values - pip.controls.neutral) > 1e-6
    assert 0.5 < (~moved[kinds == "neutral"].any(axis=1)).mean() < 0.9
    assert set(moved[kinds == "single"].sum(axis=1)) <= {0, 1, 2, 3}
    assert moved.any(axis=0).all(), "every control is used"
    assert ((values == pip.controls.maximum) | (values == pip.controls.minimum)).any(axis=0)[:30].all()


def test_sides_are_mostly_alike_and_often_enough_not(pip: Sampler):
    kinds, values = drawn(pip, 1500)
    names = pip.controls.names
    left, right = names.index("corner_y.L"), names.index("corner_y.R")
    used = np.isin(kinds, ["group", "mix"]) & (np.abs(values[:, [left, right]]).max(axis=1) > 0.02)
    differ = np.abs(values[used, left] - values[used, right]) > 0.02
    assert 0.1 < differ.mean() < 0.5


def test_eyes_look_the_same_way_and_heads_turn_moderately(pip: Sampler):
    kinds, values = drawn(pip, 800)
    free = kinds != "single"
    names = pip.controls.names
    for axis in "xy":
        left, right = (values[free, names.index(f"eye_{axis}.{side}")] for side in "LR")
        assert np.abs(left - right).max() < 0.2 * (pip.controls.maximum - pip.controls.minimum)[14]
        assert np.abs(left).max() > 0.05
    head = values[:, [names.index(f"head_{axis}") for axis in ("yaw", "pitch", "roll")]]
    assert 0.2 < np.abs(head).max() <= 0.451 and (np.abs(head).max(axis=1) > 0.02).mean() > 0.3


def test_what_a_face_does_not_do_at_once_is_left_out():
    sides = [a_control(f"{name}{side}", group="eyelids", pair=f"{name}{other}", meaning={f"{name}{side}": 1.0})
             for name in ("eyeBlink", "eyeWide") for side, other in (("Left", "Right"), ("Right", "Left"))]
    of = sampler(
        *sides, a_control("jawLeft", pair="jawRight"), a_control("jawRight", pair="jawLeft"),
        a_control("jaw_open", -0.1, 0), a_control("mouth_close"),
    )
    names, (_, values) = of.controls.names, drawn(of, 800)
    at = {name: values[:, names.index(name)] for name in names}
    assert not ((at["eyeBlinkLeft"] > 0) & (at["eyeWideLeft"] > 0)).any()
    assert not ((at["jawLeft"] > 0) & (at["jawRight"] > 0)).any()
    assert (at["jawLeft"] > 0).any() and (at["jawRight"] > 0).any()
    assert (at["mouth_close"] > 0.1).any()
    assert (at["mouth_close"] <= -10 * at["jaw_open"] + 1e-5).all()


def test_gaze_of_one_sided_shapes_follows_their_meaning():
    names = [f"eyeLook{way}{side}" for way in ("In", "Out", "Up", "Down") for side in ("Left", "Right")]
    pupil = a_control("pupil", -1, 1, group="gaze", meaning={"eyeWideLeft": 0.5})
    of = sampler(*(a_control(name, group="gaze", pair=name[:-5] + "Left" if name.endswith("Right") else
                             name[:-4] + "Right", meaning={name: 1.0}) for name in names), a_control("smile"), pupil)
    kinds, values = drawn(of, 600)
    assert (np.abs(values[:, -1]) > 0.1).mean() > 0.2, "a pupil's size is no direction"
    at = {name: values[kinds != "single", i] for i, name in enumerate(names)}
    used = np.abs(np.stack(list(at.values()))).max(axis=0) > 0
    assert used.mean() > 0.3
    assert np.abs(at["eyeLookOutLeft"] - at["eyeLookInRight"]).max() < 0.15
    single = {name: values[kinds == "single", i] for i, name in enumerate(names)}
    assert not ((single["eyeLookInLeft"] > 0) & (single["eyeLookInRight"] > 0)).any(), "no squinting"
    assert ((single["eyeLookInLeft"] > 0) & (single["eyeLookOutRight"] > 0)).any()
    assert (np.minimum(at["eyeLookOutLeft"], at["eyeLookInLeft"]) < 0.1).all()
    assert np.abs(at["eyeLookUpLeft"] - at["eyeLookUpRight"]).max() < 0.15


def test_faces_near_a_pose_are_near_it(pip: Sampler):
    pose = read_key_poses(find_profile("pip")).values[2]
    of = Sampler(pip.controls, pose[None], np.zeros((0, len(pose)), np.float32))
    kinds, values = drawn(of, 600)
    near = values[kinds == "pose"]
    strong = np.abs(of.controls.scaled(pose) - of.controls.scaled(of.controls.neutral)) > 0.5
    towards = (near - of.controls.neutral)[:, strong] * np.sign(pose - of.controls.neutral)[strong]
    assert len(near) > 60 and (towards >= 0).mean() > 0.97


def test_a_head_in_radians_turns_less_than_its_limits():
    head = Control("yaw", BoneChannel("head", "rotation_euler", 1), -2, 2, 0, "head", "yaw", -1)
    _, values = drawn(sampler(head, a_control("smile")), 300)
    assert 0.3 < np.abs(values[:, 0]).max() <= 0.4501
