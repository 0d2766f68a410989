"""Pairs of (expression, controls) for Pip's decoder, made by geometry alone: `python -m training.pip_pairs`.

Two sources, because each covers what the other misses:

* *faces*: coefficients that people make (random mixes, and the Live Link take with changes) and the controls whose look
  is nearest, so that likely faces are decoded well;
* *poses*: controls that an animator might set and the coefficients that look like them, so that the whole rig is used.

Gaze and head angles come from the rig's own geometry. Inputs carry the noise of an encoder.
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from addon.core import coefficients
from addon.core.frames import EMBEDDING_SIZE, ExpressionTrack
from addon.core.live_link import read_live_link
from addon.core.paths import ROOT
from addon.core.rig_profile import RigProfile, find_profile

from .face_pairing import (
    ELSEWHERE,
    Looks,
    Pairing,
    fit_coefficients,
    fit_controls,
    match_shapes,
    matched_looks,
    pair_faces,
)

INPUTS = coefficients.COUNT + 4 + 3
_GAZE_REACH = np.array([0.60, 0.44], np.float32)
"""rad: yaw of eyeLookOut = 1 and pitch of eyeLookUp = 1, fitted to the Live Link take."""
_SIDED = [j != coefficients.MIRROR[j] and not name.startswith(("jaw", "mouthLeft", "mouthRight"))
          for j, name in enumerate(coefficients.NAMES)]
_HUMAN = 0.3
"""Share of a pose's movement that the 54 coefficients may miss."""
_BLINK = 1.08
"""Encoders seldom say 1 for a blink: from 1 / 1.08 on the character's lids are shut."""
_AGAIN = 0.4
"""How far a control may lie from its true place, scaled to -1..1, when it is found again from the coefficients."""
_EYES = {"eye_x.L": (0, 0), "eye_y.L": (0, 1), "eye_x.R": (1, 0), "eye_y.R": (1, 1)}
_EYE_TURN = np.array([0.61, 0.48], np.float32)
"""rad at the ends of Pip's eye sliders (rigs/pip/rig.py)."""


@dataclass(frozen=True)
class Pairs:
    """Inputs float32 [N, 61] (coefficients, gaze, head) and controls float32 [N, K] scaled to -1..1 by the limits."""

    inputs: np.ndarray
    controls: np.ndarray
    held_out: np.ndarray
    """bool [N]: not for training; the take's last fifth and a tenth of all else."""
    source: np.ndarray
    """int [N]: 0 random mixes, 1 performance, 2 poses."""


