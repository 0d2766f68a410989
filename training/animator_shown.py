"""What animators' poses look like: Blender draws them on the characters; the recogniser of classes judges, which had no
part in the teaching, and the encoder, whose eyes some losses borrow, reads the expression again."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from addon.core.frames import LANDMARK_COUNT
from addon.core.paths import ROOT
from addon.core.rig_profile import RigProfile
from addon.expression.calibration import Calibration, calibrate
from addon.expression.encoder import Encoder
from training.animator_model import inputs_of
from training.bench_recognisers import first_people, pose_classes
from training.class_faces import test_faces
from training.drawn_stage import crops_from_front
from training.evaluate import tracked_faces
from training.pip_pairs import as_track
from training.recognisers import CHARACTERS as RECOGNISER
from training.recognisers import recognise

_PEOPLE: Final = 5
"""Unseen people of whom each makes a face of every class."""


@dataclass(frozen=True)
class Shown:
    """What is seen of one animator's poses, means of the characters."""

    class_seen: float
    """Share of drawn faces in which the recogniser sees the class that the person meant."""
    class_by_pose: float
    """Share whose nearest hand-made key pose is of that class."""
    read_again: float
    """Mean difference of the coefficients that are read in the person and, less rest, in the drawn character."""


def class_inputs() -> tuple[np.ndarray, np.ndarray]:
    """What the encoder reads of unseen people's class faces, float32 [N, INPUTS], heads straight; and classes int [N].
    """
    columns = first_people(test_faces(ROOT / "out" / "recognisers"), _PEOPLE)
    inputs = inputs_of(Encoder().encode(tracked_faces(columns)))
    inputs[:, -3:] = 0
    return inputs, columns["expression_class"]


def shown(profiles: list[RigProfile], controls: Mapping[str, list[np.ndarray]], inputs: np.ndarray,
          classes: np.ndarray) -> dict[str, Shown]:
    """Who → what is seen of their controls, of each character [N, K] in rig units, for inputs [N, INPUTS].

    Raises:
        SemblanceError: if a character cannot be drawn here.
    """
    found: dict[str, list[Shown]] = {name: [] for name in controls}
    for number, profile in enumerate(profiles):
        poses = [each[number] for each in controls.values()]
        crops = crops_from_front(profile, np.concatenate([profile.control_set.neutral[None], *poses]))
        seen, read = recognise(crops[1:], RECOGNISER)["classes"].argmax(1), _read(crops)
        for name, pose, own, again in zip(controls, poses, np.split(seen, len(poses)), np.split(read, len(poses)),
                                          strict=True):
            by_pose = pose_classes(profile, pose) == classes
            missing = np.abs(again - inputs[:, :again.shape[1]]).mean()
            found[name].append(Shown(float((own == classes).mean()), float(by_pose.mean()), float(missing)))
    return {name: Shown(*(float(np.mean([getattr(each, item.name) for each in parts])) for item in fields(Shown)))
            for name, parts in found.items()}


def _read(crops: np.ndarray) -> np.ndarray:
    """Coefficients float32 [N, 54] of crops [1 + N, 128, 128, 3], the first of which shows the character at rest."""
    unknown = np.full((len(crops), LANDMARK_COUNT, 3), np.nan, np.float32)
    track = Encoder().encode(tracked_faces({"crops": crops, "landmarks": unknown, "found": np.ones(len(crops), bool)}))
    rest = Calibration(track.coefficients[0], track.head[0], track.gaze[0])
    return calibrate(as_track(inputs_of(track)[1:]), rest).coefficients
