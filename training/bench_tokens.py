"""Motion tokens on people and poses that they never saw, beside what else could compare poses or find joints' angles.

    python -m training.bench body.retrieval body.identity …    the figures

A query is one person in a pose; the gallery has every pose of the test once, each on somebody else. Rivals see the same
pictures: plain pixels, oriented gradients, and the landmarks that our own tracker finds in them, enlarged four times
(hands in the hands' pictures). Angles are geodesic; the rival is inverse kinematics (addon.characters.body_pose) on the
tracker's landmarks and on the very person's bones, its bound the same on the true joints. Landmarks do not show how a
limb twists, so limbs' directions are told as well.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from addon.core.body_motion import JOINTS
from addon.core.errors import SemblanceError
from addon.core.files import write_bytes
from addon.core.frames import BodyTrack, Frame, stack_bodies
from addon.core.model_card import read_card
from addon.core.paths import ROOT

from .body_people import person_of
from .figures import Row
from .motion_token_body import fitted, track_of
from .motion_token_data import Columns, read_bodies
from .motion_token_model import (
    DECODERS,
    FOLDER,
    SIDES,
    SLICES,
    TOKENS,
    load_decoders,
    load_tokens,
    turned,
)
from .network_cards import Shape, Told, card
from .triplets import identity_probe

DATA: Final = ROOT / "out" / "bodies"
_COLUMNS: Final = (*SIDES, "pose", "person", "rotations", "fingers", "coefficients", "joints", "hands")
LEAST_POSES: Final = 100
"""Of a gallery; with the tracker, which takes a tenth of a second for a person, just as many."""
_STILL: Final = 100
_ENLARGED: Final = 4
_LIMBS: Final = {f"{side}_{bone}": f"{side}_{end}" for side in ("left", "right")
                 for bone, end in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))}


@dataclass(frozen=True)
class Match:
    """One query and one gallery row for every pose of the test, of different people."""

    query: np.ndarray
    gallery: np.ndarray


def matches(pose: np.ndarray) -> Match:
    """The first and the second row of each pose.

    Raises:
        SemblanceError: if there are fewer than LEAST_POSES.
    """
    poses, first = np.unique(pose, return_index=True)
    if len(poses) < LEAST_POSES:
        raise SemblanceError(f"A gallery needs {LEAST_POSES} poses, these are {len(poses)}; draw more bodies.")
    return Match(first, first + 1)


def top1(features: np.ndarray, match: Match) -> float:
    """Share of the queries whose own pose is the nearest in the gallery, of features [N, F]."""
    query, gallery = (features[rows].astype(np.float64) for rows in (match.query, match.gallery))
    apart = (query**2).sum(1)[:, None] + (gallery**2).sum(1) - 2 * query @ gallery.T
    return float((apart.argmin(1) == np.arange(len(query))).mean())


def parts(tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Tokens [N, 192] by name; "all", each of length 1; "hands", both."""
    found = {name: tokens[:, columns] / np.linalg.norm(tokens[:, columns], axis=1, keepdims=True)
             for name, columns in SLICES.items()}
    return found | {"hands": np.concatenate([found["left"], found["right"]], 1),
                    "all": np.concatenate(list(found.values()), 1)}


def plain_features(columns: Columns, kind: str) -> dict[str, np.ndarray]:
    """Rivals' features, by the same names: grey "pixels" of a quarter of the side, or oriented gradients "HOG"."""
    found = {}
    for part, name in (("body", "picture"), ("face", "face"), ("left", "left"), ("right", "right")):
        grey = columns[name].astype(np.float32).mean(3)
        values = _gradients(grey) if kind == "HOG" else _quartered(grey)
        values = values - values.mean(0)
        found[part] = _short(values / np.linalg.norm(values, axis=1, keepdims=True))
    return found | {"hands": np.concatenate([found["left"], found["right"]], 1),
                    "all": np.concatenate(list(found.values()), 1)}


def _short(values: np.ndarray) -> np.ndarray:
    """Rows [N, F] as [N, N] with the same products, where F is larger: the probe takes the cube of the columns."""
    if values.shape[1] <= len(values):
        return values
    sizes, axes = np.linalg.eigh(values.astype(np.float64) @ values.T)
    return (axes * np.sqrt(sizes.clip(0))).astype(np.float32)


