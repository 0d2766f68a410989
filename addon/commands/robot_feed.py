"""How the robot process follows a live worker by itself, so that a busy Blender does not stand between them."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..live.client import LiveClient
from ..live.for_robots import expression_signals
from ..robot import signals
from ..robot.actuator_map import RobotMap
from ..robot.messages import Follow, Target

if TYPE_CHECKING:
    from ..live.client import Update


def follow(said: Follow, robot: RobotMap) -> WorkerFeed:
    """Join the worker that `said` names; what it is asked for depends on what the map follows."""
    return WorkerFeed(said, robot)


class WorkerFeed:
    """One client of a live worker: its newest face, or the controls of one character."""

    def __init__(self, said: Follow, robot: RobotMap) -> None:
        self._said, self._robot = said, robot
        self._by_face = robot.controls == signals.EXPRESSION
        self._sequence = 0
        self._client = LiveClient.join(
            said.port, said.token, f"robot {robot.name}", ("expression",) if self._by_face else ("controls",)
        )

    @property
    def problem(self) -> str:
        """Why nothing comes any more; empty while it does."""
        return self._client.sentence if self._client.state == "ended" else ""

    def newest(self) -> Target | None:
        """The newest frame since the last call; never waits."""
        frame = self._of(self._client.poll())
        if frame is None:
            return None
        self._sequence += 1
        return Target(self._robot.control_names, frame[0], self._sequence, frame[1])

    def close(self) -> None:
        """Leave the worker; it goes on."""
        self._client.stop()

    def _of(self, update: Update) -> tuple[float, np.ndarray] | None:
        """When the picture was made, and the values of all controls."""
        if self._by_face:
            seen = update.expressions.get(self._said.face)
            return (seen.captured_s, expression_signals(seen.coefficients, seen.gaze, seen.head)) if seen else None
        played = update.controls.get(self._said.character)
        return (played.captured_s, played.values.astype(np.float64)) if played else None
