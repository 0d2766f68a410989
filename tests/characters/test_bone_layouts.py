"""Face bones mean the same face however their axes lie, wherever the armature's top is, whatever its size."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.characters.bone_layouts import BoneReading, RestBone, face_frame, mirror_sign, read_bones
from addon.core import coefficients
from addon.core.control_set import SIGNALS

Z_UP = np.array([0.0, 0.0, 1.0])
ALL = frozenset((channel, axis) for channel in ("location", "rotation_euler", "scale") for axis in range(3))
# A face as Auto-Rig Pro names its controls: [left, up, forward] in the distance between the eyes.
ARP = {
    "c_eyebrow_01.l": (0.2, 0.3, 0.1), "c_eyebrow_02.l": (0.5, 0.36, 0.05), "c_eyebrow_03.l": (0.75, 0.3, -0.1),
    "c_eyelid_top.l": (0.5, 0.1, 0.1), "c_eyelid_bot.l": (0.5, -0.1, 0.1), "c_eye.l": (0.5, 0.0, -0.1),
    "c_eye_target.l": (0.5, 0.0, 3.0), "c_cheek_smile.l": (0.5, -0.4, 0.1), "c_cheek_inflate.l": (0.6, -0.7, 0.0),
    "c_lips_smile.l": (0.4, -1.0, 0.1), "c_lips_top.l": (0.2, -0.95, 0.2), "c_lips_bot.l": (0.2, -1.05, 0.2),
    "c_lips_top.x": (0.0, -0.95, 0.25), "c_lips_bot.x": (0.0, -1.05, 0.25), "c_jawbone.x": (0.0, -0.5, -0.8),
    "c_eyebrow_01_end.l": (0.12, 0.26, 0.12),
    "c_lips_top_01.l": (0.3, -0.97, 0.15), "c_lips_bot_01.l": (0.3, -1.03, 0.15),
    "c_tong_01.x": (0.0, -1.0, -0.3), "c_chin_01.x": (0.0, -1.4, 0.1), "c_head.x": (0.0, -0.6, -1.0),
}


def spun(seed: int) -> np.ndarray:
    """A random rotation [3, 3]."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else q * (-1, 1, 1)


def face(places: dict[str, tuple], frame=None, size: float = 1.0, seed: int | None = None, **more) -> list[RestBone]:
    """Bones at `places`, with those of the right mirrored; axes along the frame's, or random ones."""
    frame = np.eye(3) if frame is None else frame
    both = dict(places)
    for name, place in places.items():
        if name.endswith(".l"):
            both[name[:-1] + "r"] = (-place[0], *place[1:])
    return [
        RestBone(name, np.array(place) * size @ frame, frame.T if seed is None else spun(seed + i), ALL, {}, **more)
        for i, (name, place) in enumerate(both.items())
    ]


def z_up_frame() -> np.ndarray:
    """Left, up, forward of a character in Blender: +X, +Z, -Y."""
    return np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def bone(name: str, place=(0.0, 0, 0), free=ALL, handle: bool = False) -> RestBone:
    return RestBone(name, np.array(place, float), np.eye(3), frozenset(free), {}, handle=handle)


def moved(
    reading: BoneReading, bones: list[RestBone], kind: str = "location", **signals: float
) -> dict[str, np.ndarray]:
    """Bone → its move or turn [left, up, forward] for signals; a name without its side is both."""
    values: dict[str, np.ndarray] = {}
    for signal, amount in signals.items():
        for half in (signal,) if signal in SIGNALS else (signal + "Left", signal + "Right"):
            for each in bones:
                for axis in range(3):
                    share = reading.meanings.get((each.name, kind, axis), {}).get(half, 0.0)
                    along = reading.frame @ each.channel_axes(kind)[:, axis]
                    values[each.name] = values.get(each.name, np.zeros(3)) + share * amount * along
    return values


