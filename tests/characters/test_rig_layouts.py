"""VRM, VRoid, VRChat and ARKit sliders: what faces they make from coefficients."""
from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.characters import rig_layouts
from addon.characters.rig_layouts import ARKIT, Reading, read_sliders
from addon.core import coefficients
from addon.core.control_set import SIGNALS

VRM0 = ["Neutral", "A", "I", "U", "E", "O", "Blink", "Blink_L", "Blink_R", "Joy", "Angry", "Sorrow", "Fun", "Surprised",
        "LookUp", "LookDown", "LookLeft", "LookRight"]
VRM1 = ["aa", "ih", "ou", "ee", "oh", "happy", "angry", "sad", "relaxed", "surprised", "blink", "blinkLeft",
        "blinkRight", "lookUp", "lookDown", "lookLeft", "lookRight", "neutral"]
VROID = ["Fcl_ALL_Joy", "Fcl_ALL_Angry", "Fcl_BRW_Angry", "Fcl_BRW_Sorrow", "Fcl_BRW_Surprised", "Fcl_BRW_Fun",
         "Fcl_EYE_Close", "Fcl_EYE_Close_L", "Fcl_EYE_Close_R", "Fcl_EYE_Surprised", "Fcl_EYE_Joy", "Fcl_MTH_A",
         "Fcl_MTH_I", "Fcl_MTH_U", "Fcl_MTH_E", "Fcl_MTH_O", "Fcl_MTH_Fun", "Fcl_MTH_Angry", "Fcl_MTH_Up"]
VRCHAT = [
    "vrc.v_sil", "vrc.v_pp", "vrc.v_ff", "vrc.v_th", "vrc.v_dd", "vrc.v_kk", "vrc.v_ch", "vrc.v_ss", "vrc.v_nn",
    "vrc.v_rr", "vrc.v_aa", "vrc.v_e", "vrc.v_ih", "vrc.v_oh", "vrc.v_ou", "vrc.blink", "vrc.blink_left",
    "vrc.blink_right", "vrc.lowerlid_left", "vrc.lowerlid_right",
]


def reading(names: list[str]) -> Reading:
    return read_sliders({name: frozenset(["Face"]) for name in names})


def shown(names: list[str], **face: float) -> dict[str, float]:
    """Slider → value 0..1 for a face; a coefficient without its side is both."""
    shapes = dict.fromkeys(coefficients.NAMES, 0.0)
    for name, value in face.items():
        for half in (name,) if name in shapes else (name + "Left", name + "Right"):
            assert half in shapes
            shapes[half] = value
    found = reading(names).meanings
    sums = {name: sum(share * shapes[s] for s, share in found[name].items()) for name in found}
    return {name: float(np.clip(value, 0, 1)) for name, value in sums.items()}


@pytest.mark.parametrize("names, layout", [
    (VRM0, "VRM"), (VRM1, "VRM"), (VROID, "VRoid"), (["Face.M_F00_000_" + n for n in VROID], "VRoid"),
    (VRCHAT, "VRChat"), (list(coefficients.ARKIT_OF), ARKIT), (["Body_Fat", "A", "Neutral"], ""), ([], ""),
])
def test_layouts_are_known(names, layout):
    assert reading(names).layout == layout


@pytest.mark.parametrize("start", ["Face.M_", "Hero_", "CC_Base ", "xyz.", "M_F00_"])
@pytest.mark.parametrize("extra", [[], ["Hero_smile_fat", "thin", "Hero_jawWide"]])
def test_what_most_names_begin_with_says_nothing(start, extra):
    plain = reading(coefficients.ARKIT_OF).meanings
    expected = {start + name[0].upper() + name[1:]: meaning for name, meaning in plain.items()}
    found = reading([*expected, *extra])
    assert (found.layout, found.meanings) == (ARKIT, expected)


def test_a_few_names_that_begin_alike_are_not_read():
    names = [f"Hero_{name}" for name in coefficients.ARKIT_OF]
    assert reading(names[:7]).meanings == {} and reading([*names[:20], *map(str, range(30))]).meanings == {}


@pytest.mark.parametrize("names, aa, oo, rounded, blink_l, joy", [
    (VRM0, "A", "O", "U", "Blink_L", "Joy"), (VRM1, "aa", "oh", "ou", "blinkLeft", "happy"),
    (VROID, "Fcl_MTH_A", "Fcl_MTH_O", "Fcl_MTH_U", "Fcl_EYE_Close_L", "Fcl_MTH_Fun"),
    (VRCHAT, "vrc.v_aa", "vrc.v_oh", "vrc.v_ou", "vrc.blink_left", ""),
])
def test_speech_opens_the_mouth_and_a_smile_is_joy(names, aa, oo, rounded, blink_l, joy):
    assert all(value == 0 for value in shown(names).values())
    assert shown(names, jawOpen=0.5)[aa] > 0.4
    assert shown(names, jawOpen=0.5, mouthClose=0.5)[aa] == 0, "lips that are shut over an open jaw"
    narrow = shown(names, jawOpen=0.2, mouthPucker=0.8)
    assert narrow[rounded] > 0.5 and narrow[aa] < 0.1
    rounding = shown(names, jawOpen=0.4, mouthFunnel=0.8)
    assert rounding[oo] > 0.5 and rounding[oo] + rounding[aa] < 1
    lids = shown(names, eyeBlinkLeft=1.0)
    assert lids[blink_l] == 1 and sum(v for n, v in lids.items() if "ink" in n or "Close" in n) == 1
    if joy:
        smile = shown(names, mouthSmile=0.5)
        assert 0.3 < smile[joy] < 0.6 and sum(smile.values()) == smile[joy], "nothing else moves"
        assert 0.75 < shown(names, mouthSmile=1.0)[joy] < 1, "a full smile does not saturate"


