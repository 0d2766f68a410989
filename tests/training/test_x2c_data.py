"""Pictures with their controls: Ada's pairs, and X2C's own format on tiny files, split so that nothing leaks."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
cv2 = pytest.importorskip("cv2")
from addon.core.errors import SemblanceError  # noqa: E402
from addon.core.pair_set import TEST, TRAINING, PairHeader, Shard, write_header, write_shard  # noqa: E402
from addon.core.rig_profile import find_profile  # noqa: E402
from training.face_sets import LabelledFace  # noqa: E402
from training.x2c_data import (  # noqa: E402
    Renders,
    View,
    ada_renders,
    animation_of,
    held_out,
    with_mirror_images,
    x2c_renders,
)

ADA = find_profile("ada").control_set
VIEW = View(0.5, 8)
SIDE = 64


def pairs(folder: Path, count: int = 40, purpose: str = TRAINING, character: str = "Ada") -> Path:
    """A set of pairs whose pictures are noise; every third has no landmarks."""
    header = PairHeader(purpose, character, "", "", ADA.names, ("mix",), SIDE, 0)
    random = np.random.default_rng(1)
    write_header(folder, header, count)
    for number, first in enumerate(range(0, count, 32)):
        n = min(32, count - first)
        landmarks = random.uniform(20, 44, (n, 478, 3)).astype(np.float32)
        landmarks[::3] = np.nan
        values = ADA.unscaled(random.uniform(-1, 1, (n, len(ADA))))
        images = random.integers(0, 256, (n, SIDE, SIDE, 3), np.uint8)
        shard = Shard(images, values, np.zeros(n, np.uint8), landmarks, np.ones(n, np.float32))
        write_shard(folder, number, shard, header)
    return folder


def test_adas_pairs_are_seen_in_the_middle(tmp_path: Path) -> None:
    renders = ada_renders(pairs(tmp_path), TRAINING, VIEW)
    assert renders.pictures.shape == (40, 8, 8, 3) and renders.controls.shape == (40, 30)
    assert [face.found for face in renders.faces[:4]] == [False, True, True, False]
    assert renders.faces[1].crop.shape == (128, 128, 3) and renders.faces[1].crop.any()
    assert len(ada_renders(tmp_path, TRAINING, VIEW, 5)) == 5
    np.testing.assert_array_equal(ada_renders(tmp_path, TRAINING, VIEW, 35).controls, renders.controls[:35])


def test_pairs_for_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SemblanceError, match="must not be used for test"):
        ada_renders(pairs(tmp_path / "a"), TEST, VIEW)
    with pytest.raises(SemblanceError, match="pairs of Gus"):
        ada_renders(pairs(tmp_path / "b", character="Gus"), TRAINING, VIEW)


def test_a_view_is_the_middle_of_a_picture() -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[10:30, 20:40] = 200
    assert (View(0.5, 10).of(picture) == 200).all()
    whole = View(1.0, 40).of(picture)
    assert whole.shape == (40, 40, 3)
    np.testing.assert_array_equal(whole, picture[:, 10:50])


def test_mirror_images_swap_the_sides(tmp_path: Path) -> None:
    renders = ada_renders(pairs(tmp_path), TRAINING, VIEW)
    both = with_mirror_images(renders, ADA, SIDE)
    assert len(both) == 80 and len(both.faces) == 80
    np.testing.assert_array_equal(both.pictures[40:], renders.pictures[:, :, ::-1])
    np.testing.assert_allclose(ADA.mirrored(both.controls[40:]), renders.controls, atol=1e-4)
    seen, flipped = renders.faces[1], both.faces[41]
    np.testing.assert_array_equal(flipped.crop, seen.crop[:, ::-1])
    # outer corners of the right and the left eye
    np.testing.assert_allclose(flipped.landmarks[33, 0], SIDE - 1 - seen.landmarks[263, 0], atol=1e-4)
    assert np.diff([face.time_s for face in both.faces]).min() > 0


def x2c_folder(folder: Path, rows: list[tuple[str, str | None]], extra: str = "") -> Path:
    """X2C's files: a grey picture per row, as bright as its number, Head Yaw too."""
    lines = []
    for number, (name, animation) in enumerate(rows):
        path = folder / ("images0" if "/" not in name else "") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((20, 30, 3), number, np.uint8))
        values = ADA.neutral.tolist()
        values[12] = number
        more = {} if animation is None else {"animation": animation}
        lines.append(json.dumps({"file_name": name, "ctrl_value": values, **more}))
    (folder / "metadata.jsonl").write_text("\n".join([*lines, extra]), encoding="utf-8")
    return folder


