"""A look is of a straightened face, and its mirror image is the look of the mirror image; the export agrees."""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("torch")
import cv2
import torch

from addon.core.network import Network
from training import animator_look, animator_report
from training.animator_look import (
    CELLS,
    SEEN,
    CellLayer,
    Look,
    Sights,
    axes_of,
    both_cells,
    kept_look,
    learn_look,
    new_cells,
    ridge_by_folds,
)

torch.set_num_threads(1)


def crops(count: int) -> tuple[np.ndarray, torch.Tensor]:
    """Crops of a face that is not where it should be, and where its square is [count, 2, 3]."""
    random = np.random.default_rng(0)
    face = cv2.resize(random.integers(0, 255, (16, 16, 3), np.uint8), (128, 128), interpolation=cv2.INTER_CUBIC)
    pictures, frames = [], []
    for _ in range(count):
        shift = random.uniform(-6, 6, 2)
        moved = np.float64([[1, 0, shift[0]], [0, 1, shift[1]]])
        pictures.append(cv2.warpAffine(face, moved, (128, 128), borderMode=cv2.BORDER_REFLECT))
        frames.append(np.float32([[0.875, 0, shift[0] / 64], [0, 0.875, shift[1] / 64]]))
    return np.stack(pictures), torch.from_numpy(np.stack(frames))


@pytest.fixture(scope="module")
def sights() -> Sights:
    pictures, frames = crops(60)
    other = torch.tensor([[1.0, -1, -1], [-1, 1, 1]])
    return Sights(pictures, torch.cat([frames, frames * other]), np.zeros((60, 1), np.float32))


@pytest.fixture(scope="module")
def learned(sights) -> Iterator[tuple[Look, list[torch.Tensor]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(animator_look, "_AXES", (100, 200))
        look, frames = learn_look([sights])
        look.layers[0].begin_with(axes_of(torch.randn(400, CELLS, generator=torch.Generator().manual_seed(3))))
        for layer in (look.layers[0].upper_patterns, look.layers[0].lower_patterns):
            torch.nn.init.normal_(layer.weight, std=0.01)
        yield look, frames


def test_the_face_is_found_where_it_was_put(sights):
    with torch.no_grad():
        found = Look(1).learn_frames(sights, 0)
    before = (Look(1).still(120) - sights.frames).square().mean()
    assert (found - sights.frames).square().mean() < before / 20


def test_what_others_say_never_saw_the_picture_or_its_mirror_image():
    random = torch.Generator().manual_seed(1)
    inputs, wanted = torch.randn(20, 3, generator=random), torch.randn(20, 2, generator=random)
    told = ridge_by_folds(inputs, wanted)[1]
    wanted[[0, 10]] += 100
    again = ridge_by_folds(inputs, wanted)[1]
    torch.testing.assert_close(told[[0, 10]], again[[0, 10]])
    assert (told - again)[1:10].abs().max() > 0.1


def test_a_layer_begins_with_principal_components(monkeypatch):
    monkeypatch.setattr(animator_look, "_AXES", (100, 200))
    cells = torch.randn(300, 30) @ torch.randn(30, CELLS)
    layer, axes = CellLayer(), axes_of(cells.half())
    layer.begin_with(axes)
    with torch.no_grad():
        seen = layer(cells)
    own = axes.components(cells.half())
    assert seen.shape == (300, SEEN) and own.shape == (300, 300)
    along = torch.corrcoef(torch.stack([seen[:, 0], own[:, 0]]))[0, 1].abs()
    assert along > 0.999 and seen[:, :20].std(0).min() > 0.1


def test_a_mirrored_picture_has_the_same_look_in_the_other_place(learned, sights):
    look, whose = learned[0], torch.zeros(5, dtype=torch.int64)
    with torch.no_grad():
        here, there = (look(torch.from_numpy(sights.crops[:5, :, ::way].copy()), whose) for way in (1, -1))
    torch.testing.assert_close(here, torch.cat([there[:, SEEN:], there[:, :SEEN]], 1))


def test_cells_of_new_pictures_are_seen_through_the_layer(learned, sights):
    look = learned[0]
    with torch.no_grad():
        seen = look.layers[0](new_cells(look, sights.crops[:5], 0).float())
        whole = look.one_way(torch.from_numpy(sights.crops[:5]), torch.zeros(5, dtype=torch.int64))
    assert (seen - whole).abs().mean() < 0.01 * whole.abs().mean()
    assert both_cells(look, sights.crops, learned[1][0], 0).float().mean(0).abs().max() < 0.01


def test_it_is_kept_and_learned_anew_of_other_pictures(learned, sights, tmp_path):
    path = tmp_path / "look.pt"
    torch.save({"counts": [60], "look": learned[0].state_dict(), "frames": learned[1]}, path)
    look, frames = kept_look([sights], path)
    torch.testing.assert_close(look.means, learned[0].means)
    torch.testing.assert_close(frames[0], learned[1][0])


def test_the_export_sees_the_same(learned, sights, tmp_path):
    few, whose = sights.crops[:4], torch.zeros(4, dtype=torch.int64)
    with torch.no_grad():
        before = learned[0](torch.from_numpy(few), whose).numpy()
    animator_report.keep_look(learned[0], tmp_path)
    seen, = Network(tmp_path, "A test").run(["look"], crop=few, seen=np.zeros(4, np.int64))
    assert np.abs(seen - before).mean() < 0.05 * np.abs(before).mean()
