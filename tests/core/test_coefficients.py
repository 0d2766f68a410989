import numpy as np

from addon.core import coefficients


def test_there_are_icts_53_shapes_and_the_tongue():
    assert coefficients.COUNT == 54
    assert len(set(coefficients.NAMES)) == 54
    assert coefficients.NAMES[-1] == "tongueOut"
    assert len(set(coefficients.ARKIT_OF)) == 52


def test_names_are_icts_in_icts_order(shared):
    with np.load(shared / "data/ict_facekit/ict_facekit.npz") as data:
        theirs = [str(n).replace("_L", "Left").replace("_R", "Right") for n in data["expression_names"]]
    assert list(coefficients.NAMES[:53]) == theirs


def test_mirroring_swaps_sides_and_twice_is_nothing():
    mirror = coefficients.MIRROR
    assert (mirror[mirror] == np.arange(54)).all()
    assert coefficients.NAMES[mirror[coefficients.INDEX["mouthSmileLeft"]]] == "mouthSmileRight"
    assert coefficients.NAMES[mirror[coefficients.INDEX["jawLeft"]]] == "jawRight"
    assert coefficients.NAMES[mirror[coefficients.INDEX["jawOpen"]]] == "jawOpen"
    central = {n for n, m in zip(coefficients.NAMES, mirror, strict=True) if coefficients.NAMES[m] == n}
    assert not any("Left" in n or "Right" in n for n in central)


def test_every_coefficient_is_in_one_group():
    assert sum(coefficients.in_group(group) for group in coefficients.GROUPS).tolist() == [1] * 54
