"""Made people in shared poses, as shards to learn motion tokens from: every pose by four people.

    python -m training.body_pictures --data out/bodies      # 13 200 pictures; a quarter of an hour of one core

A shard is one .npz of N rows, rows of one pose together; started again it goes on with the shard that is missing, and
each is the same bytes whenever it is made. People and poses of test_*.npz are in no train_*.npz.

    picture      uint8   [N, 128, 128, 3]    RGB, the whole figure or from the hips up
    face         uint8   [N, 64, 64, 3]      the same scene, drawn larger
    left, right  uint8   [N, 48, 48, 3]      the person's hands, likewise; the right one is not mirrored
    pose, person int32   [N]
    rotations    float32 [N, 22, 3, 3]       of core.body_motion.JOINTS against the joint above, identity = SMPL's T
                                             (body_people.py); the pelvis's = against a person who faces the camera
    fingers      float32 [N, 2, 15, 3, 3]    left, right; thumb, index, middle, ring, little, from the palm outwards
    coefficients float32 [N, 54]             core.coefficients
    joints       float32 [N, 22, 3]          m in the camera's frame (right, down, away), the pelvis at 0
    hands        float32 [N, 2, 21, 3]       MediaPipe's points of each hand, likewise, the wrist at 0
    points       float32 [N, 22, 2]          px in `picture`; whole numbers are the middles of pixels
    depth        float16 [N, 64, 64]         m from the pelvis's plane, NaN = background
    settings     int32   [2]                 people and poses of the whole set
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Final

import numpy as np

from addon.core.errors import SemblanceError
from addon.core.files import replacing

from .body_people import person_of
from .body_poses import Poses
from .body_stage import BodyPose, BodyShot, BodyStage, random_body_shot

PEOPLE_A_POSE: Final = 4
POSES_A_SHARD: Final = 125
_FIRST_TEST_PERSON: Final = 1_000_000


def people_of(pose: int, people: int, test: bool) -> list[int]:
    """Numbers of the four people who take a pose."""
    chosen = np.random.default_rng([4, pose, test]).choice(people, PEOPLE_A_POSE, replace=False)
    return [int(number) + _FIRST_TEST_PERSON * test for number in chosen]


def rows_of(stage: BodyStage, poses: Poses, numbers: range, people: int, test: bool) -> dict[str, np.ndarray]:
    """The poses of these numbers, drawn: a shard's arrays without `settings`."""
    rows: list[dict[str, object]] = []
    for number in numbers:
        pose = poses.pose(number, test)
        for seed in people_of(number, people, test):
            shot = random_body_shot(np.random.default_rng([5, seed, number]))
            rows.append(_row(stage, pose, seed, shot) | {"pose": np.int32(number), "person": np.int32(seed)})
    return {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]}


def _row(stage: BodyStage, pose: BodyPose, seed: int, shot: BodyShot) -> dict[str, object]:
    seen = stage.draw(person_of(seed), pose, shot)
    return {
        "picture": seen.picture, "face": seen.face, "left": seen.hands[0], "right": seen.hands[1],
        "rotations": pose.rotations, "fingers": pose.fingers, "coefficients": pose.coefficients,
        "joints": seen.joints, "hands": seen.hand_points, "points": seen.points, "depth": seen.depth,
    }


def write_shards(folder: Path, kind: str, people: int, poses: int) -> None:
    """The shards of "train" or "test" that are not there yet.

    Raises:
        SemblanceError: if one that is there is of another set, or the shared walk is missing.
    """
    starts = range(0, poses, POSES_A_SHARD)
    paths = [folder / f"{kind}_{number:03}.npz" for number in range(len(starts))]
    for path in filter(Path.exists, paths):
        _check(path, people, poses)
    if all(path.exists() for path in paths):
        return
    stage, drawn = BodyStage(), Poses()
    for path, start in zip(paths, starts, strict=True):
        if path.exists():
            continue
        begun = time.process_time()
        rows = rows_of(stage, drawn, range(start, min(start + POSES_A_SHARD, poses)), people, kind == "test")
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **rows, settings=np.array([people, poses], np.int32))
        took = (time.process_time() - begun) / len(rows["pose"])
        print(f"Wrote '{path}': {len(rows['pose'])} pictures, {1000 * took:.0f} ms of the processor each.", flush=True)


def read_shards(folder: Path, kind: str, names: tuple[str, ...], most: int | None = None) -> dict[str, np.ndarray]:
    """The named arrays of all shards of "train" or "test" that are there, at most the first `most`.

    Raises:
        SemblanceError: if there is none, or one is damaged.
    """
    paths = sorted(folder.glob(f"{kind}_*.npz"))[:most]
    if not paths:
        raise SemblanceError(f"There is no '{folder / (kind + '_000.npz')}'; run python -m training.body_pictures.")
    parts: list[dict[str, np.ndarray]] = []
    for path in paths:
        try:
            with np.load(path) as data:
                parts.append({name: data[name] for name in names})
        except (OSError, ValueError, KeyError) as error:
            raise SemblanceError(f"'{path}' is damaged; remove it and run python -m training.body_pictures.") from error
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _check(path: Path, people: int, poses: int) -> None:
    try:
        with np.load(path) as data:
            found = data["settings"].tolist()
    except (OSError, ValueError, KeyError) as error:
        raise SemblanceError(f"'{path}' is damaged; remove it.") from error
    if found != [people, poses]:
        raise SemblanceError(
            f"'{path}' belongs to a set of {found[0]} people and {found[1]} poses, not {people} and {poses}; "
            "choose another folder with --data, or remove it."
        )


def main() -> None:
    """Write all shards."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("out/bodies"))
    parser.add_argument("--people", type=int, default=180)
    parser.add_argument("--poses", type=int, default=3000, help="each is taken by four people")
    parser.add_argument("--test-people", type=int, default=40)
    parser.add_argument("--test-poses", type=int, default=300)
    args = parser.parse_args()
    if min(args.people, args.test_people) < PEOPLE_A_POSE:
        raise SemblanceError(f"Every pose is taken by {PEOPLE_A_POSE} people; name at least so many.")
    args.data.mkdir(parents=True, exist_ok=True)
    write_shards(args.data, "test", args.test_people, args.test_poses)
    write_shards(args.data, "train", args.people, args.poses)


if __name__ == "__main__":
    main()
