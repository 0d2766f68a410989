"""Expression bases in FLAME's form (a turn of the jaw, 50 expressions), and our shapes on their surface.

FLAME itself is not free to ship and is not used here. `made_basis` builds one of the same form from ICT-FaceKit (MIT):
principal components of what faces do once the jaw's turn is taken out. Whoever has FLAME puts it into an .npz
(`read_basis` says how), and everything else goes the same way: ICT-FaceKit's shapes are carried over to its surface by
landmarks, and each face is fitted as scans are, jaw and expressions at once.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from addon.core.arrays import opened_arrays
from addon.core.errors import SemblanceError
from addon.expression.flame import EXPRESSIONS, JAW, MADE, NUMBERS

from .body_motion_sets import rotations
from .performers import SHAPES, shared_folder

_SKIN: Final = 9409
"""ICT-FaceKit's first vertices are the face's skin."""
_TEETH: Final = slice(17039, 21451)
_EVERY, _EVERY_TOOTH = 9, 40
"""One in so many vertices is enough to know an expression by."""
_INNER: Final = slice(17, 68)
"""Multi-PIE landmarks on brows, nose, eyes and mouth; the first 17, on the contour, lie elsewhere on each head."""
_EYES: Final = [36, 45]
_OPEN: Final = 26
"""Number of jawOpen."""
_JOINT_CM: Final = np.array([0.0, 0.0, 1.2])
"""Below the ears, where the lower teeth turn about when the mouth opens (their middle goes down by 2.3 cm and back by
2.1)."""
_PRIOR: Final = 1e-3
"""Price of an expression of size 1, in shares of what the average one moves."""
_ROUNDS: Final = 4
_FAR: Final = 0.12
"""Points farther from our skin than this share of the distance between the outer eye corners are not compared."""
_AMISS: Final = 0.15
"""Landmarks that miss ours by more than this share of it are not a face's."""
_NEEDED: Final = (f"it needs vertices [V, 3], expression [V, 3, {EXPRESSIONS} or more], jaw_joint [3], jaw_weights [V] "
                  "and landmarks.")


@dataclass(frozen=True)
class Basis:
    """A head's mesh, its expressions and its jaw; any unit, any axes."""

    name: str
    vertices: np.ndarray
    """float [V, 3] at rest."""
    expression: np.ndarray
    """float [50, V, 3]: what each expression at 1 adds."""
    jaw_joint: np.ndarray
    """float [3]: about which the jaw turns."""
    jaw_weights: np.ndarray
    """float [V]: share of the jaw's turn that each vertex follows."""
    landmarks: np.ndarray
    """int [51]: the vertices at Multi-PIE's landmarks 18 to 68: brows, nose, eyes, mouth."""


