"""What characters show of coefficients, and pictures of them with the truth."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.core import coefficients
from addon.core.frames import CROP_SIZE, FaceFrame
from addon.core.rig_profile import find_profile
from addon.tracking.crop import crop_transform

pytest.importorskip("cv2")
pytest.importorskip("onnxruntime")
from training.performers import random_mix
from training.shown_coefficients import Shown

CHARACTERS = ("Ada", "Gus", "Mora", "Pip", "Uno")


@pytest.fixture(scope="module")
def shown() -> dict[str, Shown]:
    return {name: Shown(find_profile(name)) for name in CHARACTERS}


def face(**values: float) -> np.ndarray:
    row = np.zeros((1, 54), np.float32)
    for name, value in values.items():
        row[0, coefficients.INDEX[name]] = value
    return row


def of(row: np.ndarray, name: str) -> float:
    return float(row[0, coefficients.INDEX[name]])


@pytest.mark.parametrize("name", CHARACTERS)
def test_what_is_seen_looks_like_what_was_asked_for(shown: dict[str, Shown], name: str) -> None:
    one, random = shown[name], np.random.default_rng(3)
    values, still = np.stack([random_mix(random) for _ in range(40)]), np.zeros((40, 3))
    seen = one.seen(values)
    assert seen.shape == (40, 54) and seen.min() >= 0 and seen.max() <= 1 and not seen[:, ~one.known].any()
    asked, left = (one.controls.scaled(one.decode(rows, still)) for rows in (np.where(one.known, values, 0), seen))
    assert np.abs(asked - left).mean() < 0.01
    assert seen.sum() > 0.7 * np.where(one.known, values, 0).sum()
    np.testing.assert_array_equal(one.known, one.known[coefficients.MIRROR])


def test_what_cannot_be_shown_is_not_known(shown: dict[str, Shown]) -> None:
    assert shown["Mora"].known.all() and shown["Pip"].known.all()
    lacking = {coefficients.NAMES[i] for i in np.flatnonzero(~shown["Uno"].known)}
    assert {"cheekPuffLeft", "cheekPuffRight", "jawForward", "mouthRollLower", "mouthRollUpper"} <= lacking
    assert not {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "browDownRight"} & lacking


def test_one_eye_shows_the_mean_of_two_lids(shown: dict[str, Shown]) -> None:
    seen = shown["Uno"].seen(face(eyeBlinkLeft=0.8))
    assert of(seen, "eyeBlinkLeft") == of(seen, "eyeBlinkRight") == pytest.approx(0.4, abs=0.02)
    assert of(shown["Pip"].seen(face(eyeBlinkLeft=0.8)), "eyeBlinkRight") == 0


def test_what_cancels_out_is_not_there(shown: dict[str, Shown]) -> None:
    seen = shown["Pip"].seen(face(jawLeft=0.7, jawRight=0.4, mouthSmileLeft=0.5))
    assert of(seen, "jawRight") == 0 and of(seen, "jawLeft") == pytest.approx(0.3, abs=0.03)
    assert of(seen, "mouthSmileLeft") == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("name", ["Ada", "Gus", "Mora", "Uno"])
def test_controls_are_explained_by_what_made_them(shown: dict[str, Shown], name: str) -> None:
    one, random = shown[name], np.random.default_rng(4)
    wanted = one.seen(np.stack([random_mix(random) * 0.6 for _ in range(12)]))
    controls = one.decode(wanted, np.zeros((12, 3)))
    turned = one.with_head(controls, np.full((12, 3), 0.1))
    found, explained = one.explain(turned)
    assert explained.mean() > 0.8
    again = one.decode(found, np.zeros((12, 3)))
    # as far as the limits of the controls let it
    assert np.abs(one.controls.scaled(again) - one.controls.scaled(controls))[explained].mean() < 0.02
    assert (turned != controls).any()


def test_what_no_coefficient_means_is_not_explained(shown: dict[str, Shown]) -> None:
    controls = shown["Gus"].controls
    meaningless = np.array([not control.meaning for control in controls.controls])
    assert meaningless.any()
    wide = np.where(meaningless, controls.maximum, controls.neutral)[None]
    assert not shown["Gus"].explain(wide)[1].any()


def test_test_faces_are_kept_apart(shared: Path) -> None:
    from training.drawn_faces import Casting
    from training.performers import PerformanceCurves

    curves = PerformanceCurves()
    training, test = (Casting("Uno", curves, wanted) for wanted in (False, True))
    poses = [{pose.tobytes() for pose in casting._poses} for casting in (training, test)]
    assert len(poses[0]) + len(poses[1]) == 70 and not poses[0] & poses[1]
    rows = [training.draw(np.random.default_rng(i)) for i in range(30)]
    again = training.draw(np.random.default_rng(7))
    for key, value in rows[7].items():
        np.testing.assert_array_equal(value, again[key])
    classes = [int(row["expression_class"]) for row in rows]
    assert -1 in classes and len(set(classes)) > 3
    assert all(not row["coefficients"][~row["known"]].any() for row in rows)
    limits = find_profile("Uno").control_set
    for row in rows:
        np.testing.assert_array_equal(row["controls"], limits.clamped(row["controls"]))


def test_a_face_beside_the_head_is_another() -> None:
    pytest.importorskip("bpy")
    from addon.tracking.crop import _POINTS, _POSITIONS
    from training.drawn_faces import crop_of_head, is_there
    from training.drawn_stage import Head

    landmarks = np.zeros((478, 3), np.float32)
    landmarks[_POINTS] = _POSITIONS * 40 + [120, 90, 0]
    found = FaceFrame(0.0, True, landmarks, 1.0, np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8))
    seen = crop_transform(landmarks)
    side = CROP_SIZE / np.hypot(*seen[0, :2])
    centre = np.linalg.solve(seen[:, :2], [(CROP_SIZE - 1) / 2] * 2 - seen[:, 2])

    def head(right: float = 0, larger: float = 1, roll: float = 0) -> Head:
        return Head(np.zeros(3), centre + [right, 0], side * larger, roll)

    np.testing.assert_allclose(head().crop_transform(), seen, atol=1e-5)
    assert is_there(found, head()) and is_there(found, head(10, 1.2, 0.2))
    assert not is_there(found, head(40)) and not is_there(found, head(0, 2)) and not is_there(found, head(0, 1, 0.5))
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[round(centre[1]) - 3:round(centre[1]) + 4, round(centre[0]) - 3:round(centre[0]) + 4] = 255
    at = [np.argwhere(crop_of_head(picture, head(), np.random.default_rng(i))[..., 0] > 128).mean(0) for i in range(20)]
    assert np.abs(np.mean(at, 0) - CROP_SIZE / 2).max() < 5 and 2 < np.std(at, 0).max() < 9


def test_a_shard_of_mora(shared: Path) -> None:
    pytest.importorskip("bpy")
    from addon.commands.terminal import without_chatter
    from addon.core.frames import Frame
    from addon.tracking.tracker import FaceTracker
    from training.drawn_faces import Casting, draw_shard, is_there
    from training.drawn_stage import DrawnStage, View
    from training.performers import PerformanceCurves

    casting, tracker = Casting("Mora", PerformanceCurves(), False), FaceTracker()
    still = np.zeros((1, 54), np.float32)
    with without_chatter(), DrawnStage(casting.profile) as stage:
        columns = draw_shard(casting, stage, tracker, [1], 3, True)
        ahead = View((0.0, 0.0, 0.0), 5.0, 150, (0.0, 0.0), "paint.sl", 0.0)
        beside = View((0.4, 0.0, 0.0), 5.0, 150, (0.05, -0.04), "paint.sl", 0.0)
        pictures, heads = zip(*[
            stage.shoot(casting.shown.decode(still, np.array([turn]))[0], view)
            for turn, view in ([(0, 0, 0), ahead], [(0, 0, 0), beside], [(0.3, 0.1, 0), ahead])], strict=True)
    shapes = {"landmarks": (478, 3), "crops": (128, 128, 3), "coefficients": (54,), "known": (54,), "head": (3,),
              "person": (), "expression_class": (), "character": (), "found": ()}
    for name, shape in shapes.items():
        assert columns[name].shape == (3, *shape), name
    assert columns["crops"].std() > 20 and columns["character"].tolist() == [2, 2, 2]
    assert pictures[0].shape == (256, 256, 4) and 0.1 < (pictures[0][..., 3] > 128).mean() < 0.9
    assert np.abs(heads[0].angles).max() < 0.02
    # the camera on the person's left sees the head as if it were turned to the person's right
    np.testing.assert_allclose(heads[1].angles, [-0.4, 0, 0], atol=0.03)
    np.testing.assert_allclose(heads[2].angles, [0.3, 0.1, 0], atol=0.05)
    np.testing.assert_allclose(heads[1].centre - 127.5, [0.05 * 256, -0.04 * 256], atol=2)
    for picture, head in zip(pictures, heads, strict=True):
        tracker.reset()
        assert is_there(tracker.track(Frame(np.ascontiguousarray(picture[..., :3]), 0.0, 0)), head)
