"""Performances for a robot head: the sidebar's take, or the keys of the character whose controls the map follows."""
from __future__ import annotations

import bpy
import numpy as np

from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile
from ..live.for_robots import performance
from ..live.performance import record_take, refine
from ..robot import signals
from ..robot.actuator_map import RobotMap
from ..robot.messages import Play
from .actors import cast_roots
from .binding import bind
from .character_choice import known_character, shown_character
from .transfer_action import read_action


def play_take(scene: bpy.types.Scene, robot: RobotMap) -> Play:
    """The take or Live Link file of the sidebar with its calibration and smoothing.

    Raises:
        SemblanceError: if there is none, or it cannot be read.
    """
    settings = scene.semblance
    path = settings.performance()
    if path is None:
        raise SemblanceError("Track a source first, or choose a .take or a Live Link .csv as the source.")
    take = record_take(str(path))
    return performance(robot, refine(take, settings.calibration(take.raw), settings.smoothing()).smoothed)


def play_action(scene: bpy.types.Scene, robot: RobotMap) -> Play:
    """What is keyed on the character that the map follows, as the artist has corrected it.

    Raises:
        SemblanceError: if the map follows no character, the character is not there, or it has no keys.
    """
    if robot.controls == signals.EXPRESSION:
        raise SemblanceError(
            f"'{robot.name}' follows a face, not the controls of a character: play the take on it, or choose a design "
            "that follows your character."
        )
    root, profile = _follows(scene, robot)
    keyed = read_action(bind(profile, scene, root))
    track = keyed.track(scene)
    column = {name: i for i, name in enumerate(profile.control_set.names)}
    lacking = next((name for name in robot.control_names if name not in column), None)
    if lacking is not None:
        raise SemblanceError(f"'{root.name}' has no control '{lacking}', which '{robot.name}' follows.")
    values = track.values[:, [column[name] for name in robot.control_names]]
    return Play(robot.control_names, track.times_s, values.astype(np.float32))


def _follows(scene: bpy.types.Scene, robot: RobotMap) -> tuple[bpy.types.Object, RigProfile]:
    """The character of the scene that the map follows; of several the one that is shown."""
    for root in filter(None, (shown_character(scene), *cast_roots(scene))):
        try:
            _, profile, _ = known_character(root, scene)
        except SemblanceError:
            continue
        if profile.name.lower() == robot.controls.lower():
            return root, profile
    raise SemblanceError(
        f"'{robot.name}' follows the controls of {robot.controls.title()}, who is not among the characters; add "
        f"{robot.controls.title()}, or play the take."
    )
