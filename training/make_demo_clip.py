"""Make the clip in assets/demo: a synthetic performer who is in no training set plays demo_performance.toml.

    python -m training.make_demo_clip [--out assets/demo]

Writes performer.mp4 and truth.csv (time_s, head yaw, pitch and roll in rad, the 54 coefficients per frame).
"""
from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from addon.core import coefficients
from addon.core.files import replacing, write_bytes
from training.performers import Look, Person, Shot
from training.render_performers import FaceRenderer

SIZE = 384
_FINER = 2
_PERSON_SEED = 5_050_505
_CLOSE_S, _SHUT_S, _OPEN_S = 0.10, 0.05, 0.16


def performer() -> Person:
    """The person of the clip."""
    identity = np.random.default_rng(_PERSON_SEED).standard_normal(100) * 0.55
    look = Look(
        skin=np.array([0.74, 0.48, 0.36]), lips=np.array([0.60, 0.26, 0.23]), hair=np.array([0.075, 0.038, 0.022]),
        brows=np.array([0.05, 0.028, 0.018]), iris=np.array([0.10, 0.17, 0.13]), shirt=np.array([0.05, 0.15, 0.20]),
        hair_thickness_cm=1.1, hairline_cm=0.7, brow_thickness_cm=0.46, brow_lift_cm=0.05, brow_tilt=0.0,
        brow_opacity=0.9, lip_opacity=0.75, lash_opacity=0.6, stubble=0.0, blush=0.22, roughness=0.07, gloss=0.22,
        iris_radius=0.40, pupil=0.38, wrinkles=0.35, seed=12.5,
    )
    return Person(identity.astype(np.float32), look)


def read_performance(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times [T], coefficients float32 [T, 54] and head rad [T, 3] of a performance file."""
    with path.open("rb") as file:
        data = tomllib.load(file)
    times = np.arange(round(data["fps"] * data["seconds"])) / data["fps"]
    keys = data["key"]
    at = [key["at"] for key in keys]
    values = _eased(times, at, np.stack([_pose(key.get("pose", {})) for key in keys]))
    head = _eased(times, at, np.radians([key.get("head", (0, 0, 0)) for key in keys]))
    blink = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
    for at in data["blinks"]:
        shut = np.interp(times, np.cumsum([at, _CLOSE_S, _SHUT_S, _OPEN_S]), [0, 1, 1, 0])
        values[:, blink] = np.maximum(values[:, blink], shut[:, None])
    # Nobody holds quite still: the head sways a little, slowly.
    head += np.radians(0.8) * np.sin(2 * np.pi * times[:, None] * [0.23, 0.31, 0.17] + [0.3, 1.1, 2.0])
    return times, values.astype(np.float32), head


def _pose(pose: dict[str, float]) -> np.ndarray:
    values = np.zeros(coefficients.COUNT)
    for name, value in pose.items():
        names = [name] if name in coefficients.INDEX else [name + "Left", name + "Right"]
        values[coefficients.indices(names)] = value
    return values


def _eased(times: np.ndarray, at: list[float], poses: np.ndarray) -> np.ndarray:
    """Poses [K, n] at the times `at` → [T, n]; each way is slow at both ends."""
    after = np.clip(np.searchsorted(at, times, side="right"), 1, len(at) - 1)
    start, end = np.array(at)[after - 1], np.array(at)[after]
    share = np.clip((times - start) / (end - start), 0, 1)
    share = (share * share * (3 - 2 * share))[:, None]
    return poses[after - 1] * (1 - share) + poses[after] * share


def pictures(values: np.ndarray, head: np.ndarray) -> Iterator[np.ndarray]:
    """uint8 [384, 384, 3] BGR of each frame."""
    renderer, person = FaceRenderer(SIZE * _FINER), performer()
    shot = Shot(
        coefficients=values[0], head=head[0], size=SIZE * _FINER, face_px=118 * _FINER, distance_cm=85,
        offset=np.array([0.0, 0.055]), key_direction=np.array([-0.451, 0.552, 0.702]),
        key_colour=np.array([0.86, 0.80, 0.74]), fill=0.45, ambient=np.array([0.24, 0.26, 0.30]), background=-1,
        exposure=1.0, blur_px=0, noise=0, jpeg=0,
    )
    for row, turn in zip(values, head, strict=True):
        large = renderer.render(person, replace(shot, coefficients=row, head=turn))
        yield cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def truth_csv(times: np.ndarray, values: np.ndarray, head: np.ndarray) -> str:
    """The clip's true performance as text."""
    lines = [",".join(["time_s", "headYaw", "headPitch", "headRoll", *coefficients.NAMES])]
    for time_s, turn, row in zip(times, head, values, strict=True):
        lines.append(",".join([f"{time_s:.3f}", *(f"{v:.5f}" for v in turn), *(f"{v:.4f}" for v in row)]))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Render and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "assets" / "demo")
    arguments = parser.parse_args()
    times, values, head = read_performance(Path(__file__).parent / "demo_performance.toml")
    with replacing(arguments.out / "performer.mp4") as partial:
        film = cv2.VideoWriter(str(partial), cv2.VideoWriter.fourcc(*"mp4v"), 1 / (times[1] - times[0]), (SIZE, SIZE))
        for picture in pictures(values, head):
            film.write(picture)
        film.release()
    write_bytes(arguments.out / "truth.csv", truth_csv(times, values, head).encode())


if __name__ == "__main__":
    main()