def make_pairs(shared: Path, count: int = 36_000, seed: int = 5, every_pose: bool = False) -> Pairs:
    """About `count` pairs from the shared data folder; a minute on one core.

    With `every_pose` also the rig poses that no human face can make or tell apart: for measuring, not for training.
    """
    rng = np.random.default_rng(seed)
    profile = find_profile("pip")
    pairing = pair_faces(profile, shared / "data/ict_facekit/ict_facekit.npz")
    own = match_shapes(pairing)
    matched = matched_looks(pairing, own)
    mixes = np.concatenate([singles(), random_mixes(rng, count // 2)])
    alone = len(singles())
    take, late = performance(rng, shared / "data/livelink_take/range_of_motion.csv", count // 4)
    faces = np.concatenate([mixes, take])
    parts = [fit_controls(pairing, own, matched, torch.tensor(rows)).numpy()
             for rows in np.array_split(_with_blinks(faces, _BLINK), 8)]
    poses, back = _poses_of_faces(rng, pairing, own, matched, count // 2, every_pose)
    controls = np.concatenate([*parts, poses])
    wanted = np.concatenate([faces, _with_blinks(back, 1 / _BLINK)])
    held_out = rng.random(len(wanted)) < 0.1
    held_out[:alone] = False
    held_out[len(mixes):len(faces)] = late
    source = np.repeat([0, 1, 2], [len(mixes), len(take), len(poses)])
    gaze, head = _gaze(rng, wanted), rng.normal(0, 0.22, (len(wanted), 3)).astype(np.float32)
    head[rng.random(len(wanted)) < 0.3] = 0
    values = _rig_values(profile, controls)
    _set_exact(profile, values, wanted, gaze, head)
    inputs = np.concatenate([_with_look(wanted, gaze), gaze.reshape(-1, 4), head], axis=1)
    inputs[alone:] = encoder_noise(rng, inputs[alone:])
    scaled = profile.control_set.scaled(profile.control_set.clamped(values))
    return Pairs(inputs.astype(np.float32), scaled, held_out, source)


def _poses_of_faces(rng: np.random.Generator, pairing: Pairing, own: torch.Tensor, matched: Looks,
                    count: int, every_pose: bool) -> tuple[np.ndarray, np.ndarray]:
    """Those of `count` random poses [M, K] that a human face can make and tell apart, and their coefficients [M, 54].

    A pair counts when both heads agree on it: the coefficients give the look, and the look gives the controls back.
    With `every_pose` all count.
    """
    kept_poses, kept_shapes = [], []
    for part in np.array_split(random_poses(rng, pairing.profile, count), 8):
        poses = torch.tensor(part)
        found, missed = fit_coefficients(pairing, matched, poses)
        again = fit_controls(pairing, own, matched, found)
        mutual = (missed < _HUMAN) & ((again - poses).abs().amax(dim=1) < _AGAIN) | every_pose
        kept_poses.append(poses[mutual].numpy())
        kept_shapes.append(found[mutual].numpy())
    return np.concatenate(kept_poses), np.concatenate(kept_shapes)


def _with_blinks(shapes: np.ndarray, gain: float) -> np.ndarray:
    """Coefficients [N, 54] with the blinks made `gain` times as strong, at most 1."""
    shapes = shapes.copy()
    blinks = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
    shapes[:, blinks] = np.minimum(shapes[:, blinks] * gain, 1)
    return shapes


def singles() -> np.ndarray:
    """Each coefficient alone, and with its partner, at eight strengths, [864, 54]."""
    alone = np.eye(coefficients.COUNT, dtype=np.float32)
    together = np.maximum(alone, alone[:, coefficients.MIRROR])
    jaw, close = coefficients.INDEX["jawOpen"], coefficients.INDEX["mouthClose"]
    together[close, jaw] = 1
    strengths = np.linspace(0.125, 1, 8, dtype=np.float32)[:, None, None]
    return np.concatenate([(strengths * alone), (strengths * together)]).reshape(-1, coefficients.COUNT)


def random_mixes(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random expressions [count, 54] as the project's benchmark draws them, but mouthClose mostly on an open jaw."""
    found = np.zeros((count, coefficients.COUNT), np.float32)
    for row in found:
        if rng.random() < 0.1:
            continue
        for j in rng.choice(coefficients.COUNT - 1, rng.integers(1, 10), replace=False):
            row[j] = rng.beta(1.2, 1.2)
            if rng.random() < 0.7 and _SIDED[j]:
                row[coefficients.MIRROR[j]] = np.clip(row[j] + rng.uniform(-0.1, 0.1), 0, 1)
        if rng.random() < 0.06:
            row[coefficients.INDEX["tongueOut"]] = rng.beta(1.2, 1.2)
    close, jaw = coefficients.INDEX["mouthClose"], coefficients.INDEX["jawOpen"]
    usual = rng.random(count) < 0.8
    found[usual, close] = np.minimum(found[usual, close], found[usual, jaw])
    return found


def performance(rng: np.random.Generator, path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows [count, 54] of a recorded take, made stronger or weaker, mixed with one another; and which are held out."""
    take = read_live_link(path).raw.coefficients
    split = int(len(take) * 0.8)
    late = rng.random(count) < 0.12
    pick = np.where(late, rng.integers(split, len(take), count), rng.integers(0, split, count))
    rows = take[pick] * rng.uniform(0.7, 1.5, (count, 1))
    other = take[np.where(late, rng.integers(split, len(take), count), rng.integers(0, split, count))]
    blend = rng.random((count, 1)) < 0.25
    return np.clip(np.where(blend, rows + 0.7 * other, rows), 0, 1).astype(np.float32), late


def random_poses(rng: np.random.Generator, profile: RigProfile, count: int) -> np.ndarray:
    """Poses [count, K], scaled per direction to -1..1: few controls, whole groups, sides alike or not, some full."""
    controls = profile.control_set
    groups = np.array([c.group for c in controls.controls])
    up, down = controls.maximum > 0, controls.minimum < 0
    found = np.zeros((count, len(controls)), np.float32)
    for row in found:
        active = rng.random(len(controls)) < rng.choice([0.05, 0.12, 0.25])
        for group in rng.choice(np.unique(groups), rng.integers(0, 3), replace=False):
            active |= (groups == group) & (rng.random(len(controls)) < 0.5)
        strength = rng.beta(1.2, 1.2, len(controls)) * np.where(rng.random(len(controls)) < 0.5, 1, -1)
        row[:] = np.where(active, strength, 0)
        if rng.random() < 0.7:
            order = [controls.names.index(c.pair) for c in controls.controls]
            sign = np.array([c.mirror_sign for c in controls.controls])
            left = np.array([c.name.endswith(".L") for c in controls.controls])
            row[:] = np.where(left, row[order] * sign, row)
    found = np.where(up & ~down, np.abs(found), np.where(down & ~up, -np.abs(found), found))
    jaw, close = controls.names.index("jaw_open"), controls.names.index("mouth_close")
    found[:, close] *= found[:, jaw] < -0.15            # it does nothing on a closed jaw
    found[:, [name.startswith(ELSEWHERE) for name in controls.names]] = 0
    return found.astype(np.float32)


def encoder_noise(rng: np.random.Generator, inputs: np.ndarray) -> np.ndarray:
    """What an encoder adds: noise on all channels, more on those in use, faint ones cut off at 0."""
    count = len(inputs)
    shapes = inputs[:, :coefficients.COUNT]
    level = rng.choice([0.0, 0.01, 0.025], (count, 1))
    noisy = shapes + rng.normal(0, 1, shapes.shape) * level * (0.4 + 1.2 * shapes)
    angles = inputs[:, coefficients.COUNT:] + rng.normal(0, 0.008, (count, 7))
    return np.concatenate([np.clip(noisy, 0, 1), angles], axis=1).astype(np.float32)


def as_track(inputs: np.ndarray) -> ExpressionTrack:
    """Inputs [N, 61] as the expressions that a decoder takes, a second apart."""
    c, count = coefficients.COUNT, len(inputs)
    return ExpressionTrack(
        np.arange(count, dtype=np.float64), inputs[:, :c], np.zeros((count, EMBEDDING_SIZE), np.float32),
        inputs[:, c:c + 4].reshape(count, 2, 2), inputs[:, c + 4:], np.ones(count, np.float32),
    )


def _gaze(rng: np.random.Generator, wanted: np.ndarray) -> np.ndarray:
    """Gaze [N, 2, 2] rad: what the eyeLook coefficients say, else now and then a free look."""
    look = {k: wanted[:, [coefficients.INDEX[f"eyeLook{k}{s}"] for s in ("Left", "Right")]]
            for k in ("In", "Out", "Up", "Down")}
    yaw = (look["Out"] - look["In"]) * [1, -1] * _GAZE_REACH[0]
    pitch = (look["Up"] - look["Down"]) * _GAZE_REACH[1]
    gaze = np.stack([yaw, pitch], axis=2)
    both = rng.normal(0, [0.22, 0.14], (len(wanted), 1, 2)) + rng.normal(0, 0.02, (len(wanted), 2, 2))
    free = (np.abs(gaze).max(axis=(1, 2)) < 1e-6) & (rng.random(len(wanted)) < 0.5)
    gaze[free] = both[free]
    return gaze.astype(np.float32)


def _with_look(wanted: np.ndarray, gaze: np.ndarray) -> np.ndarray:
    """Coefficients whose eyeLook shapes say what the gaze does."""
    wanted = wanted.copy()
    yaw, pitch = gaze[..., 0] * [1, -1] / _GAZE_REACH[0], gaze[..., 1] / _GAZE_REACH[1]
    for name, value in (("Out", yaw), ("In", -yaw), ("Up", pitch), ("Down", -pitch)):
        for side, letter in enumerate(("Left", "Right")):
            wanted[:, coefficients.INDEX[f"eyeLook{name}{letter}"]] = np.clip(value[:, side], 0, 1)
    return wanted


def _rig_values(profile: RigProfile, scaled: np.ndarray) -> np.ndarray:
    controls = profile.control_set
    return controls.neutral + np.maximum(scaled, 0) * (controls.maximum - controls.neutral) + np.minimum(scaled, 0) * (
        controls.neutral - controls.minimum)


def _set_exact(profile: RigProfile, values: np.ndarray, wanted: np.ndarray, gaze: np.ndarray, head: np.ndarray) -> None:
    """Controls that the rig's geometry gives directly: eyes, head, tongue."""
    names = profile.control_set.names
    for name, (eye, axis) in _EYES.items():
        end = profile.control_set.maximum[names.index(name)]
        values[:, names.index(name)] = gaze[:, eye, axis] / _EYE_TURN[axis] * end
    for name, value in (("head_yaw", head[:, 0]), ("head_pitch", -head[:, 1]), ("head_roll", head[:, 2])):
        values[:, names.index(name)] = value
    out = names.index("tongue_out")
    values[:, out] = wanted[:, coefficients.INDEX["tongueOut"]] * profile.control_set.minimum[out]


def main() -> None:
    """Write the pairs to out/pip_pairs.npz."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--count", type=int, default=36_000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pairs = make_pairs(arguments.shared, arguments.count)
    path = ROOT / "out/pip_pairs.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **pairs.__dict__)
    print(f"{path}: {len(pairs.inputs)} pairs, {int(pairs.held_out.sum())} held out")


if __name__ == "__main__":
    main()