@settings(max_examples=200)
@given(st.sampled_from([VRM0, VRM1, VROID, VRCHAT]), st.integers(0, 2**32 - 1))
def test_what_excludes_each_other_is_not_shown_together(names, seed):
    """On faces of any strength the vowels add up to one and a half at most, and no part shows both joy and sorrow."""
    rng = np.random.default_rng(seed)
    face = dict(zip(coefficients.NAMES, rng.beta(0.4, 1.2, coefficients.COUNT), strict=True))
    for left, right in (("mouthSmile", "mouthFrown"), ("jawOpen", "mouthPucker"), ("browDown", "browInnerUp")):
        drop = left if rng.random() < 0.5 else right  # muscles that pull against each other
        for name in coefficients.NAMES:
            if name.startswith(drop):
                face[name] = 0.0
    values = shown(names, **face)
    tails = {name: name.rpartition("_")[2].lower() for name in values}
    vowels = [value for name, value in values.items() if tails[name] in ("a", "aa", "o", "oh", "u", "ou")]
    assert sum(vowels) <= 1.5 + 1e-6
    # VRoid's brows and mouths are sliders of their own, and sad brows over a smile are a face that people make
    part_of = {name: name.rpartition("_")[0] for name in values}
    for part in set(part_of.values()):
        joys = [value for name, value in values.items()
                if part_of[name] == part and tails[name] in ("joy", "happy", "fun", "relaxed")]
        sorrows = [value for name, value in values.items()
                   if part_of[name] == part and tails[name] in ("sorrow", "sad", "angry", "down")]
        assert min(sum(joys), sum(sorrows)) < 0.35, part
        assert sum(joys) <= 1, "joy and fun are one"


def test_what_both_sides_have_is_not_blinked_twice():
    assert "Blink" not in reading(VRM0).meanings and "Fun" not in reading(VRM0).meanings
    assert reading(["A", "I", "U", "Blink"]).meanings["Blink"]["eyeBlinkLeft"] == 0.5


def test_arkit_wins_over_whole_expressions_of_the_same_face():
    both = reading([*VRM0, *coefficients.ARKIT_OF])
    assert both.layout == ARKIT and set(both.meanings) == set(coefficients.ARKIT_OF)
    few = reading([*VRM0, "jawOpen", "tongueOut"])
    assert few.layout == "VRM" and "jawOpen" not in few.meanings


def test_two_names_of_one_mesh_never_mean_the_same():
    twins = read_sliders({
        "jawOpen": frozenset(["Face"]), "JawOpen": frozenset(["Face"]), "jaw_open": frozenset(["Teeth"]),
        "mouthSmile": frozenset(["Face"]), "mouthSmile_L": frozenset(["Face"]),
        "jawOpen.001": frozenset(["Face", "Hat"]),
    })
    assert dict(twins.meanings) == {
        "jawOpen": {"jawOpen": 1}, "jaw_open": {"jawOpen": 1}, "mouthSmile_L": {"mouthSmileLeft": 1}}
    assert twins.layout == ""


def test_a_board_of_custom_properties():
    names = [f"CTRL_{side}_{name}" for side in "LR" for name in (
        "brow_raiseIn", "brow_down", "eye_blink", "mouth_cornerPull", "mouth_stretch", "mouth_dimple", "nose")]
    board = reading([*names, "CTRL_C_jaw", "CTRL_C_eye_blink"])
    assert board.layout == "MetaHuman board"
    assert board.meanings["CTRL_R_mouth_cornerPull"] == {"mouthSmileRight": 1}
    assert board.meanings["CTRL_L_eye_blink"] == {"eyeBlinkLeft": 1, "eyeWideLeft": -1}
    assert board.meanings["CTRL_C_jaw"] == {"jawOpen": 1} and "CTRL_C_eye_blink" not in board.meanings


def test_the_table_is_sound():
    with (Path(rig_layouts.__file__).parent / "rig_layouts.toml").open("rb") as file:
        layouts = tomllib.load(file)["layout"]
    for layout in layouts:
        names = [name for slider in layout["slider"] for name in slider["names"]]
        assert len(names) == len(set(names))
        for slider in layout["slider"]:
            assert set(slider["meaning"]) <= set(SIGNALS) and set(slider.get("unless", ())) <= set(names)


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=12), st.frozensets(st.text(max_size=3), min_size=1), max_size=12))
def test_any_names_are_read(holders):
    found = read_sliders(holders)
    assert set(found.meanings) <= set(holders)
    assert all(set(meaning) <= set(SIGNALS) for meaning in found.meanings.values())
