"""The same expression on two heads: ICT-FaceKit's shapes and a character's controls, compared by surface markers.

Deformation transfer by markers (Noh and Neumann 2001; range-of-motion alignment as in Ribera et al. 2017): about 120
points at the same anatomical places on both heads, their displacements measured region by region in units that make
both heads' ranges of motion alike, and the gaps between lids and lips compared on their own, because closed must mean
closed. From this, controls that look like given coefficients, and coefficients that look like given controls.
"""
from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from addon.core import coefficients
from addon.core.rig_profile import RigProfile

from .driven_shapes import DrivenShapes

BROWS, NOSE, LIPS, CHIN = range(17, 27), range(27, 36), range(48, 68), range(5, 12)
LIDS = range(36, 48)
_LID_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))
_LIP_PAIRS = ((61, 67), (62, 66), (63, 65))
_TO_FACE = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)
"""Blender's axes → x to the person's left, y up, z out of the face."""
# region: weight of its markers
_WEIGHTS = {"brows": 1.1, "lids": 0.5, "nose": 0.7, "lips": 1.8, "chin": 1.0, "cheeks": 0.8, "rest": 0.4}
_DEPTH = {"lips": 0.75, "chin": 0.6, "nose": 0.6}
"""Depth counts less than what a viewer in front sees, but for cheeks, brows and lids."""
_LID_GAP, _LIP_GAP = 2.0, 20.0
_ALIKE = 0.27
"""Cosine between the movements of a shape and of a control below which the control has no part in the shape."""
ELSEWHERE = ("eye_", "head_", "tongue_")
"""Controls that skin markers say nothing about; `pip_pairs` sets them from gaze, head and tongueOut."""
_LID_SHUT = 0.13
"""ICT's lids at eyeBlink = 1 leave this share of the opening between their markers; it counts as shut."""


@dataclass(frozen=True)
class Looks:
    """What faces look like, in common units: marker rows [N, R], lid gaps [N, 4], lip gaps [N, 9]."""

    rows: torch.Tensor
    lids: torch.Tensor
    lips: torch.Tensor


@dataclass(frozen=True)
class Pairing:
    """Two heads' displacements in common units."""

    ict: torch.Tensor
    """float32 [54, R]: rows of each coefficient at 1, range of motion aligned; tongueOut has none."""
    rig: torch.Tensor
    """float32 [keys, R]: rows of each shape key of the character at 1."""
    lids: tuple[torch.Tensor, torch.Tensor]
    """Rest-relative change of the lids' gaps [54, 4] and [keys, 4]; -1 = shut."""
    lips: tuple[torch.Tensor, torch.Tensor]
    """Change of the inner lips' gaps [54, 9] and [keys, 9], in shares of the mouth's width."""
    shapes: DrivenShapes
    profile: RigProfile


def pair_faces(profile: RigProfile, ict_path: Path) -> Pairing:
    """Read both heads and bring their markers into common units (gains still 1)."""
    shapes = DrivenShapes(profile.blend, profile.armature, "Pip-head", profile.control_set)
    with (profile.path.parent / "markers.toml").open("rb") as file:
        rig_marks = np.array(tomllib.load(file)["landmarks"])
    with np.load(ict_path) as data:
        neutral = data["neutral_vertices"]
        marks = data["landmark_vertices"].astype(int)
        deltas = data["expression_deltas"].astype(np.float32)
        names = [_our_name(str(n)) for n in data["expression_names"]]
    order = [names.index(name) for name in coefficients.NAMES[:-1]]
    deltas = np.concatenate([deltas[order], np.zeros_like(deltas[:1])])
    rest = shapes.rest @ _TO_FACE.T
    keys = shapes.deltas @ _TO_FACE.T
    more, rig_more = _extra_markers(neutral, marks, rest, rig_marks)
    region, scale = _regions(neutral, marks, rest, rig_marks, more)
    all_ict, all_rig = np.concatenate([marks, more]), np.concatenate([rig_marks, rig_more])
    depth = np.array([[1, 1, _DEPTH.get(r, 1.0)] for r in region], np.float32)
    ict = deltas[:, all_ict] * scale[:, None] * depth
    rig = keys[:, all_rig].astype(np.float32) * depth
    weight = np.array([_WEIGHTS[r] / np.sqrt((region == r).sum()) for r in region], np.float32)
    weight /= np.array([max(_typical(rig, region == r), _typical(ict, region == r)) for r in region])
    flat = lambda d: torch.tensor((d * weight[:, None]).reshape(len(d), -1), dtype=torch.float32)  # noqa: E731
    return Pairing(flat(ict), flat(rig), _lid_gaps(neutral, marks, deltas, rest, rig_marks, keys),
                   _lip_gaps(neutral, marks, deltas, rest, rig_marks, keys), shapes, profile)


