"""Faces of the five characters for the expression encoder: drawn by Blender, seen by our own tracker, kept as shards.

    python -m training.drawn_faces [--count 2000] [--characters Ada Gus ...] [--test] [--out out/expression]

Coefficients are decoded to a character's controls, so that truth is known as far as the character can show it (the
column `known`); key poses also have their class. About 0.15 s a face on one core; a second start goes on where the
first stopped.

Where the tracker finds no face, or one beside the head, the crop is cut from where the head is, with the errors of
tracking.drawn, and the landmarks are NaN.
"""
from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from addon.commands.terminal import without_chatter
from addon.core import coefficients
from addon.core.frames import CROP_SIZE, FaceFrame, Frame, unknown_landmarks
from addon.core.key_poses import CLASSES, KeyPoses, read_key_poses
from addon.core.rig_profile import find_profile
from addon.tracking.crop import crop_transform
from addon.tracking.tracker import FaceTracker
from training.make_expression_data import save
from training.performers import PerformanceCurves, random_mix
from training.shown_coefficients import Shown

if TYPE_CHECKING:
    from training.drawn_stage import DrawnStage, Head

CHARACTERS: Final = ("Ada", "Gus", "Mora", "Pip", "Uno")
"""In the order of the column `character`."""
SHARD_FACES: Final = 250
TEST_FACES: Final = 200
TRAIN_SEED, TEST_SEED = 40_261, 90_003
_MAKERS: Final = ("drawn_faces.py", "drawn_faces.toml", "drawn_stage.py", "shown_coefficients.py")
"""What a picture depends on, beside the character."""
_POSE_SHARE: Final = 0.2
_TEST_POSE: Final = 4
"""Of every five key poses of a class, this one is for the test (expression classes are learned from the others)."""
_LEAST_LIGHT: Final = 65
"""Mean level 0..255 of a character; a camera opens up when it is darker."""
_FAR: Final = 0.15
"""A face is another one if its crop is farther off than this share of the side ..."""
_OTHER_SIZE: Final = 1.45
"""... or so many times larger or smaller ..."""
_OTHER_ROLL: Final = np.radians(20)
"""... or turned by more."""


class Casting:
    """Draws what one character is to show."""

    def __init__(self, name: str, curves: PerformanceCurves, test: bool) -> None:
        self.name, self.profile = name, find_profile(name)
        self.shown = Shown(self.profile)
        self._curves, self.is_test = curves, test
        poses = read_key_poses(self.profile)
        mine = np.array([(_rank(poses, i) % 5 == _TEST_POSE) == test for i in range(len(poses.names))])
        self._poses, self._classes = poses.values[mine], np.array([CLASSES.index(c) for c in poses.classes])[mine]

    def draw(self, random: np.random.Generator) -> dict[str, np.ndarray]:
        """One face: controls [K], coefficients [54], known [54] and expression_class."""
        head = (np.radians(random.normal(0, (12, 7, 5))) * (random.random() < 0.6))[None]
        if random.random() < _POSE_SHARE:
            return self._pose(random, head)
        values = self.shown.seen(self._mix(random)[None])
        neutral = CLASSES.index("neutral") if not values.any() else -1
        return {"controls": self.shown.decode(values, head)[0], "coefficients": values[0], "known": self.shown.known,
                "expression_class": np.array(neutral, np.int8)}

    def _pose(self, random: np.random.Generator, head: np.ndarray) -> dict[str, np.ndarray]:
        """A key pose, a little stronger or weaker."""
        controls, which = self.shown.controls, random.integers(len(self._poses))
        strength = 1.0 if self.is_test else random.uniform(0.7, 1.1)
        values = controls.clamped(controls.neutral + strength * (self._poses[which] - controls.neutral))[None]
        found, explained = self.shown.explain(values)
        return {"controls": self.shown.with_head(values, head)[0], "coefficients": found[0] * explained,
                "known": self.shown.known & explained, "expression_class": np.array(self._classes[which], np.int8)}

    def _mix(self, random: np.random.Generator) -> np.ndarray:
        """Coefficients [54]: a random mix or a frame of the real take, now and then with the tongue out."""
        if random.random() < 0.5:
            values = random_mix(random)
        elif self.is_test:
            values = self._curves.test[random.integers(len(self._curves.test))].copy()
        else:
            values = self._curves.sample(random)
        jaw, close, tongue = (coefficients.INDEX[name] for name in ("jawOpen", "mouthClose", "tongueOut"))
        if random.random() < 0.06:
            values[tongue], values[jaw] = random.beta(1.2, 1.2), max(values[jaw], random.uniform(0.2, 0.8))
        values[close] = min(values[close], values[jaw])
        return values


