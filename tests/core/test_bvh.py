"""BVH files: forward kinematics, and one sentence for every file that is wrong."""
from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from addon.core.body_motion import JOINT
from addon.core.bvh import parse_bvh, read_bvh
from addon.core.errors import SemblanceError

SMALL = """\
HIERARCHY
ROOT Hips
{
  OFFSET 0 1 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0 0.4 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT Head
    {
      OFFSET 0 0.3 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 0 0.2 0
      }
    }
    JOINT LeftArm
    {
      OFFSET 0.2 0.1 0
      CHANNELS 3 Zrotation Xrotation Yrotation
    }
    JOINT RightArm
    {
      OFFSET -0.2 0.1 0
      CHANNELS 3 Zrotation Xrotation Yrotation
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.0333333
0 1 0 0 0 0  0 0 0  0 0 0  0 0 0  0 0 0
0 1 0 0 0 0  90 0 0  0 0 0  0 0 0  0 0 0
5 1 2 0 0 90  0 0 0  0 20 0  0 0 0  0 0 0
"""
PIECES = ["", "{", "}", "\n", "JOINT x\n", "End Site\n", "nan", "1e999", "-", "\0", "٣"]


def test_joints_are_where_the_rotations_put_them():
    motion = parse_bvh(SMALL, "small.bvh")
    head, arm = (motion.joints[:, JOINT[name]] for name in ("head", "left_shoulder"))
    np.testing.assert_allclose(head[0], (0, 1.7, 0), atol=1e-6)
    np.testing.assert_allclose(head[1], (-0.3, 1.4, 0), atol=1e-6)     # the spine falls to the right
    np.testing.assert_allclose(head[2], (5, 1.7, 2), atol=1e-6)
    np.testing.assert_allclose(arm[2], (5, 1.5, 1.8), atol=1e-6)      # the whole body faces its left
    np.testing.assert_allclose(np.degrees(motion.head[2]), (0, -20, 0), atol=0.01)
    assert motion.times_s[2] == pytest.approx(2 / 30, abs=1e-5) and "wrist on either" in motion.warnings[0]


@pytest.mark.parametrize("order", list(itertools.permutations("XYZ")))
def test_every_order_of_channels_is_applied_as_it_stands(order):
    """The oracle writes the three rotations out one after the other."""
    angles = dict(zip("XYZ", (10.0, 25.0, -40.0), strict=True))
    turned = {"X": lambda a: [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]],
              "Y": lambda a: [[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]],
              "Z": lambda a: [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]}
    text = SMALL.replace("CHANNELS 3 Zrotation Xrotation Yrotation",
                         "CHANNELS 3 " + " ".join(f"{axis}rotation" for axis in order), 1)
    rows = text.splitlines()
    rows[-2] = "0 1 0 0 0 0 " + " ".join(str(angles[axis]) for axis in order) + " 0" * 9
    expected = np.eye(3)
    for axis in order:
        expected = expected @ np.array(turned[axis](np.radians(angles[axis])))
    head = parse_bvh("\n".join(rows), "x").joints[1, JOINT["head"]]
    np.testing.assert_allclose(head, (0, 1.4, 0) + expected @ (0, 0.3, 0), atol=1e-5)


@pytest.mark.parametrize(("old", "new", "words"), [
    ("HIERARCHY", "HIERARCHIE", "line 1: 'HIERARCHIE' stands where HIERARCHY belongs"),
    ("OFFSET 0 0.4 0", "OFFSET 0 nan 0", "line 8.*where OFFSET and three numbers"),
    ("OFFSET 0 0.4 0", "", "the OFFSET of 'Spine'"),
    ("Zrotation Xrotation Yrotation\n  JOINT", "Zrotation Xrotation Wrotation\n  JOINT", "as many of Xposition"),
    ("CHANNELS 6", "CHANNELS 5", "CHANNELS, their number"),
    ("Zrotation Xrotation Yrotation\n    JOINT", "Zrotation Zrotation Yrotation\n    JOINT", "CHANNELS, their number"),
    ("Frames: 3", "Frames: 4", "says it has 4 frames and has 3"),
    ("Frames: 3", "Frames: -3", "Frames: and a number"),
    ("0.0333333", "0", "a Frame Time from"),
    ("5 1 2", "5 1", "line 36: 17 values where the channels need 18"),
    ("5 1 2", "5 1 inf", "line 36: a value is not a finite number"),
    ("5 1 2", "5 1 two", "is not a number"),
    ("JOINT Head", "JOINT Kopf", "no bone that is known as the head"),
    ("MOTION", "", "'Frames: 3' stands where MOTION belongs"),
])
def test_what_is_wrong_is_told_with_its_line(old, new, words):
    with pytest.raises(SemblanceError, match=words) as told:
        parse_bvh(SMALL.replace(old, new, 1), "small.bvh")
    assert "small.bvh" in str(told.value) and str(told.value).count("\n") == 0


def test_one_frame_and_bones_without_length():
    one = SMALL.replace("Frames: 3", "Frames: 1").rsplit("\n", 3)[0]
    with pytest.raises(SemblanceError, match="only one frame"):
        parse_bvh(one, "still.bvh")
    flat = "\n".join("OFFSET 0 0 0" if "OFFSET" in line else line for line in SMALL.splitlines())
    with pytest.raises(SemblanceError, match="rest pose without size"):
        parse_bvh(flat, "flat.bvh")
    parse_bvh(SMALL.replace("OFFSET 0 0.4 0", "OFFSET 0 0 0"), "x")    # one bone may have none


@settings(max_examples=150)
@given(st.data())
@example(None)
def test_damaged_files_give_one_sentence(data):
    """Cut, swapped and overwritten pieces: a motion or a SemblanceError, nothing else."""
    text = SMALL
    if data is not None:
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(text)))
            upto = data.draw(st.integers(at, min(at + 60, len(text))))
            put = data.draw(st.sampled_from(PIECES))
            text = text[:at] + put + text[upto:]
    try:
        assert np.isfinite(parse_bvh(text, "x").joints).all()
    except SemblanceError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b""])
def test_files_that_are_none(content, tmp_path):
    path = tmp_path / "x.bvh"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SemblanceError, match=r"x\.bvh"):
        read_bvh(path)


def test_names_in_older_encodings_are_read(tmp_path):
    path = tmp_path / "x.bvh"
    path.write_bytes(SMALL.replace("Spine", "Wirbelsäule").encode("latin-1"))
    assert len(read_bvh(path)) == 3


def test_the_recorded_walk(shared):
    motion = read_bvh(shared / "data" / "body_motion" / "cmu_01_01.bvh")
    assert len(motion) == 2752 and motion.warnings == ()
    feet = motion.joints[10:, [JOINT["left_foot"], JOINT["right_foot"]], 1].min(1)
    head = motion.joints[10:, JOINT["head"], 1]
    assert (head - feet > 15).all() and np.abs(motion.head).max() < 1.5