def _our_name(ict: str) -> str:
    return ict.replace("_L", "Left").replace("_R", "Right")


def _typical(moves: np.ndarray, mask: np.ndarray) -> float:
    """How far a region's markers go at the strongest of the movements: its unit of length."""
    return float(np.sqrt(np.square(moves[:, mask]).sum(axis=2).mean(axis=1)).max())


def _regions(neutral: np.ndarray, marks: np.ndarray, rest: np.ndarray, rig_marks: np.ndarray,
             more: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Region name and scale (character units per cm) of every marker."""
    def ratio(a: int, b: int, axis: int) -> float:
        return float((rest[rig_marks[a]] - rest[rig_marks[b]])[axis] / (neutral[marks[a]] - neutral[marks[b]])[axis])

    region = np.full(68, "rest", dtype="<U8")
    for name, members in (("brows", BROWS), ("lids", LIDS), ("nose", NOSE), ("lips", LIPS), ("chin", CHIN)):
        region[list(members)] = name
    extra = np.where(neutral[more, 1] > 4.6, "brows", np.where(np.abs(neutral[more, 0]) > 1.9, "cheeks", "chin"))
    region = np.concatenate([region, np.where(neutral[more, 1] > -6.0, extra, "chin")])
    mouth, face = ratio(54, 48, 0), ratio(45, 36, 0)
    scales = {"brows": ratio(24, 43, 1), "lids": ratio(43, 47, 1), "nose": face, "lips": mouth, "chin": mouth,
              "cheeks": face, "rest": face}
    return region, np.array([scales[r] for r in region], np.float32)


def _extra_markers(neutral: np.ndarray, marks: np.ndarray, rest: np.ndarray,
                   rig_marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """About 60 more points over cheeks, chin and forehead, carried over by a thin-plate warp of the landmarks."""
    face = np.arange(9409)
    x, y, z = neutral[face].T
    inside = (np.abs(x) < 6) & (y < 7.5) & (y > -7) & (z > 6)
    away = np.linalg.norm(neutral[face, None, :2] - neutral[marks[17:], :2], axis=2).min(axis=1)
    left = face[inside & (away > 0.55) & (neutral[face, 0] > 0.35)]
    chosen = [int(left[np.argmin(np.abs(neutral[left] - [4, -2, 8]).sum(axis=1))])]
    while len(chosen) < 30:
        gap = np.linalg.norm(neutral[left, None] - neutral[chosen], axis=2).min(axis=1)
        chosen.append(int(left[np.argmax(gap)]))
    mirrored = [int(face[np.argmin(np.abs(neutral[face] - neutral[v] * [-1, 1, 1]).sum(axis=1))]) for v in chosen]
    more = np.array(chosen + mirrored)
    anchors = np.unique(neutral[marks, :2], axis=0, return_index=True)[1]
    warp = _thin_plate(neutral[marks[anchors], :2], _angles(rest[rig_marks[anchors]]))
    skin = _angles(rest)
    near = np.linalg.norm(rest, axis=1) > 0.75
    skin = np.where(near[:, None], skin, 99)
    rig_more = [int(np.argmin(np.square(skin - place).sum(axis=1))) for place in warp(neutral[more, :2])]
    return more, np.array(rig_more)


def _angles(points: np.ndarray) -> np.ndarray:
    """Azimuth and elevation [N, 2] as seen from the head's centre."""
    x, y, z = points.T
    return np.stack([np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))], axis=1)