def _rank(poses: KeyPoses, pose: int) -> int:
    """The how manieth of its class a key pose is."""
    return poses.classes[:pose].count(poses.classes[pose])


def photograph(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """BGRA [S, S, 4] → BGR uint8 [S, S, 3] before a backdrop, in some light, through some camera."""
    from training.render_performers import backdrop

    size, alpha = len(picture), picture[..., 3:].astype(np.float32) / 255
    brightness = (picture[..., :3] * alpha).sum() / max(3 * alpha.sum(), 1)
    tint = random.uniform(0.92, 1.08, 3) * random.uniform(0.65, 1.25) * max(1, _LEAST_LIGHT / max(brightness, 1))
    slope = np.linspace(-1, 1, size)
    side = np.exp(random.normal(0, 0.2) * slope[None, :] + random.normal(0, 0.15) * slope[:, None])[..., None]
    seen = picture[..., :3].astype(np.float32) * tint * side
    seen = seen * alpha + backdrop(int(random.integers(1 << 31)), size) * (1 - alpha)
    if random.random() < 0.5:
        seen = cv2.GaussianBlur(seen, (0, 0), random.uniform(0.3, 1.2))
    if random.random() < 0.5:
        seen = seen + random.standard_normal(seen.shape, np.float32) * random.uniform(0, 7)
    seen = np.clip(seen, 0, 255).astype(np.uint8)
    if random.random() < 0.7:
        seen = cv2.imdecode(cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 98))])[1], 1)
    return seen


def is_there(face: FaceFrame, head: Head) -> bool:
    """True if the face that the tracker sees is the character's."""
    if not face.found:
        return False
    seen, true = crop_transform(face.landmarks), head.crop_transform()
    centre = true[:, :2] @ np.linalg.solve(seen[:, :2], [(CROP_SIZE - 1) / 2] * 2 - seen[:, 2]) + true[:, 2]
    relative = complex(seen[0, 0], seen[1, 0]) / complex(true[0, 0], true[1, 0])
    return bool(
        np.linalg.norm(centre - (CROP_SIZE - 1) / 2) <= _FAR * CROP_SIZE
        and abs(np.log(abs(relative))) <= np.log(_OTHER_SIZE) and abs(np.angle(relative)) <= _OTHER_ROLL
    )


