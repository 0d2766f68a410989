"""A rig that Rigify generated is known by its FK controls; a metarig, or any other, is not."""
from __future__ import annotations

import numpy as np

from addon.characters.body_pose import skeleton_of
from addon.characters.rigify_controls import find_controls

CHAIN = {
    "torso": ("", (0, 0, 1)), "spine_fk.003": ("torso", (0, 0, 1.3)), "neck": ("spine_fk.003", (0, 0, 1.5)),
    "head": ("neck", (0, -.02, 1.6)), "ORG-spine.003": ("spine_fk.003", (0, 0, 1.3)),
    **{f"{name}.{side}": (f"{above}.{side}" if above else "ORG-spine.003", (sign * x, 0, z))
       for side, sign in (("L", 1), ("R", -1)) for name, above, x, z in (
           ("upper_arm_fk", "", .2, 1.4), ("forearm_fk", "upper_arm_fk", .5, 1.4), ("hand_fk", "forearm_fk", .8, 1.4),
           ("thigh_fk", "", .1, 1), ("DEF-forearm", "upper_arm_fk", .5, 1.4), ("DEF-hand", "DEF-forearm", .8, 1.4),
           ("f_index.01", "DEF-hand", .9, 1.4))},
}


def test_controls_lead_and_deform_bones_follow() -> None:
    names = list(CHAIN)
    parents = [names.index(parent) if parent else -1 for parent, _ in CHAIN.values()]
    heads = np.array([place for _, place in CHAIN.values()], float)
    made = skeleton_of(names, parents, heads, heads + [0, 0, .1], "rig")
    assert names[made.joints["pelvis"]] == "torso" and names[made.joints["left_elbow"]] == "forearm_fk.L"
    assert names[made.joints["right_index1"]] == "f_index.01.R"
    assert {names[bone]: joint for bone, joint in made.followers.items()} == {
        "DEF-hand.L": "left_wrist", "DEF-hand.R": "right_wrist"}
    assert np.allclose(made.axes, [[1, 0, 0], [0, 0, -1], [0, 1, 0]]), "a head that is carried forward does not tilt it"


def test_other_rigs_have_none() -> None:
    assert find_controls(["spine", "upper_arm.L", "forearm.L", "thigh.L", "DEF-hand.L"]) == {}
