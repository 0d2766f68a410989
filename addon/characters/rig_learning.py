"""Learning a rig: from what the ends of its controls show to weights that let its controls follow an expression.

Two witnesses say what a control does, and neither is enough alone. The *reading* is what the frozen encoder sees in a
picture of the control's end, less what it sees in the resting face; it is faint and mixes the sides on faces unlike a
person's. The *movement* is where the points of the face go that landmarks mark at rest, known exactly from the meshes;
it is compared with where the same points of a character go whose controls are the coefficients themselves. A face on
which no landmarks are found has readings only.

Each input (`INPUTS`) is explained by as few ends as possible: a lasso with weights of one sign (Tibshirani 1996), for
least squares would answer each movement with a little of everything, which twitches. So what no control shows is not
answered at all. A full expression takes the control that answers it most to its end; head angles keep their size.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.control_set import ControlSet
from ..core.errors import SemblanceError
from .learned_rig import INPUTS, LearnedRig, inputs_of

_HEAD: Final = coefficients.COUNT
"""From here on inputs are of the head."""
_MIRROR: Final = np.concatenate([coefficients.MIRROR, coefficients.COUNT + np.array([3, 1, 5, 0, 4, 2])])
"""Inputs of the mirrored face: of the head, yaw and roll turn round."""
_FEW_POSES: Final = 3
_AWAY: Final = 0.05
"""Share from which on a control is away from its neutral."""
_BOTH_WITNESSES: Final = (0.3, 0.2)
_READING_ALONE: Final = (1.0, 0.1)
"""The reading's share of what is compared, and the likeness from which on an end answers. Chosen on a head of which
the names tell the truth: with movements alone r was 0.02 lower, with readings alone 0.22."""
_FAINT: Final = 0.15
"""A reading that is shorter than this counts less, because a part of it is crosstalk."""
_DOUBTFUL: Final = 0.5
"""Inputs that borrow an end are answered less than fully where their likeness to it is less."""
_OWN: Final = 0.8
"""An end is an input's own if no other is more like it than this share of the likeness tells."""
_UNCHANGED: Final = 0.01
"""Of 0..1: a picture that changes nowhere more than this has not changed."""
_SAME: Final = 0.995
"""Likeness of two changes from which on they are the same."""
_BENT: Final = 0.2
"""A movement that is a rotation and a shift but for this share moves the face as a whole."""
_TURNS_RAD: Final = 0.02
_SYMMETRIC: Final = 0.5
"""Likeness of a control's weights to their mirror image from which on it is central."""
_ITERATIONS: Final = 200


@dataclass(frozen=True)
class Ends:
    """Both ends of each control, as far as they differ from its neutral; E of them."""

    columns: np.ndarray
    """int [E]: the control."""
    signs: np.ndarray
    """int [E]: +1 the maximum, -1 the minimum."""

    def values(self, controls: ControlSet) -> np.ndarray:
        """float32 [E, K]: the pose of each end, in rig units."""
        shares = np.zeros((len(self.columns), len(controls)), np.float32)
        shares[np.arange(len(self.columns)), self.columns] = self.signs
        return controls.from_shares(shares)


@dataclass(frozen=True)
class Shown:
    """What E ends do to the resting face."""

    readings: np.ndarray
    """float32 [E, INPUTS]: what the encoder reads beyond the reading of the resting face; NaN where it saw no face."""
    changes: np.ndarray
    """float32 [E, pixels]: the picture less that of the resting face, 0..1."""
    movements: np.ndarray | None
    """float32 [E, points, 3]: where the face's points go, axes of core.frames; None if they are not known."""
    rest: np.ndarray | None
    """float32 [points, 3]: where they rest."""


def wanted_controls(controls: ControlSet, everything: bool) -> np.ndarray:
    """bool [K]: the controls to learn.

    Raises:
        SemblanceError: if every control follows something already.
    """
    wanted = np.array([everything or not control.meaning for control in controls.controls])
    if not wanted.any():
        raise SemblanceError("Every control of this rig follows something already; learn them all the same with --all "
                             "(in the panel: Learn All Controls).")
    return wanted


def ends_of(controls: ControlSet, wanted: np.ndarray) -> Ends:
    """The ends of the `wanted` (bool [K]) controls."""
    found = [
        (column, sign) for column in np.flatnonzero(wanted)
        for sign, reach in ((1, controls.maximum - controls.neutral), (-1, controls.neutral - controls.minimum))
        if reach[column] > 0
    ]
    return Ends(np.array([column for column, _ in found], int), np.array([sign for _, sign in found], int))