def _quartered(grey: np.ndarray) -> np.ndarray:
    count, side, _ = grey.shape
    return grey.reshape(count, side // 4, 4, side // 4, 4).mean((2, 4)).reshape(count, -1)


def _gradients(grey: np.ndarray) -> np.ndarray:
    from .face_inputs import OrientedGradients

    gradients = OrientedGradients()
    with torch.no_grad():
        return torch.cat([gradients(part) for part in torch.from_numpy(grey)[:, None].split(64)]).numpy()


def tracked(columns: Columns) -> BodyTrack:
    """What our tracker finds in these pictures, one by one, enlarged; hands in the hands' pictures."""
    from addon.tracking.body import BodyTracker
    from addon.tracking.hands import FROM_POSE, HandReader, rough_region
    from addon.tracking.region import Region

    bodies, reader, found = BodyTracker(), HandReader(), []
    whole = Region(*(SIDES["left"] * _ENLARGED / 2,) * 2, SIDES["left"] * _ENLARGED, 0.0)
    for i, picture in enumerate(columns["picture"]):
        bodies.reset()
        found.append(bodies.track(Frame(_enlarged(picture), i / 30, i)))
    track = stack_bodies(found)
    for side, name in enumerate(("left", "right")):
        for i, crop in enumerate(columns[name]):
            image, arm = _enlarged(crop), track.landmarks[i, FROM_POSE[side], :2].astype(np.float64)
            rough = replace(whole, angle=rough_region(*arm).angle) if np.isfinite(arm).all() else whole
            hand = reader.look(image, reader.place(image, rough))
            track.hands[i, side], track.hands_world[i, side] = hand.landmarks, hand.world
    return track


def _enlarged(picture: np.ndarray) -> np.ndarray:
    """uint8 BGR of RGB."""
    bgr = np.ascontiguousarray(picture[..., ::-1])
    return cv2.resize(bgr, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)


def landmark_features(track: BodyTrack) -> dict[str, np.ndarray]:
    """The tracker's landmarks with position and size taken off, by the tokens' names; zeros where nobody was found."""
    found = {"body": track.world, "left": track.hands_world[:, 0], "right": track.hands_world[:, 1]}
    for name, points in found.items():
        centred = np.nan_to_num(points - points.mean(1, keepdims=True)).reshape(len(points), -1)
        found[name] = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return found | {"hands": np.concatenate([found["left"], found["right"]], 1)}


def degrees(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angles between rotations [..., 3, 3]."""
    cosine = (np.einsum("...ij,...ij->...", one, other) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def limb_degrees(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """[N, 8]: by how much the limbs of rotations [N, 22, 3, 3] point elsewhere, seen by the camera."""
    person = person_of(0)
    bones = np.array([JOINTS.index(name) for name in _LIMBS])
    along = person.rest[[JOINTS.index(name) for name in _LIMBS.values()]] - person.rest[bones]
    ways = [(turned(torch.from_numpy(each.astype(np.float32))).numpy()[:, bones] @ along[..., None])[..., 0]
            for each in (found, true)]
    cosine = (ways[0] * ways[1]).sum(2) / np.linalg.norm(ways[0], axis=2) / np.linalg.norm(ways[1], axis=2)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def angle_errors(rotations: np.ndarray, fingers: np.ndarray, columns: Columns) -> dict[str, float]:
    """Mean degrees of joints that move, of limbs' directions, and of fingers."""
    # The feet's ends never turn.
    moving = [i for i, name in enumerate(JOINTS) if not name.endswith("foot")]
    return {
        "joints": float(degrees(rotations, columns["rotations"])[:, moving].mean()),
        "limbs": float(limb_degrees(rotations, columns["rotations"]).mean()),
        "fingers": float(degrees(fingers, columns["fingers"]).mean()),
    }


def fits(columns: Columns, track: BodyTrack, true: bool) -> tuple[np.ndarray, np.ndarray]:
    """Inverse kinematics of each row on its person's bones: of the track, or of the true joints."""
    found = []
    for i, number in enumerate(columns["person"]):
        person, rows = person_of(int(number)), slice(i, i + 1)
        own = track_of(columns["rotations"][rows], columns["fingers"][rows], person) if true else _row(track, i)
        found.append(fitted(own, person))
    return np.concatenate([each[0] for each in found]), np.concatenate([each[1] for each in found])


def _row(track: BodyTrack, i: int) -> BodyTrack:
    return BodyTrack(**{name: values[i:i + 1] for name, values in vars(track).items()})


def varied(picture: np.ndarray, way: str, random: np.random.Generator) -> np.ndarray:
    """A still picture as another frame of a clip would have it: "noise", "brightness", "compression" or "shift"."""
    if way == "noise":
        return np.clip(picture + random.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
    if way == "brightness":
        return np.clip(picture * 1.1, 0, 255).astype(np.uint8)
    if way == "shift":
        return np.pad(picture, ((0, 0), (1, 0), (0, 0)), mode="edge")[:, :-1]
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 70])[1], cv2.IMREAD_COLOR)