@dataclass(frozen=True)
class Surface:
    """ICT-FaceKit's shapes and people on P points that a basis moves too: its own skin, and our lower teeth."""

    rest: np.ndarray
    """float64 [P, 3], cm, as all others."""
    shapes: np.ndarray
    """float64 [53, P, 3]."""
    people: np.ndarray
    """float64 [100, P, 3]."""
    expression: np.ndarray
    """float64 [50, P, 3]; teeth have none."""
    weights: np.ndarray
    """float64 [P]: how far each follows the jaw."""
    joint: np.ndarray
    """float64 [3]."""
    axes: np.ndarray
    """float64 [3, 3]: from the basis's directions, in which the jaw's turn is told, to ours."""

    def faces(self, coefficients: np.ndarray, identity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """People [N, 100] at rest and with coefficients [N, 54], both [N, P, 3]."""
        rest = self.rest + np.tensordot(identity, self.people, 1)
        return rest, rest + np.tensordot(coefficients[:, :SHAPES], self.shapes, 1)

    def posed(self, rest: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """What jaw and expressions [N, 53] make of faces at rest [N, P, 3]: linear blend skinning, as FLAME's."""
        turned = rotations(numbers[:, :JAW] @ self.axes.T) - np.eye(3)
        away = rest + np.tensordot(numbers[:, JAW:], self.expression, 1) - self.joint
        return away + self.joint + self.weights[:, None] * (away @ np.swapaxes(turned, 1, 2))

    def fitted(self, rest: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Jaw and expressions float64 [N, 53] that come nearest to faces [N, P, 3]: least squares with a small price
        on expressions, begun again from each answer because a turn is not linear."""
        turns = np.cross(self.axes.T[:, None], self.rest - self.joint) * self.weights[:, None]
        moves = np.concatenate([turns, self.expression]).reshape(NUMBERS, -1)
        price = _PRIOR * np.square(moves[JAW:]).sum() / EXPRESSIONS or 1.0
        solve = np.linalg.solve(moves @ moves.T + np.diag(np.repeat([0.0, price], [JAW, EXPRESSIONS])), moves)
        numbers = np.zeros((len(seen), NUMBERS))
        for _ in range(_ROUNDS):
            missed = (seen - self.posed(rest, numbers)).reshape(len(seen), -1)
            numbers = (missed + numbers @ moves) @ solve.T
        return numbers


def made_basis(coefficients: np.ndarray, identity: np.ndarray) -> Basis:
    """A basis like FLAME's on ICT-FaceKit's mean face: the principal components, of variance 1, of what faces [N, 54]
    of people [N, 100] do besides the jaw's turn, which their lower teeth tell."""
    head = _ict()
    marks = head["landmark_vertices"].astype(int)
    skin = np.unique(np.concatenate([np.arange(0, _SKIN, _EVERY), marks[_INNER]]))
    empty = Basis(MADE, head["neutral_vertices"][skin], np.zeros((EXPRESSIONS, len(skin), 3)), _JOINT_CM,
                  np.zeros(len(skin)), np.searchsorted(skin, marks[_INNER]))
    teeth = on_basis(empty)
    turn = teeth.fitted(*(each[None] for each in (teeth.rest, teeth.rest + teeth.shapes[_OPEN])))[0, :JAW]
    turned = ((teeth.rest - _JOINT_CM) @ (rotations(turn) - np.eye(3)).T)[:len(skin)]
    opened = teeth.shapes[_OPEN, :len(skin)]
    weights = np.clip((opened * turned).sum(1) / np.maximum(np.square(turned).sum(1), 1e-9), 0, 1)
    rest, seen = teeth.faces(coefficients, identity)
    jaw = teeth.fitted(rest, seen)
    only_jaw = on_basis(replace(empty, jaw_weights=weights)).posed(rest, jaw)
    left = (seen - only_jaw)[:, :len(skin)].reshape(len(seen), -1)
    _, sizes, components = np.linalg.svd(left, full_matrices=False)
    expression = components[:EXPRESSIONS] * sizes[:EXPRESSIONS, None] / np.sqrt(len(seen))
    return replace(empty, jaw_weights=weights, expression=expression.reshape(EXPRESSIONS, -1, 3))


def read_basis(path: Path) -> Basis:
    """A basis of one's own: an .npz with `vertices` [V, 3], `expression` [V, 3, 50 or more], `jaw_joint` [3],
    `jaw_weights` [V] and `landmarks` [51] (or [68]), numbers of vertices in Multi-PIE's order. Never unpickled.

    Raises:
        SemblanceError: naming the file and what is not as it should be.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise SemblanceError(f"'{path}' is no .npz. FLAME's own files are pickles, which may run programs when they "
                             "are read: save their arrays as docs/face_from_body.md says.")
    damaged = f"'{path}' is no basis, is damaged, or holds objects instead of numbers; {_NEEDED}"
    with opened_arrays(path, f"the basis '{path}'", damaged) as data:
        vertices, expression, joint, weights, marks = (
            np.array(data[key]) for key in ("vertices", "expression", "jaw_joint", "jaw_weights", "landmarks")
        )
    count = len(vertices) if vertices.ndim else 0
    if (vertices.shape, expression.shape[:2], joint.shape, weights.shape) != ((count, 3), (count, 3), (3,), (count,)) \
            or expression.ndim != 3 or expression.shape[2] < EXPRESSIONS:
        raise SemblanceError(f"'{path}' is no basis; {_NEEDED}")
    marks = marks[_INNER] if marks.shape == (68,) else marks
    if marks.shape != (51,) or marks.dtype.kind not in "iu" or marks.min() < 0 or marks.max() >= count:
        raise SemblanceError(f"'{path}': landmarks must be 51 or 68 numbers of vertices, from 0 to {count - 1}.")
    given = (vertices, np.moveaxis(expression[..., :EXPRESSIONS], 2, 0), joint, weights)
    if not all(each.dtype.kind in "fiu" and np.isfinite(each).all() for each in given):
        raise SemblanceError(f"'{path}' has values that are not finite numbers.")
    vertices, expression, joint, weights = (each.astype(np.float64) for each in given)
    return Basis(path.stem, vertices, expression, joint, weights, marks.astype(int))


def on_basis(basis: Basis) -> Surface:
    """Our shapes on a basis's surface, everything in ICT-FaceKit's own space: the landmarks say how one head lies in
    the other, and a warp between them which of our skin's points each of its vertices is.

    Raises:
        SemblanceError: if its landmarks do not lie as a face's do.
    """
    head = _ict()
    ours = head["neutral_vertices"].astype(np.float64)
    marks = ours[head["landmark_vertices"].astype(int)[_INNER]]
    theirs = basis.vertices[basis.landmarks].astype(np.float64)
    axes, scale, shift = _similarity(theirs, marks)
    rest = scale * basis.vertices @ axes.T + shift
    eyes_cm = float(np.linalg.norm(np.subtract(*ours[head["landmark_vertices"].astype(int)[_EYES]])))
    missed = np.linalg.norm(rest[basis.landmarks] - marks, axis=1)
    if not np.sqrt(np.square(missed).mean()) < _AMISS * eyes_cm:
        raise SemblanceError(f"The landmarks of the basis '{basis.name}' do not lie as a face's do; give the vertices "
                             "at brows, nose, eyes and mouth in Multi-PIE's order, of a mesh that is not mirrored.")
    near, share, away = _nearest(_warped(rest, rest[basis.landmarks], marks), ours[:_SKIN])
    kept = away < _FAR * eyes_cm
    near, share = near[kept], share[kept]

    def carried(moves: np.ndarray) -> np.ndarray:
        skin = np.einsum("kpni,pn->kpi", moves[:, :_SKIN].astype(np.float64)[:, near], share)
        return np.concatenate([skin, moves[:, teeth]], 1)

    teeth = _lower_teeth()
    hard = np.zeros((EXPRESSIONS, len(teeth), 3))
    return Surface(
        np.concatenate([rest[kept], ours[teeth]]), carried(_shapes()), carried(head["identity_deltas"]),
        np.concatenate([scale * basis.expression[:, kept] @ axes.T, hard], 1),
        np.concatenate([basis.jaw_weights[kept], np.ones(len(teeth))]),
        scale * axes @ basis.jaw_joint + shift, axes,
    )


def _similarity(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Rotation, scale and shift that bring points [N, 3] nearest to others (Umeyama 1991)."""
    middle, there = source.mean(0), target.mean(0)
    u, sizes, v = np.linalg.svd((target - there).T @ (source - middle))
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ v))])
    turn = (u * signs) @ v
    scale = float((sizes * signs).sum() / max(np.square(source - middle).sum(), 1e-12))
    return turn, scale, there - scale * turn @ middle


