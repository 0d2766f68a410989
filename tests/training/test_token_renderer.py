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
from training.motion_token_model import SLICES, TOKENS  # noqa: E402
from training.network_cards import Told  # noqa: E402
from training.stage_runs import Plan  # noqa: E402
from training.token_renderer import Lessons, train, train_guide  # noqa: E402
from training.token_renderer_data import (  # noqa: E402
    Figures,
    cut_out,
    others,
    recoloured,
)
from training.token_renderer_guide import MARKS  # noqa: E402
from training.token_renderer_model import TokenRenderer, as_pictures, as_values  # noqa: E402
from training.token_renderer_report import JointReader, draw_rows, figures_of, grid, triples  # noqa: E402

SIDE = 16


@pytest.fixture(scope="module")
def squares() -> Figures:
    """Four people, each a colour, in four poses: where a square of 8 px is."""
    colours = np.random.default_rng(0).choice([10, 70, 190, 245], (4, 3))
    corners = np.array([(0, 0), (8, 0), (0, 8), (8, 8)])
    rows = np.arange(16)
    pictures = np.full((16, SIDE, SIDE, 3), 128, np.uint8)
    tokens, marks = np.zeros((16, TOKENS), np.float32), np.zeros((16, len(MARKS), 3), np.float32)
    upright = np.linspace(7, 1, len(MARKS))
    for row, (x, y) in enumerate(corners[rows // 4]):
        pictures[row, y:y + 8, x:x + 8] = colours[row % 4]
        tokens[row, SLICES["body"]][:2] = x / 8, y / 8
        marks[row, :, 0], marks[row, :, 1] = (x + 4) / SIDE, (y + upright) / SIDE
    return Figures(pictures, marks, tokens, (rows % 4).astype(np.int32), (rows // 4).astype(np.int32))


@pytest.fixture(scope="module")
def tiny(squares: Figures, tmp_path_factory: pytest.TempPathFactory) -> TokenRenderer:
    """A renderer that has learned the squares."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny")
    assert train_guide(squares, "tiny", Plan(40, 16, 4e-3), folder / "guide.pt") == 0
    return train(squares, "tiny", Plan(10, 8, 4e-3, weight_decay=0), folder / "tiny.pt", folder / "guide.pt")


def test_a_tiny_renderer_draws_the_references_person_in_the_drivers_motion(
    squares: Figures, tiny: TokenRenderer
) -> None:
    rows = triples(squares, np.random.default_rng(1), 16)
    drawn = draw_rows(tiny, squares, rows[:, 0], rows[:, 1])[0].astype(int)
    truth = squares.pictures[rows[:, 2]]

    def error(pictures: np.ndarray) -> float:
        return float(np.abs(pictures - truth).mean())

    copied = error(squares.pictures[rows[:, 1]].astype(int))
    assert error(drawn) < 0.6 * copied and error(drawn) < 0.6 * error(np.roll(drawn, 1, 0))
    assert (draw_rows(tiny, squares, rows[:, 0], rows[:, 1])[0] == drawn).all(), "no chance in it"
    found = figures_of(tiny, JointReader(), squares, rows)
    assert found["colours_drawn"] < found["colours_shuffled"] and found["person_true"] > 0.9
    assert found["person_drawn"] > 2 * found["person_chance"] and found["person_driver"] < 0.1
    assert grid(tiny, squares, 2, 3).shape == (3 * SIDE, 4 * SIDE, 3)


def test_who_knows_better_than_the_guide_is_believed(squares: Figures, tiny: TokenRenderer) -> None:
    """With marks of another pose the figure stands there; where they are unknown the guide has its way."""
    motion, own = torch.from_numpy(squares.tokens[[0]]), torch.from_numpy(squares.tokens[[4]])
    reference = as_values(torch.from_numpy(squares.pictures[[4]]))
    guided, elsewhere, unknown = (
        tiny.told(motion, reference, own, marks).guess for marks in (
            None, torch.from_numpy(squares.marks[[12]]), torch.full((1, len(MARKS), 3), torch.nan)))
    assert torch.equal(guided, unknown)
    there = guided[0, 3] > 0.5, elsewhere[0, 3] > 0.5
    assert there[0][:8, :8].float().mean() > 0.6 and there[0][8:, 8:].float().mean() < 0.2
    assert there[1][8:, 8:].float().mean() > 0.6 and there[1][:8, :8].float().mean() < 0.2


def test_it_is_kept_as_it_draws(squares: Figures, tiny: TokenRenderer, tmp_path: Path) -> None:
    folder = tmp_path / "renderer"
    told = Told("a test", "squares", "none")
    token_renderer_model.export(tiny, folder, told, {"colours_drawn": 1.0})
    drives, shown = np.array([0, 9, 14]), np.array([5, 6, 7])
    drawn = token_renderer_model.load_renderer(folder)(
        squares.tokens[drives], squares.pictures[shown], squares.tokens[shown])
    wanted = draw_rows(tiny, squares, drives, shown)[0].astype(int)
    assert np.abs(drawn - wanted).mean() < 1 and np.abs(drawn - wanted).max() < 12


def test_the_parts_of_the_large_one_fit() -> None:
    """One of its fourteen layers."""
    network = TokenRenderer(replace(token_renderer_model.SIZES["large"], depth=1)).eval()
    pictures, tokens = torch.rand(1, 3, 128, 128), torch.zeros(1, TOKENS)
    with torch.no_grad():
        said = network(pictures, torch.tensor([0.5]), network.told(tokens, pictures, tokens))
    assert said.shape == pictures.shape and bool(said.isfinite().all())


def test_figures_are_cut_out_alike_and_stand_before_grey() -> None:
    """Two pictures of one person, one twice as near: cut out they are the same."""
    random = np.random.default_rng(2)
    joints = np.concatenate([np.zeros((1, 3)), random.uniform(-0.4, 0.4, (21, 3))]).astype(np.float32)
    person = 5
    columns = {"picture": np.empty((2, 128, 128, 3), np.uint8), "depth": np.full((2, 64, 64), np.nan, np.float16),
               "points": np.empty((2, 22, 2), np.float32), "joints": np.stack([joints] * 2),
               "hands": np.full((2, 2, 21, 3), 0.1, np.float32), "person": np.full(2, person),
               "rotations": np.tile(np.eye(3, dtype=np.float32), (2, 22, 1, 1))}
    for row, (scale, x, y) in enumerate(((40, 50, 60), (80, 70, 62))):
        columns["picture"][row] = random.integers(0, 256, (128, 128, 3))
        half = round(0.2 * scale)
        columns["picture"][row, y - half:y + half, x - half:x + half] = (250, 10, 10)
        columns["depth"][row, (y - half) // 2:(y + half) // 2, (x - half) // 2:(x + half) // 2] = 0
        columns["points"][row] = (x - 0.5, y - 0.5) + scale * joints[:, :2]
    pictures, marks = cut_out(columns, 64, np.arange(2))
    np.testing.assert_allclose(marks[0], marks[1], atol=1e-5)
    assert np.abs(marks[0, 0] - ((0.5 * 63 + 0.5) / 64, (0.54 * 63 + 0.5) / 64, 0)).max() < 1e-5
    height = 1.25 * person_of(person).height
    np.testing.assert_allclose(marks[0, :22, 2], joints[:, 2] / height, atol=1e-5)
    above = marks[0, MARKS.index("crown")] - marks[0, MARKS.index("head")]
    np.testing.assert_allclose(above, (0, -0.88 * person_of(person).head_height / height, 0), atol=1e-5)
    tip = marks[0, MARKS.index("left_tip")] - marks[0, MARKS.index("left_wrist")]
    np.testing.assert_allclose(tip, 0.1 / height, atol=1e-5)
    assert (pictures[:, 0] == 128).all() and (pictures[:, :, 0] == 128).all()
    assert (np.abs(pictures[0].astype(int) - pictures[1]).max(2) > 60).mean() < 0.03
    wide = (pictures[0, ..., 0] > 190).any(0).sum()
    assert abs(wide - 64 * 0.4 / height) < 3


def test_a_lesson_is_told_by_somebody_else_in_the_same_pose(squares: Figures) -> None:
    told = np.zeros_like(squares.tokens)
    told[:, 0], told[:, 1] = squares.person, squares.pose
    lessons = Lessons(replace(squares, tokens=told))
    rows, tokens, shown = lessons.draw(np.random.default_rng(5), 50)
    assert (tokens[:, 1].numpy() == squares.pose[rows]).all() and (tokens[:, 0].numpy() != squares.person[rows]).all()
    assert (squares.person[shown] == squares.person[rows]).all() and (shown != rows).all()


def test_references_are_other_pictures_of_the_same_person(squares: Figures) -> None:
    random = np.random.default_rng(3)
    rows = random.integers(16, size=100)
    found = others(squares.person)(random, rows)
    assert (squares.person[found] == squares.person[rows]).all() and (found != rows).all()
    assert (others(np.arange(16))(random, rows) == rows).all(), "who is alone stays alone"


def test_colours_change_alike_and_grey_stays(squares: Figures) -> None:
    values = as_values(torch.from_numpy(squares.pictures[:8]))
    assert (as_pictures(values) == squares.pictures[:8]).all()
    one, other = recoloured(np.random.default_rng(4), values, values)
    assert (one == other).all() and not torch.allclose(one, values)
    assert (one[:, :, -1, -1] == 0).all()


def test_ddim_finds_the_picture_that_a_perfect_network_knows() -> None:
    """However many steps it takes."""
    truth = torch.rand(2, 3, SIDE, SIDE) * 0.7 + 0.1
    for steps in (2, 9):
        drawn = token_renderer_model.draw(lambda noisy, noise: truth, truth.flip(0), steps)
        torch.testing.assert_close(drawn, truth, atol=1e-4, rtol=0)