def stillness(tokens_of: Callable[..., np.ndarray], columns: Columns, rows: np.ndarray) -> dict[str, float]:
    """How far tokens move while nothing does, by way, as a share of how far apart those of two poses are."""
    pictures = [columns[name][rows] for name in SIDES]
    before = parts(tokens_of(*pictures))["all"]
    apart = np.linalg.norm(before - np.roll(before, 1, 0), axis=1).mean()
    random, found = np.random.default_rng(5), {}
    for way in ("noise", "brightness", "compression", "shift"):
        after = tokens_of(*(np.stack([varied(each, way, random) for each in stack]) for stack in pictures))
        found[way] = float(np.linalg.norm(parts(after)["all"] - before, axis=1).mean() / apart)
    return found


def swap_leak(motion: Callable[..., tuple[np.ndarray, ...]], tokens: np.ndarray) -> float:
    """The most that another part of the decoded motion changes when one token is somebody else's."""
    rows = tokens[:32]
    rotations, fingers, values = motion(rows)
    before = {"face": values, "body": rotations, "left": fingers[:, 0], "right": fingers[:, 1]}
    most = 0.0
    for name, columns in SLICES.items():
        mixed = rows.copy()
        mixed[:, columns] = np.roll(rows[:, columns], 1, 0)
        rotations, fingers, values = motion(mixed)
        after = {"face": values, "body": rotations, "left": fingers[:, 0], "right": fingers[:, 1]}
        if not (after[name] != before[name]).any():
            raise SemblanceError(f"The token z_{name} says nothing: exchanging it changes no part of the motion.")
        most = max(most, *(float(np.abs(after[other] - before[other]).max()) for other in SLICES if other != name))
    return most


def measure_alone(data: Path = DATA, folder: Path = FOLDER) -> dict[str, float]:
    """Every figure of the kept tokens that needs no tracker, by name."""
    columns = read_bodies(data, "test", _COLUMNS)
    tokens_of, motion = _kept(folder)
    tokens = tokens_of(*(columns[name] for name in SIDES))
    match = matches(columns["pose"])
    found: dict[str, float] = {"poses": len(match.query), "people": len(np.unique(columns["person"]))}
    spaces = {"": parts(tokens), "pixels_": plain_features(columns, "pixels"), "HOG_": plain_features(columns, "HOG")}
    for rival, space in spaces.items():
        found |= {f"{rival}top1_{part}": top1(values, match) for part, values in space.items()}
        found |= {f"{rival}identity_{part}": found["people"] * identity_probe(space[part], columns["person"])
                  for part in ("body", "face", "hands")}
    rotations, fingers, values = motion(tokens)
    found |= angle_errors(rotations, fingers, columns) | _face_errors(values, columns["coefficients"])
    still = stillness(tokens_of, columns, match.query[:_STILL])
    return found | {"leak": swap_leak(motion, tokens)} | {f"still_{way}": share for way, share in still.items()}


def _kept(folder: Path) -> tuple[Callable[..., np.ndarray], Callable[..., tuple[np.ndarray, ...]]]:
    decoders = folder.with_name(DECODERS.name)
    return load_tokens(folder / "model.onnx"), load_decoders(decoders / "model.onnx")


def _face_errors(found: np.ndarray, true: np.ndarray) -> dict[str, float]:
    moves = true.std(0) > 0.02
    r = [np.corrcoef(found[:, i], true[:, i])[0, 1] for i in np.flatnonzero(moves)]
    return {"face_r": float(np.nan_to_num(r).mean()), "face_mae": float(np.abs(found - true).mean())}


def measure_tracked(data: Path = DATA, folder: Path = FOLDER) -> dict[str, float]:
    """Retrieval by the tracker's landmarks and angles by inverse kinematics, and "same_": ours on the same pictures."""
    columns = read_bodies(data, "test", _COLUMNS)
    match = matches(columns["pose"])
    rows = np.concatenate([match.query[:LEAST_POSES], match.gallery[:LEAST_POSES]])
    columns = {name: values[rows] for name, values in columns.items()}
    both = Match(np.arange(LEAST_POSES), np.arange(LEAST_POSES, 2 * LEAST_POSES))
    tokens_of, motion = _kept(folder)
    tokens, track = tokens_of(*(columns[name] for name in SIDES)), tracked(columns)
    spaces = {"same": parts(tokens), "landmarks": landmark_features(track)}
    found = {f"{name}_top1_{part}": top1(values, both) for name, space in spaces.items()
             for part, values in space.items()}
    seen = np.flatnonzero(track.found)
    found["landmarks_found"] = len(seen) / len(rows)
    some = {name: values[seen] for name, values in columns.items()}
    picked = BodyTrack(**{name: values[seen] for name, values in vars(track).items()})
    for name, (rotations, fingers) in (("same", motion(tokens[seen])[:2]), ("ik", fits(some, picked, False)),
                                       ("bound", fits(some, picked, True))):
        found |= {f"{name}_{key}": value for key, value in angle_errors(rotations, fingers, some).items()}
    return found