def test_x2c_is_split_by_animation(tmp_path: Path) -> None:
    rows = [(f"{number}.png", f"animation {number // 3}") for number in range(30)]
    bad = json.dumps({"file_name": "0.png", "ctrl_value": [0] * 29})
    folder = x2c_folder(tmp_path / "x2c", rows, bad)
    learned, asked, refused = x2c_renders(folder, ADA, View(1.0, 8), tmp_path / "kept")
    yaw = learned.controls[:, 12], asked.controls[:, 12]
    assert sorted(np.concatenate(yaw)) == list(range(30)) and len(asked) >= 3
    assert not set(yaw[0] // 3) & set(yaw[1] // 3)
    # pictures and controls of a row belong together
    np.testing.assert_array_equal(learned.pictures[:, 4, 4, 0], yaw[0])
    assert len(refused) == 1 and "line 31: it has 29 control values" in refused[0]


def test_x2cs_pictures_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = x2c_folder(tmp_path / "x2c", [(f"{name}/{n}.png", None) for name in "abcde" for n in range(2)])
    first, _, _ = x2c_renders(folder, ADA, VIEW, tmp_path / "kept")
    monkeypatch.setattr("training.x2c_data.read_picture", lambda path: pytest.fail("read again"))
    again, _, _ = x2c_renders(folder, ADA, VIEW, tmp_path / "kept")
    np.testing.assert_array_equal(first.pictures, again.pictures)


def test_x2c_of_one_animation_cannot_be_split(tmp_path: Path) -> None:
    folder = x2c_folder(tmp_path, [("one/1.png", None), ("one/2.png", None)], '{"file_name": "x"}')
    with pytest.raises(SemblanceError, match=r"2 frames of fewer than two animations.*line 3: it is no JSON"):
        x2c_renders(folder, ADA, VIEW, tmp_path / "kept")
    (folder / "metadata.jsonl").write_text("")
    with pytest.raises(SemblanceError, match="0 frames"):
        x2c_renders(folder, ADA, VIEW, tmp_path / "kept")


def test_frames_without_a_name_count_as_blocks() -> None:
    def names(*stems: str) -> list[str]:
        return [animation_of(LabelledFace(Path(f"{stem}.png")), row) for row, stem in enumerate(stems)]

    assert len(set(names("0", "1", "499"))) == 1 and len(set(names("499", "500", "1200"))) == 3
    assert len(set(names("a", "b"))) == 1
    assert animation_of(LabelledFace(Path("1.png"), animation="wink"), 0) == "wink"


def test_what_is_held_out_depends_on_the_names_alone() -> None:
    names = [f"animation {i}" for i in range(60)]
    aside = dict(zip(names, held_out(names), strict=True))
    assert 5 <= sum(aside.values()) <= 20
    more = held_out([*names[::-1], "another"])
    assert [aside[name] for name in names[::-1]] == more[:-1].tolist()
    assert held_out(["a", "b", "a"]).sum() in (1, 2)


def test_a_part_of_renders() -> None:
    renders = Renders(np.zeros((4, 2, 2, 3), np.uint8), np.zeros((4, 30), np.float32), [])
    assert len(renders[:2]) == 2 and renders[:2].faces == []
