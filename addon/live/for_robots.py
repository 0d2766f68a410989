"""What a robot head gets of a performance: the signals that its map follows, or the controls of its character."""
from __future__ import annotations

import numpy as np

from ..characters.acting import act
from ..characters.decoder import load_decoder
from ..characters.lid_contact import shutting
from ..characters.lip_contact import touching
from ..core.frames import ExpressionTrack
from ..core.rig_profile import find_profile
from ..robot import signals
from ..robot.actuator_map import RobotMap
from ..robot.messages import Play


def expression_signals(coefficients: np.ndarray, gaze: np.ndarray, head: np.ndarray) -> np.ndarray:
    """As signals.map_signals, with lips and lids that nearly touch touching, as for characters."""
    return signals.map_signals(touching(shutting(coefficients)), gaze, head)


def performance(robot: RobotMap, track: ExpressionTrack) -> Play:
    """A whole performance in what the map follows.

    Raises:
        SemblanceError: if its character has no decoder.
    """
    if robot.controls == signals.EXPRESSION:
        values = expression_signals(track.coefficients, track.gaze, track.head)
    else:
        profile = find_profile(robot.controls)
        values = act(track, load_decoder(profile), profile.control_set).values
    return Play(robot.control_names, track.times_s, values.astype(np.float32))