@lru_cache(maxsize=1)
def _figures() -> dict[str, float]:
    return measure_alone() | measure_tracked()


def measure() -> dict[str, Row]:
    """All rows of this room; two to three minutes."""
    found = _figures()
    best = max(("pixels", "HOG"), key=lambda name: found[f"{name}_top1_all"])

    def retrieved(part: str, rival: str, goal: str) -> Row:
        ours = found[f"same_top1_{part}" if rival == "landmarks" else f"top1_{part}"]
        return Row(ours, found[f"{rival}_top1_{part}"], rival, "of poses", goal)

    still = max(value for name, value in found.items() if name.startswith("still_"))
    identity = max(found[f"identity_{part}"] for part in ("body", "face", "hands"))
    theirs = max(found[f"HOG_identity_{part}"] for part in ("body", "face", "hands"))
    fit = "inverse kinematics on our landmarks"
    return {
        "body.retrieval_top1": retrieved("all", best, ">= 0.9"),
        "body.retrieval_body": retrieved("body", "landmarks", "report"),
        "body.retrieval_hands": retrieved("hands", "landmarks", "report"),
        "body.retrieval_face": retrieved("face", "HOG", "report"),
        "body.identity_probe": Row(identity, theirs, "HOG", "of chance", "<= 3"),
        "body.swap_leak": Row(found["leak"], None, "nobody measures it", "rad, coefficient", "== 0"),
        "body.joint_degrees": Row(found["same_joints"], found["ik_joints"], fit, "degrees", "<= 15"),
        "body.limb_degrees": Row(found["same_limbs"], found["ik_limbs"], fit, "degrees", "<= 15"),
        "body.finger_degrees": Row(found["same_fingers"], found["ik_fingers"], fit, "degrees", "<= 15"),
        "body.token_still": Row(still, None, "worst of four ways", "of poses' distance", "<= 0.2"),
    }


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("body.retrieval_top1", "body.retrieval_body", "body.retrieval_hands", "body.retrieval_face",
     "body.identity_probe", "body.swap_leak", "body.joint_degrees", "body.limb_degrees", "body.finger_degrees",
     "body.token_still"): measure,
}


def write_cards(folder: Path, data: Path, size: str, minutes: float) -> dict[str, float]:
    """Measure the networks in `folder` and beside it, and write both cards; returns the figures."""
    told = Told(
        "training/bench_tokens.py together with the network it measured", _learned_from(data, size, minutes),
        "after X-UniMotion (arXiv 2508.09383), our own code; no data or weights of it",
        "Drawn people only. z_face tells how a face is turned, hardly yet what it does.",
    )
    pictures = [("input", name, [-1, side, side, 3], "uint8 RGB, as training/body_pictures.py has it")
                for name, side in SIDES.items()]
    tokens = ([-1, TOKENS], "z_face 64, z_body 64, z_left 32, z_right 32; each of the length of its root")
    motion: list[Shape] = [
        ("input", "tokens", *tokens),
        ("output", "rotations", [-1, len(JOINTS), 3, 3], "core.body_motion.JOINTS against the joint above; SMPL's T"),
        ("output", "fingers", [-1, 2, 15, 3, 3], "left, right; thumb, index, middle, ring, little, palm outwards"),
        ("output", "coefficients", [-1, 54], "0..1, core.coefficients"),
    ]
    found: dict[str, float] = {}
    # A network is measured only with a card that says what it is.
    for figures_of in (None, measure_alone, measure_tracked):
        found |= figures_of(data, folder) if figures_of else {}
        for place, shapes in ((folder, [*pictures, ("output", "tokens", *tokens)]),
                              (folder.with_name(DECODERS.name), motion)):
            network = (place / "model.onnx").read_bytes()
            write_bytes(place / "card.toml", card(place, network, told, shapes, found).encode())
            read_card(place)
    return found


def _learned_from(data: Path, size: str, minutes: float) -> str:
    shards = sorted(data.glob("train_*.npz"))
    rows = people = 0
    for path in shards:
        with np.load(path) as shard:
            rows, people = rows + len(shard["pose"]), max(people, int(shard["settings"][0]))
    return (
        f"{rows} pictures of {people} made people in {rows // 4} shared poses, by training/body_pictures.py, ours but\n"
        "for the recorded walk (CMU 01_01; fairmotion, BSD-3), whose second part the tests keep.\n"
        f"The {size} plan of training/motion_tokens.py, {minutes:.0f} minutes of one core."
    )