def test_an_auto_rig_like_face_makes_the_faces_that_are_meant():
    bones = face(ARP, z_up_frame())
    reading = read_bones(bones, Z_UP)
    assert reading.layout == "Auto-Rig Pro"
    assert {s for m in reading.meanings.values() for s in m} >= set(coefficients.NAMES) - {
        "noseSneerLeft", "noseSneerRight"} | {"headYaw", "headPitch", "headRoll"}
    smile = moved(reading, bones, mouthSmileLeft=1)
    assert smile["c_lips_smile.l"][1] > 0.1 and smile["c_lips_smile.l"][0] > 0 and not smile["c_lips_smile.r"].any()
    smile = moved(reading, bones, mouthSmile=1)
    assert smile["c_lips_smile.r"][0] < 0 < smile["c_lips_smile.r"][1]
    blink = moved(reading, bones, eyeBlinkRight=1)
    assert blink["c_eyelid_top.r"][1] < -0.15 and blink["c_eyelid_bot.r"][1] > 0.02
    assert blink["c_eyelid_bot.r"][1] - blink["c_eyelid_top.r"][1] == pytest.approx(0.2, rel=0.1), "just shut"
    brows = moved(reading, bones, browInnerUp=1)
    assert brows["c_eyebrow_01_end.l"][1] > 0.1 > brows["c_eyebrow_02.l"][1] > 0.02 > brows["c_eyebrow_03.l"][1]
    smile = moved(reading, bones, mouthSmileLeft=1)
    between = (smile["c_lips_smile.l"] + smile["c_lips_top.l"]) / 2
    np.testing.assert_allclose(smile["c_lips_top_01.l"], between, atol=0.02)
    assert moved(reading, bones, "rotation_euler", jawOpen=1)["c_jawbone.x"] == pytest.approx([0.4, 0, 0])
    assert moved(reading, bones, mouthLeft=1)["c_lips_smile.r"][0] > 0.1, "both corners go to the left"
    look = moved(reading, bones, eyeLookOutLeft=1, eyeLookInRight=1)
    assert look["c_eye_target.l"][0] == pytest.approx(look["c_eye_target.r"][0]) and look["c_eye_target.l"][0] > 1
    assert not any(channel[0] == "c_eye.l" for channel in reading.meanings), "the target turns the eye"
    head = moved(reading, bones, "rotation_euler", headYaw=1)["c_head.x"]
    assert head == pytest.approx([0, 1, 0])


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.sampled_from(["x", "y", "z", "-y"]), st.floats(0.001, 1000), st.booleans())
def test_axes_top_and_size_do_not_matter(seed, top, size, local):
    """The same face in the face's own directions and measures, but for parts that fall below a slanted axis's trace."""
    up = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1), "-y": (0, -1, 0)}[top]
    left = {"x": (0, 1, 0), "y": (1, 0, 0), "z": (1, 0, 0), "-y": (0, 0, 1)}[top]
    frame = np.array([left, up, np.cross(left, up)], float)
    plain, turned = face(ARP, z_up_frame()), face(ARP, frame, size, seed, local_location=local)
    one, other = read_bones(plain, Z_UP), read_bones(turned, np.array(up, float))
    np.testing.assert_allclose(other.frame, frame, atol=1e-9)
    for signal in ("mouthSmileLeft", "eyeBlinkRight", "jawLeft", "browDownLeft", "mouthPucker", "mouthClose"):
        expected, found = moved(one, plain, **{signal: 1.0}), moved(other, turned, **{signal: 1.0})
        for name, vector in expected.items():
            np.testing.assert_allclose(found[name] / size, vector, atol=0.2 * _largest(one, name) + 1e-9)
    for signal in ("headYaw", "headPitch", "headRoll", "jawOpen"):
        expected, found = (moved(*each, "rotation_euler", **{signal: 1.0}) for each in ((one, plain), (other, turned)))
        for name, vector in expected.items():
            np.testing.assert_allclose(found[name], vector, atol=0.15 * np.abs(vector).max() + 1e-9)


def _largest(reading: BoneReading, name: str) -> float:
    axes = [key for key in reading.meanings if key[0] == name and key[1] == "location"]
    return max((abs(v) for key in axes for v in reading.meanings[key].values()), default=0.0)


@settings(max_examples=60)
@given(st.integers(0, 2**31))
def test_mirror_signs_of_mirrored_bones(seed):
    """Two bones whose axes mirror each other's, or are turned by half turns, swap a pose as a mirror does."""
    frame = z_up_frame()
    axes = spun(seed)
    mirror = frame.T @ np.diag([-1.0, 1, 1]) @ frame
    left = RestBone("a.L", np.array([1.0, 0, 0]), axes, ALL, {})
    right = RestBone("a.R", np.array([-1.0, 0, 0]), mirror @ axes * (-1, 1, 1), ALL, {})
    for kind in ("location", "rotation_euler", "scale"):
        for axis in range(3):
            sign = mirror_sign(frame, ("a.L", kind, axis), left, right)
            one, two = left.axes[:, axis], right.axes[:, axis]
            seen = mirror @ one if kind == "location" else -(mirror @ one)
            if kind != "scale":
                np.testing.assert_allclose(seen, sign * two, atol=1e-9)
            else:
                assert sign == 1


def test_lids_that_sit_in_the_eye_turn():
    places = ARP | {"c_eyelid_top.l": (0.5, 0.0, -0.1), "c_eyelid_bot.l": (0.5, 0.0, -0.1)}
    bones = face(places, z_up_frame())
    turned = moved(read_bones(bones, Z_UP), bones, "rotation_euler", eyeBlinkLeft=1)
    assert turned["c_eyelid_top.l"][0] > 0.4 and turned["c_eyelid_bot.l"][0] < -0.05


BOARD = ["brow_raiseIn", "brow_raiseOut", "brow_down", "eye_blink", "eye", "mouth_cornerPull", "mouth_stretch",
         "mouth_dimple", "mouth_cornerDepress", "nose"]