def _thin_plate(source: np.ndarray, target: np.ndarray):
    """The thin-plate spline that takes 2-D points `source` to `target`."""
    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        square = np.square(a[:, None] - b).sum(axis=2)
        return square * np.log(square + 1e-9)

    n = len(source)
    plane = np.concatenate([np.ones((n, 1)), source], axis=1)
    system = np.block([[kernel(source, source) + 0.01 * np.eye(n), plane], [plane.T, np.zeros((3, 3))]])
    solution = np.linalg.solve(system, np.concatenate([target, np.zeros((3, 2))]))
    return lambda p: kernel(p, source) @ solution[:n] + np.concatenate([np.ones((len(p), 1)), p], axis=1) @ solution[n:]


def _lid_gaps(neutral, marks, deltas, rest, rig_marks, keys) -> tuple[torch.Tensor, torch.Tensor]:
    """Change of each lid gap as a share of its rest opening; ICT's is stretched so that its blink shuts."""
    def change(points: np.ndarray, moves: np.ndarray, at: np.ndarray) -> np.ndarray:
        pairs = np.array(_LID_PAIRS)
        opening = points[at[pairs[:, 0]], 1] - points[at[pairs[:, 1]], 1]
        return (moves[:, at[pairs[:, 0]], 1] - moves[:, at[pairs[:, 1]], 1]) / opening

    ict = change(neutral, deltas, marks) / (1 - _LID_SHUT)
    return torch.tensor(ict, dtype=torch.float32), torch.tensor(change(rest, keys, rig_marks), dtype=torch.float32)


def _lip_gaps(neutral, marks, deltas, rest, rig_marks, keys) -> tuple[torch.Tensor, torch.Tensor]:
    """Change of the gaps between the inner lips as a share of the mouth's width."""
    def change(points: np.ndarray, moves: np.ndarray, at: np.ndarray) -> np.ndarray:
        pairs = np.array(_LIP_PAIRS)
        width = np.linalg.norm(points[at[54]] - points[at[48]])
        return ((moves[:, at[pairs[:, 0]]] - moves[:, at[pairs[:, 1]]]) / width).reshape(len(moves), -1)

    return (torch.tensor(change(neutral, deltas, marks), dtype=torch.float32),
            torch.tensor(change(rest, keys, rig_marks), dtype=torch.float32))


def _shut(gaps: torch.Tensor) -> torch.Tensor:
    """Lids cannot close further than shut."""
    return gaps.clamp(min=-1.0)


def _apart(gaps: torch.Tensor) -> torch.Tensor:
    """Lips cannot close further than touching: the vertical part of each gap stays at 0 or above."""
    parts = gaps.reshape(len(gaps), -1, 3)
    open_ = (parts[..., 1:2] > 0).float()
    parts = parts * torch.cat([open_, torch.ones_like(open_), open_], dim=2)
    return parts.clamp(min=torch.tensor([-9.0, 0, -9.0])).flatten(1)


def _directions(pairing: Pairing) -> tuple[torch.Tensor, torch.Tensor]:
    """How far a control goes up and down from neutral [2, K], and its own rows [2, K, R] at these ends."""
    controls = pairing.profile.control_set
    ends = torch.tensor(np.stack([controls.maximum - controls.neutral, controls.neutral - controls.minimum]))
    ends[:, [name.startswith(ELSEWHERE) for name in controls.names]] = 0
    neutral = torch.tensor(controls.neutral)
    poses = torch.cat([neutral + torch.diag(ends[0]), neutral - torch.diag(ends[1])])
    return ends, (pairing.shapes.key_values(poses) @ pairing.rig).reshape(2, len(controls), -1)


def _claims(ict: torch.Tensor, moves: torch.Tensor) -> torch.Tensor:
    """Price factor [54, 2, K]: a control that is much like one shape is dear to all others.

    Without this the jaw's forward push, say, mends whatever else comes forward in a pucker.
    """
    like = torch.einsum("sr,dkr->sdk", torch.nn.functional.normalize(ict), torch.nn.functional.normalize(moves, dim=2))
    like[coefficients.INDEX["mouthClose"]] = 0          # it is matched on an open jaw, not alone
    most = like.amax(dim=0)
    return torch.where((most > 0.68) & (like < most - 0.03), 2.0, 1.0)


