"""FLAME's form on a basis of our own and on a stranger's, and the way back."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from addon.core import coefficients  # noqa: E402
from addon.core.errors import SemblanceError  # noqa: E402
from addon.core.network import Network  # noqa: E402
from addon.expression.flame import NUMBERS, Conversion, read_conversion  # noqa: E402
from training import bench_flame, flame  # noqa: E402
from training.body_motion_sets import rotations  # noqa: E402
from training.flame_basis import made_basis, on_basis, read_basis  # noqa: E402
from training.flame_experts import Faces, Mixture, Single, learn  # noqa: E402

JAW_OPEN = coefficients.INDEX["jawOpen"]


@pytest.fixture(scope="module")
def basis(shared):
    random = np.random.default_rng(0)
    return made_basis(flame.draw_coefficients(random, 150), flame.draw_people(random, 150))


@pytest.fixture(scope="module")
def surface(basis):
    return on_basis(basis)


def test_what_jaw_and_expressions_make_is_fitted_again(surface):
    numbers = np.random.default_rng(1).normal(0, 0.5, (4, NUMBERS))
    numbers[:, :3] = [[0.3, 0, 0], [0.1, 0.05, 0], [0, -0.05, 0.02], [0.2, 0, 0]]
    rest = np.repeat(surface.rest[None], 4, 0)
    seen = surface.posed(rest, numbers)
    found = surface.fitted(rest, seen)
    np.testing.assert_allclose(found[:, :3], numbers[:, :3], atol=0.005)
    assert np.abs(surface.posed(rest, found) - seen).mean() < 0.02 * np.abs(seen - rest).mean()


def test_the_jaw_turns_and_leaves_the_upper_face(surface, basis):
    opened = np.zeros((1, NUMBERS))
    opened[0, 0] = 0.3
    moved = np.linalg.norm(surface.posed(surface.rest[None], opened)[0] - surface.rest, axis=1)
    brows = basis.landmarks[:10]
    assert moved[brows].max() < 0.05 and moved[-10:].min() > 1      # cm; the last are lower teeth
    assert surface.posed(surface.rest[None], opened)[0, -1, 1] < surface.rest[-1, 1]


def test_another_head_gets_the_same_faces(basis, surface, tmp_path):
    """The made basis in metres, turned, on somebody else's head, as a file: what is fitted looks the same."""
    turn = rotations(np.array([0.3, -1.2, 0.4]))
    place = lambda points: 0.01 * points @ turn.T + (1, 2, 3)  # noqa: E731
    person = 0.5 * surface.people[3, :len(basis.vertices)]
    np.savez(
        tmp_path / "other.npz", vertices=place(basis.vertices + person), jaw_joint=place(basis.jaw_joint),
        expression=np.moveaxis(0.01 * basis.expression @ turn.T, 0, 2), jaw_weights=basis.jaw_weights,
        landmarks=np.concatenate([np.zeros(17, int), basis.landmarks]),
    )
    other = on_basis(read_basis(tmp_path / "other.npz"))
    values = flame.draw_coefficients(np.random.default_rng(2), 20)
    nobody = np.zeros((20, 100))
    rest, seen = other.faces(values, nobody)
    there = other.fitted(rest, seen)
    missed = np.linalg.norm(other.posed(rest, there) - seen, axis=2).mean()
    assert missed < 0.15 * np.linalg.norm(seen - rest, axis=2).mean()
    ours = surface.fitted(*surface.faces(values, nobody))
    np.testing.assert_allclose(there[:, :3] @ other.axes.T, ours[:, :3], atol=0.05)


def test_landmarks_of_something_else_are_told(basis):
    with pytest.raises(SemblanceError, match="do not lie as a face's do"):
        on_basis(replace(basis, landmarks=basis.landmarks[::-1]))