def _warped(points: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Points [N, 3] bent so that those at `source` come to `target` (a spline of distances)."""
    def distance(a: np.ndarray) -> np.ndarray:
        return np.linalg.norm(a[:, None] - source, axis=2)

    plane = np.concatenate([np.ones((len(source), 1)), source], 1)
    system = np.block([[distance(source), plane], [plane.T, np.zeros((4, 4))]])
    solved = np.linalg.lstsq(system, np.concatenate([target - source, np.zeros((4, 3))]), rcond=None)[0]
    bent = distance(points) @ solved[:-4] + np.concatenate([np.ones((len(points), 1)), points], 1) @ solved[-4:]
    return points + bent


def _nearest(points: np.ndarray, skin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three nearest of our skin's points to each: their numbers [N, 3], shares [N, 3], the distance [N]."""
    near, away = [], []
    for some in np.array_split(points, max(1, len(points) // 256)):
        square = np.square(some).sum(1)[:, None] - 2 * some @ skin.T + np.square(skin).sum(1)
        best = np.argsort(square, 1)[:, :3]
        near.append(best)
        away.append(np.linalg.norm(some[:, None] - skin[best], axis=2))
    distance = np.concatenate(away)
    share = 1 / np.maximum(distance, 1e-6)
    return np.concatenate(near), share / share.sum(1, keepdims=True), distance[:, 0]


@cache
def _ict() -> dict[str, np.ndarray]:
    with np.load(shared_folder() / "data" / "ict_facekit" / "ict_facekit.npz", allow_pickle=False) as data:
        return {key: data[key] for key in ("neutral_vertices", "expression_deltas", "identity_deltas",
                                           "landmark_vertices")}


def _shapes() -> np.ndarray:
    return _ict()["expression_deltas"]


def _lower_teeth() -> np.ndarray:
    """Some vertices of the teeth that go with the jaw."""
    moved = np.linalg.norm(_shapes()[_OPEN, _TEETH].astype(np.float32), axis=1)
    return (np.flatnonzero(moved > moved.max() / 2) + _TEETH.start)[::_EVERY_TOOTH]
