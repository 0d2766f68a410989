"""A reference bent by its own marks is itself; by others its limbs are where those say, the nearer one in front."""
from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from training.token_renderer_guide import BONES, MARKS, bent, bone_map  # noqa: E402

SIDE = 64
_STANDS = {
    "pelvis": (0.5, 0.55), "spine1": (0.5, 0.5), "spine2": (0.5, 0.45), "spine3": (0.5, 0.4), "neck": (0.5, 0.3),
    "head": (0.5, 0.26), "crown": (0.5, 0.14), "left_hip": (0.55, 0.56), "left_knee": (0.56, 0.72),
    "left_ankle": (0.56, 0.88), "left_foot": (0.57, 0.92), "left_collar": (0.53, 0.31), "left_shoulder": (0.58, 0.31),
    "left_elbow": (0.7, 0.31), "left_wrist": (0.82, 0.31), "left_tip": (0.9, 0.31),
}
"""A figure whose left half this is, its arms to the sides."""
_ARM = ("shoulder", "elbow", "wrist", "tip")


@pytest.fixture
def marks() -> torch.Tensor:
    """[1, 25, 3]."""
    places = [_STANDS[name] if name in _STANDS else (1 - _STANDS[name.replace("right", "left")][0],
                                                     _STANDS[name.replace("right", "left")][1]) for name in MARKS]
    return torch.tensor([[*place, 0.0] for place in places])[None]


@pytest.fixture
def picture() -> torch.Tensor:
    """Trunk and legs in one colour, the left arm, which is at the picture's right, in another."""
    values = torch.zeros(1, 3, SIDE, SIDE)
    values[:, 0, 8:58, 27:37] = 0.8
    values[:, 1, 18:22, 37:58] = 0.6
    return values


def test_bent_by_its_own_marks_it_is_itself(marks: torch.Tensor, picture: torch.Tensor) -> None:
    found = bent(picture, marks, marks)
    torch.testing.assert_close(found[:, :3], picture, atol=0.05, rtol=0)
    assert torch.equal(found[:, 3] > 0.5, picture.abs().amax(1) > 0.05)


def test_a_lowered_arm_hangs_and_leaves_no_arm_behind(marks: torch.Tensor, picture: torch.Tensor) -> None:
    lowered = marks.clone()
    for at, name in zip((0.31, 0.43, 0.55, 0.63), _ARM, strict=True):
        lowered[0, MARKS.index(f"left_{name}"), :2] = torch.tensor([0.62, at])
    found = bent(picture, marks, lowered)[0]
    assert found[1, 23:36, 39].min() > 0.4 and found[1, 18:22, 46:].max() < 0.1
    assert found[0, 8:58, 30:34].min() > 0.6, "the rest stays"


def test_what_is_nearer_hides(marks: torch.Tensor, picture: torch.Tensor) -> None:
    """An arm laid across the trunk, before it or behind it."""
    seen = []
    for depth in (-0.4, 0.4):
        across = marks.clone()
        for at, name in zip((0.58, 0.5, 0.42, 0.36), _ARM, strict=True):
            across[0, MARKS.index(f"left_{name}")] = torch.tensor([at, 0.42, depth])
        seen.append(bent(picture, marks, across)[0, 1, 26:28, 29:35].mean().item())
    assert seen[0] > 0.4 and seen[1] < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_odd_marks_give_finite_pictures(picture: torch.Tensor, seed: int) -> None:
    """Far outside, all in one place, or anywhere."""
    random = np.random.default_rng(seed)
    one, other = (torch.from_numpy((random.normal(0.5, 0.3, (1, len(MARKS), 3)) * scale).astype(np.float32))
                  for scale in random.choice([0, 0.2, 1, 50], 2))
    found = bent(picture, one, other)
    assert bool(found.isfinite().all()) and found[:, 3].min() >= 0 and found[:, 3].max() <= 1
    assert found.abs().max() <= 1.001


def test_the_map_is_one_on_bones_and_nothing_far_from_them(marks: torch.Tensor) -> None:
    found = bone_map(marks, SIDE)[0]
    assert found.shape == (BONES, SIDE, SIDE)
    leg = found[MARKS.index("left_knee") - 1]
    assert leg[38:44, 35].min() > 0.9 and leg[:20].max() < 1e-3 and leg[:, :20].max() < 1e-3
