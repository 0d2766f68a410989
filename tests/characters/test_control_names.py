"""Any usual spelling of ARKit's shapes is read, and nothing else is."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.characters.control_names import (
    coefficients_of,
    group_of,
    is_corrective,
    joined,
    partner,
    side_of,
    words,
)
from addon.core import coefficients

ARKIT = sorted(set(coefficients.ARKIT_OF))
_HALVES = {"browInnerUp": ("browInnerUpLeft", "browInnerUpRight"), "cheekPuff": ("cheekPuffLeft", "cheekPuffRight")}
_CASES = [
    lambda parts: parts[0] + "".join(part.capitalize() for part in parts[1:]),   # jawOpen
    lambda parts: "".join(part.capitalize() for part in parts),                  # JawOpen: DAZ
    "_".join, "-".join, " ".join, ".".join,
    lambda parts: "_".join(part.upper() for part in parts),
    lambda parts: " ".join(part.upper() for part in parts),
    lambda parts: "_".join(part.capitalize() for part in parts),
    "".join,
]
_SIDES = [
    lambda stem, side: f"{stem}_{side[0]}", lambda stem, side: f"{stem}.{side[0]}",
    lambda stem, side: f"{stem}_{side[0].lower()}", lambda stem, side: f"{stem}-{side[0].lower()}",
    lambda stem, side: f"{stem}{side}", lambda stem, side: f"{stem}_{side}",
    lambda stem, side: f"{stem}.{side.lower()}",
    lambda stem, side: f"{side[0]}_{stem}", lambda stem, side: f"{side.lower()}_{stem}",
    lambda stem, side: f"{side[0].lower()}_{stem}", lambda stem, side: f"{stem} {side.upper()}",
]
_PREFIXES = ["", "face_", "blendShape1.", "ARKit_", "ARKit.", "Head.", "Mesh.", "character1:", "Geo|", "face.", "bs01_",
             "facs_bs_", "head__facs_jnt_", "Hero_head_geo.", "blendShape2.face_", "12_"]


def spell(arkit: str, case, side_style, prefix: str) -> str:
    """One of ARKit's names as somebody else would write it."""
    side = next((side for side in ("Left", "Right") if arkit.endswith(side)), "")
    parts = words(arkit.removesuffix(side))
    stem = case(parts)
    return prefix + (side_style(stem, side) if side else stem)


styles = st.tuples(st.sampled_from(_CASES), st.sampled_from(_SIDES), st.sampled_from(_PREFIXES))


@settings(max_examples=400)
@given(styles, st.sampled_from(["", "", ".001", "_div2", "_BS"]))
def test_each_of_the_52_is_read_in_any_spelling(style, suffix):
    case, side_style, prefix = style
    for name in ARKIT:
        spelled = spell(name, case, side_style, prefix) + suffix
        assert coefficients_of(spelled) == _HALVES.get(name, (name,)), spelled


@settings(max_examples=100)
@given(styles)
def test_the_two_sides_find_each_other(style):
    names = {name: spell(name, *style) for name in ARKIT}
    for name, spelled in names.items():
        other = ARKIT[0] if name not in coefficients.INDEX else coefficients.NAMES[
            coefficients.MIRROR[coefficients.INDEX[name]]]
        expected = names[other] if name in coefficients.INDEX else spelled
        assert partner(spelled, set(names.values())) == expected


@pytest.mark.parametrize("name, expected", [
    ("browInnerUp_L", ("browInnerUpLeft",)), ("CheekPuff.R", ("cheekPuffRight",)),
    ("mouthSmile", ("mouthSmileLeft", "mouthSmileRight")), ("Eye Blink", ("eyeBlinkLeft", "eyeBlinkRight")),
    ("ｊａｗＯｐｅｎ", ("jawOpen",)), ("EyeBlinkLEFT", ("eyeBlinkLeft",)), ("eyeBlinkL", ("eyeBlinkLeft",)),
    ("Left_eye_blink", ("eyeBlinkLeft",)), ("eye_l_blink", ("eyeBlinkLeft",)),
    ("facs_bs_MouthSmileLeft_div2", ("mouthSmileLeft",)),
    ("CTRL_expressions_jawOpen", ("jawOpen",)),
])
def test_spellings_seen_on_rigs(name, expected):
    assert coefficients_of(name) == expected


@pytest.mark.parametrize("name", [
    "JawOpenHelper_corrective", "jawOpen_fix", "jawOpen_mouthSmile_L", "noJawOpen", "jawOpenWide", "eyeLookLeft", "jaw",
    "mouth", "eye_L", "Left", "L", "", ".", "..", "_", "jaw_bone", "mouthLeft_L", "smile", "Basis", "jawÖffnen",
    "口を開く", "mouthCornerLeft", "MouthLeftCorner_R", "tongue", "jawLeftRight", "up", "div2", "face_",
])
def test_no_false_friends(name):
    assert coefficients_of(name) == ()


@pytest.mark.parametrize("name, corrective", [
    ("JawOpenHelper_corrective", True), ("pJCMForeArm", True), ("smile_fix", True), ("mouth_combo_03", True),
    ("jawOpen", False), ("prefix", False), ("fixture", False), ("JCM_jaw", True),
])
def test_correctives_are_known_by_a_whole_word(name, corrective):
    assert is_corrective(name) == corrective


@pytest.mark.parametrize("name, others, expected", [
    ("CTRL_L_brow_raiseIn", {"CTRL_R_brow_raiseIn"}, "CTRL_R_brow_raiseIn"),
    ("c_lips_smile.l", {"c_lips_smile.r", "c_lips_smile.x"}, "c_lips_smile.r"),
    ("LeftEye_Joint", {"RightEye_Joint"}, "RightEye_Joint"), ("brow.T.L.001", {"brow.T.R.001"}, "brow.T.R.001"),
    ("EYE_LEFT", {"EYE_RIGHT"}, "EYE_RIGHT"), ("jaw_master", {"jaw_masterr"}, "jaw_master"),
    ("lips.L", set(), "lips.L"),
    ("l_lid_L", {"r_lid_L"}, "r_lid_L"),
])
def test_partners(name, others, expected):
    assert partner(name, others) == expected


@pytest.mark.parametrize("name, meaning, group", [
    ("x", {"browDownLeft": 1}, "brows"), ("x", {"headYaw": 1, "jawOpen": 0.1}, "head"), ("c_eyebrow_01.l", {}, "brows"),
    ("lid.T.L", {}, "eyelids"),
    ("c_jawbone.x", {}, "jaw"), ("Schulter", {}, "other"), ("MouthCorner", {}, "mouth"), ("", {}, "other"),
])
def test_groups(name, meaning, group):
    assert group_of(name, meaning) == group


@settings(max_examples=500)
@given(st.text(max_size=40))
def test_any_text_is_read_without_a_complaint(name):
    found = coefficients_of(name)
    assert found in [(), *_HALVES.values()] or set(found) <= set(coefficients.NAMES)
    assert side_of(name) in ("", "Left", "Right") and group_of(name)
    assert partner(name, {name}) == name
    assert all(isinstance(spelling, str) for spelling in joined(name))
    assert isinstance(is_corrective(name), bool)


@settings(max_examples=300)
@given(st.sampled_from(ARKIT), st.text(min_size=1, max_size=6))
def test_a_name_with_a_letter_more_is_not_read(name, extra):
    extra = "".join(c for c in extra if c.isalpha() and c.casefold() not in "lr")
    for spelled in (f"{name}_x{extra}", f"x{extra}_{name}"):
        assert coefficients_of(spelled) == ()