def fit(controls: ControlSet, ends: Ends, shown: Shown, reference: np.ndarray | None) -> LearnedRig:
    """Weights for the controls whose ends are given, each input explained by as few ends as possible.

    Args:
        reference: float32 [INPUTS, points, 3], where the points go for 1.0 of each input; None without movements.

    Raises:
        SemblanceError: if none of the ends changes the picture.
    """
    useful, faults = _useful(controls, ends, shown)
    if not useful.any():
        raise SemblanceError(
            "None of the controls changes the picture of the face; switch on those that move it, or check that its "
            "meshes are shown."
        )
    atoms, targets, lengths, cost = _compared(shown, reference)
    turns = _turns(shown)
    rigid = np.isfinite(turns).all(axis=1)
    mix = np.zeros((INPUTS, len(ends.columns)))
    mix[:, useful & ~rigid] = _lasso(atoms[useful & ~rigid], targets, cost)
    if shown.movements is not None:
        mix[_HEAD:], lengths = _turned(turns, useful & rigid), lengths.copy()
        lengths[_HEAD:] = 1
    weights = np.zeros((INPUTS, len(controls)))
    np.add.at(weights.T, ends.columns, (mix * lengths * ends.signs).T)
    weights = _to_the_end(_both_sides(controls, weights), _sureness(mix, atoms))
    learned = np.zeros(len(controls), bool)
    learned[ends.columns] = True
    unknown = np.full(len(controls), np.nan, np.float32)
    return LearnedRig(weights.astype(np.float32), unknown, learned, faults, unknown)


def fit_poses(controls: ControlSet, signals: np.ndarray, values: np.ndarray) -> LearnedRig:
    """Weights from key poses that the user set: straight between and beyond them, and mirrored where there is another
    side to each control.

    Args:
        signals: float32 [N, 57], the expression of each pose.
        values: float32 [N, K], rig units.

    Raises:
        SemblanceError: if there are too few, or none moves a control.
    """
    if len(signals) < _FEW_POSES:
        raise SemblanceError(f"{len(signals)} key poses are too few: set at least {_FEW_POSES}, better ten.")
    inputs, shares = inputs_of(signals).astype(np.float64), controls.shares(values)
    learned = np.abs(shares).max(axis=0) > _AWAY
    if not learned.any():
        raise SemblanceError("No control is away from its neutral in any key pose; pose the rig, then set them again.")
    alone = np.linalg.lstsq(inputs, shares, rcond=1e-3)[0]
    other = shares[:, controls.partner] * controls.mirror_sign
    inputs, shares = np.concatenate([inputs, inputs[:, _MIRROR]]), np.concatenate([shares, other])
    paired = controls.partner != np.arange(len(controls))
    learned |= learned[controls.partner]
    weights = np.where(paired, np.linalg.lstsq(inputs, shares, rcond=1e-3)[0], alone) * learned
    unknown = np.full(len(controls), np.nan, np.float32)
    return LearnedRig(weights.astype(np.float32), unknown, learned, (), unknown)


def qualities(rig: LearnedRig, controls: ControlSet, poses: np.ndarray, readings: np.ndarray) -> np.ndarray:
    """float32 [K]: correlation of each learned control with what the weights make of held-out pictures.

    Args:
        poses: float32 [N, K], rig units.
        readings: float32 [N, INPUTS], beyond the resting face; NaN where no face was seen.
    """
    seen = np.isfinite(readings).all(axis=1)
    truth = controls.shares(poses[seen])
    guess = np.clip(np.maximum(readings[seen], 0) @ rig.weights, -1, 1)
    truth, guess = truth - truth.mean(axis=0), guess - guess.mean(axis=0)
    spread = np.sqrt((truth**2).sum(axis=0) * (guess**2).sum(axis=0))
    r = np.divide((truth * guess).sum(axis=0), spread, out=np.zeros(len(controls), np.float32), where=spread > 1e-6)
    return np.where(rig.learned, r, np.nan).astype(np.float32)


def _useful(controls: ControlSet, ends: Ends, shown: Shown) -> tuple[np.ndarray, tuple[str, ...]]:
    """bool [E]: ends that change the picture otherwise than all before them; sentences about the others' controls."""
    size = np.abs(shown.changes).max(axis=1)
    moves = size > _UNCHANGED
    unit = shown.changes / np.maximum(np.linalg.norm(shown.changes, axis=1, keepdims=True), 1e-9)
    useful, names, faults = moves.copy(), controls.names, []
    for end in np.flatnonzero(moves):
        column = ends.columns[end]
        others = [other for other in np.flatnonzero(useful[:end]) if ends.columns[other] != column]
        same = next((other for other in others if unit[other] @ unit[end] > _SAME), None)
        if same is not None:
            useful[end] = False
            twin = names[ends.columns[same]]
            faults.append(f"'{names[column]}' does the same as '{twin}' and is left at its neutral.")
    still = [names[column] for column in np.unique(ends.columns) if not moves[ends.columns == column].any()]
    return useful, (*(f"'{name}' does nothing in the picture." for name in still), *dict.fromkeys(faults))