def test_the_way_back_is_learned_and_exported(basis, tmp_path):
    found = flame.fit(basis, 400)
    assert found.faces.numbers.shape == (800, NUMBERS)
    test = flame.fitted_faces(on_basis(basis), np.random.default_rng(9), 60, held_out=True)
    mixture = learn(Mixture(), found.faces, 200)
    missed = flame.errors(flame.answer_of(mixture), test).mean()
    assert missed < 0.3 * np.abs(test.coefficients - found.faces.coefficients.mean(0)).mean()
    flame.write_conversion(found.conversion, tmp_path / "c.npz")
    np.testing.assert_allclose(read_conversion(tmp_path / "c.npz")(test.coefficients),
                               found.conversion(test.coefficients), atol=1e-5)
    flame.export(mixture, tmp_path / "m", "a test", {"jawOpen": 0.1})
    said = Network(tmp_path / "m", "x").run(["coefficients"], numbers=test.numbers)[0]
    np.testing.assert_allclose(said, flame.answer_of(mixture)(test.numbers), atol=1e-4)
    assert (said >= 0).all() and (said <= 1).all() and not said[:, flame._TONGUE].any()


def test_each_network_answers_and_experts_share_the_work():
    numbers = np.random.default_rng(0).normal(size=(64, NUMBERS)).astype(np.float32)
    faces = Faces(numbers, np.zeros((64, 54), np.float32))
    for network in (Single(), Mixture()):
        learn(network, faces, 3)
        said, shares = network.believed(torch.tensor(faces.numbers))
        assert said.shape == (64, 54)
        torch.testing.assert_close(shares.sum(1), torch.ones(64))


def test_rivals_of_the_way_back_are_the_textbook_ones():
    random = np.random.default_rng(3)
    values = random.random((400, 54)).astype(np.float32) * 0.5
    matrix = random.normal(0, 0.2, (54, NUMBERS)).astype(np.float32)
    matrix[-1] = 0      # 53 numbers do not tell 54 coefficients apart
    values[:, -1] = 0
    faces = Faces(values @ matrix, values)
    conversion = Conversion("made", matrix, np.full(NUMBERS, -9.0), np.full(NUMBERS, 9.0))
    back = bench_flame.pseudo_inverse(flame.Fitted(conversion, faces))
    np.testing.assert_allclose(back(faces.numbers), values, atol=1e-3)
    np.testing.assert_array_equal(bench_flame.nearest(faces)(faces.numbers + 1e-4), values)
    assert flame.errors(bench_flame.ridge(faces), faces).mean() < flame.errors(lambda _: values.mean(0), faces).mean()


def test_emages_matrix_becomes_a_conversion(shared, tmp_path):
    matrix = np.zeros((51, 103), np.float32)
    matrix[flame._EMAGE.index("jawopen"), 100] = 0.35
    matrix[flame._EMAGE.index("browinnerup"), 4] = 2.0
    np.save(tmp_path / "m.npy", matrix)
    conversion = flame.fit_matrix(tmp_path / "m.npy", 200).conversion
    assert conversion.matrix[JAW_OPEN, 0] == pytest.approx(0.35)
    assert conversion.matrix[coefficients.INDEX["browInnerUpLeft"], 3 + 4] == pytest.approx(1.0)
    np.save(tmp_path / "n.npy", matrix.T)
    with pytest.raises(SemblanceError, match="not EMAGE's matrix"):
        flame.fit_matrix(tmp_path / "n.npy", 10)


@pytest.mark.parametrize(("change", "words"), [
    ({"expression": np.zeros((9, 3, 20))}, "expression \\[V, 3, 50"), ({"landmarks": np.full(51, 99)}, "from 0 to 8"),
    ({"jaw_joint": np.full(3, np.nan)}, "not finite"), ({"jaw_weights": np.zeros(4)}, "is no basis"),
    ({"vertices": np.array([None] * 9)}, "objects instead of numbers"), ({"landmarks": None}, "is no basis"),
])
def test_a_wrong_basis_is_one_sentence(change, words, tmp_path):
    good = {"vertices": np.zeros((9, 3)), "expression": np.zeros((9, 3, 50)), "jaw_joint": np.zeros(3),
            "jaw_weights": np.zeros(9), "landmarks": np.zeros(51, int)}
    np.savez(tmp_path / "b.npz", **{key: value for key, value in (good | change).items() if value is not None})
    with pytest.raises(SemblanceError, match=words):
        read_basis(tmp_path / "b.npz")


def test_pickles_are_refused_unread(tmp_path):
    (tmp_path / "flame2023.pkl").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(SemblanceError, match="pickles"):
        read_basis(tmp_path / "flame2023.pkl")