def board(up: bool = True) -> list[RestBone]:
    bones = []
    for name in [f"CTRL_{side}_{n}" for n in BOARD for side in "LR"] + [
        "CTRL_C_jaw", "CTRL_C_jaw_fwdBack", "CTRL_C_mouth", "CTRL_C_eye"]:
        limits = {("location", 1): (-1.0, 1.0) if "blink" in name else (0.0, 1.0)}
        if name.endswith("eye"):
            limits = {("location", 0): (-2.0, 2.0), ("location", 1): (-1.0, 1.0)}
        if name == "CTRL_C_jaw":
            limits = {("location", 0): (-1.0, 1.0), ("location", 1): (-0.5, 0.0)}
        if name == "CTRL_C_jaw_fwdBack":
            limits = {("location", 1): (-0.5, 0.0)}
        if name == "CTRL_C_mouth":
            limits = {("location", 0): (-1.0, 1.0)}
        side = {"L": 1.0, "R": -1.0, "C": 0.0}[name[5]]
        axes = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) if up else np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
        free = frozenset(limits)
        bones.append(RestBone(name, np.array([side, -1.0, 2.0]), axes, free, limits))
    return bones


@pytest.mark.parametrize("up", [True, False])
def test_a_face_board_follows_its_limits_and_its_axes(up):
    bones = board(up)
    reading = read_bones(bones, Z_UP)
    assert reading.layout == "MetaHuman board"
    meaning = reading.meanings
    assert meaning["CTRL_L_brow_raiseIn", "location", 1] == {"browInnerUpLeft": 1}
    assert meaning["CTRL_R_eye_blink", "location", 1] == {"eyeBlinkRight": 1, "eyeWideRight": -1}
    assert meaning["CTRL_C_jaw", "location", 1] == {"jawOpen": -0.5}, "this one opens downwards"
    assert meaning["CTRL_C_jaw_fwdBack", "location", 1] == {"jawForward": -0.5}
    left = 1 if up else -1
    assert meaning["CTRL_C_mouth", "location", 0] == {"mouthLeft": left, "mouthRight": -left}
    assert meaning["CTRL_R_eye", "location", 0] == {"eyeLookOutRight": -2 * left, "eyeLookInRight": 2 * left}
    assert not any(channel[0] == "CTRL_C_eye" for channel in meaning), "each eye has its own"


@pytest.mark.parametrize("names, known", [
    (["mixamorig:Head", "mixamorig:Neck"], {"mixamorig:Head"}), (["Bip01 Head"], {"Bip01 Head"}),
    (["neck_joint"], {"neck_joint"}), (["J_Bip_C_Head", "J_Adj_L_FaceEye", "J_Adj_R_FaceEye"],
                                       {"J_Bip_C_Head", "J_Adj_L_FaceEye", "J_Adj_R_FaceEye"}),
    (["CC_Base_L_Eye", "CC_Base_R_Eye", "CC_Base_JawRoot"], {"CC_Base_L_Eye", "CC_Base_R_Eye", "CC_Base_JawRoot"}),
    (["lEye", "rEye", "lowerJaw", "head"], {"lEye", "rEye", "lowerJaw", "head"}), (["eye"], {"eye"}),
    (["headTop_End", "DEF-head", "Head_Joint_Eff", "forehead", "eyebrow.L", "eyelash.L", "頭", "голова"], set()),
])
def test_a_head_eyes_and_a_jaw_under_usual_names(names, known):
    bones = [bone(name, (-1 if "R_" in name or name[0] == "r" else 1, 0, 0)) for name in names]
    reading = read_bones(bones, Z_UP)
    assert {channel[0] for channel in reading.meanings} == known and reading.layout == ""


def test_the_handle_is_taken_and_locked_axes_are_left():
    free = {("rotation_euler", 0), ("rotation_euler", 2)}
    bones = [bone("head"), bone("ctrl_head", free=free, handle=True)]
    assert set(read_bones(bones, Z_UP).meanings) == {("ctrl_head", *key) for key in free}
    assert read_bones([bone("head", free=())], Z_UP).meanings == {}


@settings(max_examples=150)
@given(st.lists(st.tuples(st.one_of(st.text(max_size=8), st.sampled_from(sorted(ARP))),
                          st.tuples(*[st.floats(-5, 5)] * 3)), max_size=25, unique_by=lambda row: row[0]))
def test_any_bones_are_read(rows):
    bones = [bone(name, place) for name, place in rows]
    reading = read_bones(bones, Z_UP)
    np.testing.assert_allclose(reading.frame @ reading.frame.T, np.eye(3), atol=1e-9)
    for meaning in reading.meanings.values():
        assert set(meaning) <= set(SIGNALS) and np.isfinite(list(meaning.values())).all()


def test_left_is_where_the_left_bones_are():
    bones = [bone("a.L", (0, -2, 0)), bone("a.R", (0, 2, 1))]
    np.testing.assert_allclose(face_frame(bones, Z_UP), [[0, -1, 0], [0, 0, 1], [-1, 0, 0]])
    np.testing.assert_allclose(face_frame([], Z_UP)[0], [1, 0, 0])
    np.testing.assert_allclose(face_frame([], np.array([0.0, 1, 0]))[0], [1, 0, 0])