def _search(count: int, steps: int, ends: torch.Tensor, loss_of: Callable[[torch.Tensor], torch.Tensor],
            start: torch.Tensor | None = None) -> torch.Tensor:
    """Minimise `loss_of` over [count, K] controls, scaled per direction to -1..1, by projected Adam."""
    upper, lower = (ends[0] > 0).float(), -(ends[1] > 0).float()
    found = torch.zeros(count, ends.shape[1]) if start is None else torch.minimum(torch.maximum(start, lower), upper)
    found.requires_grad_()
    optimizer = torch.optim.Adam([found], betas=(0.9, 0.98))
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.06 * (1 - step / steps) + 0.002
        optimizer.zero_grad()
        loss_of(found).sum().backward()
        optimizer.step()
        with torch.no_grad():
            found.clamp_(min=lower, max=upper)
    return found.detach()


def _distance(keys: torch.Tensor, pairing: Pairing, looks: Looks) -> torch.Tensor:
    """How unlike the looks [N] and the character at key values [N, keys] are."""
    loss = torch.square(keys @ pairing.rig - looks.rows).sum(dim=1)
    loss = loss + _LID_GAP * torch.square(_shut(keys @ pairing.lids[1]) - looks.lids).sum(dim=1)
    return loss + _LIP_GAP * torch.square(_apart(keys @ pairing.lips[1]) - looks.lips).sum(dim=1)


def match_shapes(pairing: Pairing, steps: int = 400) -> torch.Tensor:
    """The pose [54, K], scaled per direction to -1..1, that means each coefficient at 1 on the character.

    The eyeLook shapes have none: gaze turns the eyes, and the character's lids follow them in its own way.
    Shapes are compared by direction, a control counts only where it is alike enough (`_ALIKE`), and the pose is then
    stretched until the control that does most is at the end of its range: a full smile is the character's full smile.
    """
    ends, moves = _directions(pairing)
    length = moves.norm(dim=2).clamp(min=0.15)
    like = pairing.ict @ pairing.rig.T
    ict, rig = pairing.ict.norm(dim=1), pairing.rig.norm(dim=1)
    ict = torch.where(torch.tensor(coefficients.in_group("gaze")), 0.0, ict)
    best = (like / rig / ict.clamp(min=1e-6)[:, None]).argmax(dim=1)
    gain = 1 / (like[torch.arange(len(best)), best] / rig[best] ** 2).clamp(min=1e-3)
    gain = torch.where(ict > 1e-6, gain, torch.zeros(()))[:, None]
    close, jaw = coefficients.INDEX["mouthClose"], coefficients.INDEX["jawOpen"]
    wide = pairing.lips[1][best[jaw]].norm() / (pairing.lips[0][jaw] * gain[jaw]).norm()
    looks = Looks(pairing.ict * gain, _shut(pairing.lids[0]), _apart(pairing.lips[0] * gain * wide))
    price = (2 * _ALIKE * ict[:, None] * gain)[:, None] * length * _claims(pairing.ict, moves)
    base = torch.zeros(len(ict), ends.shape[1])

    def loss(found: torch.Tensor) -> torch.Tensor:
        keys = pairing.shapes.key_values(_values(pairing, base + found, ends))
        cost = found.clamp(min=0) * price[:, 0] + (-found).clamp(min=0) * price[:, 1]
        return _distance(keys, pairing, looks) + cost.sum(dim=1)

    def clean(found: torch.Tensor) -> torch.Tensor:
        found = found * (ict > 0)[:, None]
        effect = found.clamp(min=0) * length[0] + (-found).clamp(min=0) * length[1]
        strongest = found.abs().gather(1, effect.argmax(dim=1, keepdim=True)).clamp(min=1e-3)
        found = torch.where(effect < 0.2 * effect.amax(dim=1, keepdim=True), 0.0, found)
        found = (found / strongest).clamp(-1, 1)
        # several controls that do much the same must not add up to more than the character ever does
        travel = (pairing.shapes.key_values(_values(pairing, found, ends)) @ pairing.rig).norm(dim=1, keepdim=True)
        full = _full(found, effect, length)
        return _symmetric(found * (1.4 * full / travel.clamp(min=1e-6)).clamp(max=1), pairing)

    first = clean(_search(len(ict), steps, ends, loss))
    # mouthClose means "lips together although the jaw is open": it is matched on the open jaw
    base[close] = first[jaw]
    looks.rows[close] = (pairing.ict[close] + pairing.ict[jaw]) * gain[jaw]
    looks.lips[close] = 0
    first[close] = clean(_search(len(ict), steps, ends, loss))[close]
    return first