def crop_of_head(image: np.ndarray, head: Head, random: np.random.Generator) -> np.ndarray:
    """uint8 [128, 128, 3]: the head cut out of `image`, nearly where it is; half of the time upright, else level."""
    turn = random.normal(0, 0.05) - (head.roll if random.random() < 0.5 else 0.0)
    zoom, middle = np.exp(random.normal(0, 0.07)), (CROP_SIZE - 1) / 2
    about = cv2.getRotationMatrix2D((middle, middle), np.degrees(turn), zoom)
    about[:, 2] += random.normal(0, 0.04 * CROP_SIZE, 2)
    whole = np.vstack([head.crop_transform(), [0, 0, 1]])
    return cv2.warpAffine(image, about @ whole, (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_LINEAR)


def draw_shard(casting: Casting, stage: DrawnStage, tracker: FaceTracker, seed: list[int], count: int, pictures: bool
               ) -> dict[str, np.ndarray]:
    """`count` faces in the columns of training shards; with `pictures`, the whole pictures too, as PNG."""
    from training.drawn_stage import random_view

    rows = []
    for number in range(count):
        random = np.random.default_rng([*seed, number])
        row = casting.draw(random)
        drawn, head = stage.shoot(row.pop("controls"), random_view(random))
        image = photograph(drawn, random)
        tracker.reset()
        face = tracker.track(Frame(image, float(number), number))
        there = stage.has_landmarks and is_there(face, head)
        unknown = unknown_landmarks()
        row |= {"landmarks": face.landmarks.astype(np.float32) if there else unknown, "head": head.angles,
                "crops": face.crop if there else crop_of_head(image, head, random)}
        if pictures:
            row["pictures"] = cv2.imencode(".png", image)[1].ravel()
        rows.append(row)
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0] if name != "pictures"}
    if pictures:
        columns |= {"pictures": np.concatenate([row["pictures"] for row in rows]),
                    "picture_ends": np.cumsum([len(row["pictures"]) for row in rows])}
    who = CHARACTERS.index(casting.name)
    return {**columns, "found": np.ones(count, bool), "character": np.full(count, who, np.int8),
            "person": np.full(count, who, np.int32)}


def make(folder: Path, names: list[str], count: int) -> None:
    """Make the training shards that are missing, all characters' first ones first."""
    castings = {name: Casting(name, PerformanceCurves(), test=False) for name in names}
    tracker = FaceTracker()
    for shard in range(-(-count // SHARD_FACES)):
        for name, casting in castings.items():
            path = folder / f"drawn_{name.lower()}_{shard:03d}.npz"
            if not path.exists():
                _make_one(path, casting, tracker, [TRAIN_SEED, CHARACTERS.index(name), shard], SHARD_FACES)


def test_set(name: str, folder: Path) -> dict[str, np.ndarray]:
    """A character's fixed test set, made in half a minute and kept in `folder` while what it depends on stays the same.

    Its faces are from the held-out stretches of the take, other random mixes and key poses than those for training.
    """
    casting = Casting(name, PerformanceCurves(), test=True)
    sources = [Path(__file__).parent / maker for maker in _MAKERS]
    sources += [casting.profile.path, *([casting.profile.blend] if casting.profile.blend else [])]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]
    path = folder / f"test_drawn_{name.lower()}_{version}.npz"
    if not path.exists():
        _make_one(path, casting, FaceTracker(), [TEST_SEED, CHARACTERS.index(name)], TEST_FACES, pictures=True)
    with np.load(path) as data:
        return dict(data)


def _make_one(path: Path, casting: Casting, tracker: FaceTracker, seed: list[int], count: int, pictures: bool = False
              ) -> None:
    from training.drawn_stage import DrawnStage

    start = time.perf_counter()
    with without_chatter(), DrawnStage(casting.profile) as stage:
        columns = draw_shard(casting, stage, tracker, seed, count, pictures)
    save(columns, path)
    seen = np.isfinite(columns["landmarks"][:, 0, 0]).mean()
    print(f"{path}: {count} faces, {seen:.0%} with landmarks, {time.perf_counter() - start:.0f} s", flush=True)


def main() -> None:
    """Make the shards that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="faces of each character (2000), in whole shards")
    parser.add_argument("--characters", nargs="+", choices=CHARACTERS, default=list(CHARACTERS))
    parser.add_argument("--test", action="store_true", help=f"the test sets, {TEST_FACES} faces of each character")
    parser.add_argument("--out", type=Path, default=Path("out/expression"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.test:
        for name in arguments.characters:
            test_set(name, arguments.out)
    else:
        make(arguments.out, arguments.characters, arguments.count)


if __name__ == "__main__":
    main()