def _compared(shown: Shown, reference: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """What is compared: ends [E, F] and inputs [INPUTS, F], all of length 1 at most; the share of an end that an input
    takes, [INPUTS, E], where their likeness is 1; the least likeness.
    """
    known = None if shown.movements is None or reference is None else (shown.movements, reference)
    share, cost = _BOTH_WITNESSES if known else _READING_ALONE
    readings = np.nan_to_num(shown.readings.astype(np.float64))
    length = np.linalg.norm(readings, axis=1, keepdims=True)
    atoms, targets = np.sqrt(share) * readings / np.maximum(length, _FAINT), np.sqrt(share) * np.eye(INPUTS)
    if known is None:
        return atoms, targets, np.broadcast_to(1 / np.maximum(length.T, _FAINT), (INPUTS, len(readings))), cost
    moved, wanted = (np.asarray(each, np.float64).reshape(len(each), -1) for each in known)
    far, wide = (np.maximum(np.linalg.norm(each, axis=1), 1e-6) for each in (moved, wanted))
    atoms = np.concatenate([atoms, np.sqrt(1 - share) * moved / far[:, None]], axis=1)
    targets = np.concatenate([targets, np.sqrt(1 - share) * wanted / wide[:, None]], axis=1)
    return atoms, targets, wide[:, None] / far[None], cost


def _lasso(atoms: np.ndarray, targets: np.ndarray, cost: float) -> np.ndarray:
    """float64 [T, E] ≥ 0: the mix of `atoms` [E, F] that is nearest to each target [T, F], each end at a `cost`.

    Coordinate descent (Friedman et al. 2007).
    """
    inner, outer = atoms @ atoms.T, targets @ atoms.T
    mix = np.zeros_like(outer)
    for _ in range(_ITERATIONS):
        before = mix.copy()
        for end, own in enumerate(np.diag(inner)):
            if own > 0:
                rest = outer[:, end] - mix @ inner[:, end] + mix[:, end] * own
                mix[:, end] = np.maximum(rest - cost, 0) / own
        if np.abs(mix - before).max(initial=0) < 1e-5:
            break
    return mix


def _turns(shown: Shown) -> np.ndarray:
    """float [E, 3]: yaw, pitch and roll of ends that move the face as a whole; NaN for all others.

    The rotation is Kabsch's (1976).
    """
    found = np.full((len(shown.readings), 3), np.nan)
    if shown.movements is None or shown.rest is None:
        return found
    rest = shown.rest - shown.rest.mean(axis=0)
    for end, movement in enumerate(shown.movements.astype(np.float64)):
        moved = shown.rest + movement
        moved -= moved.mean(axis=0)
        u, _, vt = np.linalg.svd(moved.T @ rest)
        rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
        if np.linalg.norm(moved - rest @ rotation.T) < _BENT * np.linalg.norm(movement):
            found[end] = (np.arctan2(rotation[0, 2], rotation[2, 2]), np.arcsin(np.clip(rotation[1, 2], -1, 1)),
                          np.arctan2(rotation[1, 0], rotation[1, 1]))
    return found


def _turned(turns: np.ndarray, useful: np.ndarray) -> np.ndarray:
    """float [6, E]: shares of the ends that turn the head by 1 rad each way; an end that hardly turns it takes none."""
    angle = np.linalg.norm(turns, axis=1)
    used = useful & (angle > _TURNS_RAD)
    shares = np.zeros((INPUTS - _HEAD, len(turns)))
    if used.any():
        both = np.concatenate([np.maximum(turns[used], 0), np.maximum(-turns[used], 0)], axis=1)
        shares[:, used] = _lasso(both / angle[used, None], np.eye(INPUTS - _HEAD), _READING_ALONE[1]) / angle[used]
        shares /= 1 - _READING_ALONE[1]  # what the cost has taken off
    return shares


def _sureness(mix: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """float [INPUTS], 0..1: 1 for an input whose best end answers no other one better; others only borrow that end, and
    go as far as they are like it.
    """
    inputs, best = np.arange(len(mix)), mix.argmax(axis=1)
    own = mix[inputs, best] >= _OWN * mix[:, best].max(axis=0)
    return np.where(own, 1, np.clip(np.linalg.norm(mix @ atoms, axis=1) / _DOUBTFUL, 0, 1))


def _to_the_end(weights: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """The weights [INPUTS, K], with those of each full expression such that what answers it most goes to its end.

    A central control gets there when both sides make the expression.
    """
    face, mirror = weights[:coefficients.COUNT], weights[coefficients.MIRROR]
    both = np.where((np.arange(coefficients.COUNT) != coefficients.MIRROR)[:, None], face + mirror, face)
    most = np.maximum(np.abs(face), np.abs(both)).max(axis=1, keepdims=True)
    scaled = np.divide(face * sure[:coefficients.COUNT, None], most, out=np.zeros_like(face), where=most > 1e-6)
    return np.concatenate([scaled, weights[coefficients.COUNT:]])


def _both_sides(controls: ControlSet, weights: np.ndarray) -> np.ndarray:
    """The mean of the weights and their mirror image, so that both sides of the face answer alike."""
    mirrored = weights[_MIRROR][:, controls.partner] * controls.mirror_sign
    # Who has no other side may be central, or one side's alone whose other side the names do not tell.
    alike = (weights * mirrored).sum(axis=0) >= _SYMMETRIC * (weights**2).sum(axis=0)
    paired = controls.partner != np.arange(len(controls))
    return np.where(paired | alike, (weights + mirrored) / 2, weights)