def matched_looks(pairing: Pairing, poses: torch.Tensor) -> Looks:
    """Looks of the 54 coefficients at 1 on the character itself, from `match_shapes`' poses; they add up linearly."""
    ends, _ = _directions(pairing)
    keys = pairing.shapes.key_values(_values(pairing, poses, ends))
    close, jaw = coefficients.INDEX["mouthClose"], coefficients.INDEX["jawOpen"]
    both = pairing.shapes.key_values(_values(pairing, (poses[close] + poses[jaw])[None], ends))[0]
    keys[close] = both - keys[jaw]
    return Looks(keys @ pairing.rig, keys @ pairing.lids[1], keys @ pairing.lips[1])


def fit_controls(pairing: Pairing, poses: torch.Tensor, matched: Looks, wanted: torch.Tensor,
                 steps: int = 160) -> torch.Tensor:
    """Controls [N, K], scaled per direction to -1..1, whose look is nearest to the sum of coefficients [N, 54].

    They start as the sum of the coefficients' own poses and leave it only for a better look.
    """
    ends, moves = _directions(pairing)
    start = (wanted @ poses).clamp(-1, 1)
    price = 0.09 * moves.norm(dim=2).clamp(min=0.15)
    looks = Looks(wanted @ matched.rows, _shut(wanted @ matched.lids), _apart(wanted @ matched.lips))

    def loss(found: torch.Tensor) -> torch.Tensor:
        keys = pairing.shapes.key_values(_values(pairing, found, ends))
        left = (found - start).abs() * torch.where(found > 0, price[0], price[1])
        return _distance(keys, pairing, looks) + left.sum(dim=1)

    return _search(len(wanted), steps, ends, loss, start)


def fit_coefficients(pairing: Pairing, matched: Looks, scaled: torch.Tensor,
                     steps: int = 320) -> tuple[torch.Tensor, torch.Tensor]:
    """Coefficients [N, 54] in 0..1 whose look is nearest to controls [N, K], scaled per direction to -1..1.

    Also how much of each pose's movement they miss [N], 0..1: a rig can do what no face does.
    """
    ends, _ = _directions(pairing)
    keys = pairing.shapes.key_values(_values(pairing, scaled, ends))
    rows, lids, lips = keys @ pairing.rig, _shut(keys @ pairing.lids[1]), _apart(keys @ pairing.lips[1])
    price = 0.015 * matched.rows.norm(dim=1).clamp(min=0.15)

    def loss(found: torch.Tensor) -> torch.Tensor:
        distance = torch.square(found @ matched.rows - rows).sum(dim=1)
        distance = distance + _LID_GAP * torch.square(_shut(found @ matched.lids) - lids).sum(dim=1)
        distance = distance + _LIP_GAP * torch.square(_apart(found @ matched.lips) - lips).sum(dim=1)
        return distance + found @ price

    one_way = torch.stack([torch.ones(coefficients.COUNT), torch.zeros(coefficients.COUNT)])
    found = _search(len(scaled), steps, one_way, loss)
    missed = (found @ matched.rows - rows).norm(dim=1) / rows.norm(dim=1).clamp(min=1e-3)
    return found, missed


def _values(pairing: Pairing, scaled: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """Rig units from -1..1 per direction."""
    neutral = torch.tensor(pairing.profile.control_set.neutral)
    return neutral + scaled.clamp(min=0) * ends[0] + scaled.clamp(max=0) * ends[1]


def _full(found: torch.Tensor, effect: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """Length [N, 1] of the movement that each pose's main control makes at the end of its range."""
    main = effect.argmax(dim=1, keepdim=True)
    return torch.where(found.gather(1, main) > 0, length[0][main], length[1][main])


def _symmetric(poses: torch.Tensor, pairing: Pairing) -> torch.Tensor:
    """Poses of the 54 coefficients made exact mirror images of their partners'."""
    mirrored = torch.tensor(pairing.profile.control_set.mirrored(poses.numpy()))
    return (poses + mirrored[torch.tensor(coefficients.MIRROR)]) / 2
