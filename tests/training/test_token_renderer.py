"""The token renderer learns who from a picture and what from the motion, on squares that a test can see through."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("moderngl")
from training import token_renderer_model  # noqa: E402
from training.body_people import person_of  # noqa: E402
from training.body_stage import BodyPose  # noqa: E402
from training.motion_token_model import SLICES, TOKENS  # noqa: E402
from training.stage_runs import Plan  # noqa: E402
from training.token_renderer import train  # noqa: E402
from training.token_renderer_data import (  # noqa: E402
    Figures,
    as_pictures,
    as_values,
    cut_out,
    recoloured,
    same_person,
    stand_in,
)
from training.token_renderer_report import JointReader, draw_rows, figures_of, grid, triples  # noqa: E402

SIDE = 16


@pytest.fixture(scope="module")
def squares() -> Figures:
    """Four people, each a colour, in four poses: where a square of 8 px is."""
    colours = np.random.default_rng(0).choice([10, 70, 190, 245], (4, 3))
    corners = np.array([(0, 0), (8, 0), (0, 8), (8, 8)])
    rows = np.arange(16)
    pictures = np.full((16, SIDE, SIDE, 3), 128, np.uint8)
    motion, points = np.zeros((16, TOKENS), np.float32), np.zeros((16, 22, 2), np.float32)
    for row, (x, y) in enumerate(corners[rows // 4]):
        pictures[row, y:y + 8, x:x + 8] = colours[row % 4]
        motion[row, SLICES["body"]][:2] = x, y
        points[row] = x + 3.5, y + 3.5
    return Figures(pictures, points, motion, (rows % 4).astype(np.int32), (rows // 4).astype(np.int32), rows)


def test_a_tiny_renderer_draws_the_references_person_in_the_drivers_motion(squares: Figures, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    network = train(squares, "tiny", Plan(200, 16, 8e-3, weight_decay=0), tmp_path / "tiny.pt", "made")
    rows = triples(squares, np.random.default_rng(1), 16)
    drawn = draw_rows(network, squares.motion[rows[:, 0]], squares.pictures[rows[:, 1]]).astype(int)
    truth = squares.pictures[rows[:, 2]]

    def error(pictures: np.ndarray) -> float:
        return float(np.abs(pictures - truth).mean())

    copied = error(squares.pictures[rows[:, 1]].astype(int))
    assert error(drawn) < 0.7 * copied and error(drawn) < 0.7 * error(np.roll(drawn, 1, 0))
    again = draw_rows(network, squares.motion[rows[:, 0]], squares.pictures[rows[:, 1]])
    assert (again == drawn).all(), "no chance in it"
    found = figures_of(network, JointReader(), squares, rows)
    assert found["colours_drawn"] < found["colours_shuffled"] and found["person_true"] > 0.9
    assert found["person_drawn"] > 2 * found["person_chance"] and found["person_driver"] < 0.1
    assert grid(network, squares, 2, 3).shape == (3 * SIDE, 4 * SIDE, 3)


def test_the_true_pose_tells_each_part_apart() -> None:
    one = np.eye(3, dtype=np.float32)
    rest = BodyPose(np.tile(one, (22, 1, 1)), np.tile(one, (2, 15, 1, 1)), np.zeros(54, np.float32))
    bent = rest.fingers.copy()
    bent[1, 4] = [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]
    smile = rest.coefficients.copy()
    smile[45] = 1
    told = stand_in(rest)
    for part, pose in (("right", replace(rest, fingers=bent)), ("face", replace(rest, coefficients=smile))):
        changed = np.flatnonzero(stand_in(pose) != told)
        assert len(changed) and all(SLICES[part].start <= i < SLICES[part].stop for i in changed)


def test_figures_are_cut_out_alike_and_stand_before_grey() -> None:
    """Two pictures of one person, one twice as near: cut out they are the same."""
    random = np.random.default_rng(2)
    joints = np.concatenate([np.zeros((1, 3)), random.uniform(-0.4, 0.4, (21, 3))]).astype(np.float32)
    person = 5
    columns = {"picture": np.empty((2, 128, 128, 3), np.uint8), "depth": np.full((2, 64, 64), np.nan, np.float16),
               "points": np.empty((2, 22, 2), np.float32), "joints": np.stack([joints] * 2),
               "person": np.full(2, person)}
    for row, (scale, x, y) in enumerate(((40, 50, 60), (80, 70, 62))):
        columns["picture"][row] = random.integers(0, 256, (128, 128, 3))
        half = round(0.2 * scale)
        columns["picture"][row, y - half:y + half, x - half:x + half] = (250, 10, 10)
        columns["depth"][row, (y - half) // 2:(y + half) // 2, (x - half) // 2:(x + half) // 2] = 0
        columns["points"][row] = (x - 0.5, y - 0.5) + scale * joints[:, :2]
    pictures, points = cut_out(columns, 64, np.arange(2))
    np.testing.assert_allclose(points[0], points[1], atol=1e-3)
    assert np.abs(points[0, 0] - (0.5 * 63, 0.54 * 63)).max() < 1e-3
    assert (pictures[:, 0] == 128).all() and (pictures[:, :, 0] == 128).all()
    assert (np.abs(pictures[0].astype(int) - pictures[1]).max(2) > 60).mean() < 0.03
    wide = (pictures[0, ..., 0] > 190).any(0).sum()
    assert abs(wide - 64 * 0.4 / (1.25 * person_of(person).height)) < 3


def test_references_are_other_pictures_of_the_same_person(squares: Figures) -> None:
    random = np.random.default_rng(3)
    rows = random.integers(16, size=100)
    others = same_person(squares)(random, rows)
    assert (squares.person[others] == squares.person[rows]).all() and (others != rows).all()


def test_colours_change_alike_and_grey_stays(squares: Figures) -> None:
    values = as_values(squares.pictures[:8])
    assert (as_pictures(values) == squares.pictures[:8]).all()
    one, other = recoloured(np.random.default_rng(4), values, values)
    assert (one == other).all() and not torch.allclose(one, values)
    assert (one[:, :, -1, -1] == 0).all()


def test_ddim_finds_the_picture_that_a_perfect_network_knows() -> None:
    """However many steps it takes."""
    truth = torch.rand(2, 3, SIDE, SIDE) * 1.6 - 0.8

    class Knowing(torch.nn.Module):
        size = token_renderer_model.SIZES["tiny"]

        def forward(self, noisy: object, noise: object, motion: object, reference: object) -> object:
            return truth

    for steps in (2, 9):
        drawn = token_renderer_model.draw(Knowing(), torch.zeros(2, TOKENS), truth, steps)
        torch.testing.assert_close(drawn, truth, atol=1e-4, rtol=0)
