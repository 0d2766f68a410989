"""How near a robot comes to a person's face: what the map of an Ameca-like head makes of it, in X2C's own measure.

The truth is what Ada's profile says that the exact expression of a synthetic person means on her 30 controls, which are
the robot's. The map, and Ada's learned decoder as the map, get what our encoder reads from the person's picture. A
second question is how far behind a moving face the shaped motion is: the same map through the whole chain.
"""
from __future__ import annotations

import numpy as np

from addon.characters.acting import act
from addon.characters.decoder import load_decoder
from addon.characters.meaning_decoder import MeaningDecoder
from addon.core.coefficients import gaze_of
from addon.core.frames import EMBEDDING_SIZE, ExpressionTrack
from addon.core.paths import ROOT
from addon.core.rig_profile import find_profile
from addon.expression.encoder import Encoder
from addon.live.for_robots import expression_signals
from addon.robot.map_reading import find_map
from training.evaluate import tracked_faces
from training.make_expression_data import test_set
from training.x2c_report import Measured, measure


def imitation(count: int = 500) -> Measured:
    """The errors on the first `count` people of the random test set that our tracker found."""
    columns = test_set("random", ROOT / "out" / "expression")
    rows = np.flatnonzero(columns["found"])[:count]
    chosen = set(rows.tolist())
    faces = [face for row, face in enumerate(tracked_faces(columns)) if row in chosen]
    ada = find_profile("ada")
    seen = Encoder().encode(faces)
    truth = MeaningDecoder(ada.control_set).decode(_track(columns["coefficients"][rows], columns["head"][rows])).values
    return measure({
        "robot map": by_map("ameca_like", seen), "Ada's decoder": act(seen, load_decoder(ada), ada.control_set).values,
        "neutral": np.tile(ada.control_set.neutral, (len(rows), 1)),
    }, truth, ada.control_set)


def by_map(robot: str, track: ExpressionTrack) -> np.ndarray:
    """What the map asks of an Ameca-like head, float64 [T, 30] in X2C's order and units."""
    design = find_map(robot)
    values = expression_signals(track.coefficients, track.gaze, track.head)
    raw = design.raw(np.stack([design.evaluate(row) for row in values.tolist()]))
    return raw[:, np.argsort([actuator.channel for actuator in design.actuators])]


def _track(coefficients: np.ndarray, head: np.ndarray) -> ExpressionTrack:
    """Coefficients [N, 54] and head [N, 3] rad of single faces."""
    count = len(coefficients)
    return ExpressionTrack(
        np.arange(count, dtype=np.float64), coefficients.astype(np.float32),
        np.zeros((count, EMBEDDING_SIZE), np.float32), gaze_of(coefficients).astype(np.float32),
        head.astype(np.float32), np.ones(count, np.float32),
    )
