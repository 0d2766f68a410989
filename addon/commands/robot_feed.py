"""How the robot process follows a live worker by itself, so that a busy Blender does not stand between them."""
from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from ..live.client import LiveClient
from ..live.for_robots import expression_signals
from ..robot import signals
from ..robot.actuator_map import RobotMap
from ..robot.messages import Follow, Target

if TYPE_CHECKING:
    from ..live.client import Update

_AGAIN_S: Final = 2.0


def follow(said: Follow, robot: RobotMap) -> WorkerFeed:
    """Join the worker that `said` names; what it is asked for depends on what the map follows."""
    return WorkerFeed(said, robot)


class WorkerFeed:
    """One client of a live worker: its newest face, or the controls of one character."""

    def __init__(self, said: Follow, robot: RobotMap) -> None:
        self._said, self._robot = said, robot
        self._by_face = robot.controls == signals.EXPRESSION
        self._sequence = 0
        self.problem = ""
        """Why nothing comes any more; empty while it does."""
        self._join()

    def newest(self) -> Target | None:
        """The newest frame since the last call; never waits. A worker that was only slow is joined again."""
        if self._client.state == "ended":
            self.problem = self._client.sentence or self.problem
            if time.monotonic() - self._joined_s > _AGAIN_S:
                self._join()
        frame = self._of(self._client.poll())
        if frame is None:
            return None
        self.problem = ""
        self._sequence += 1
        return Target(self._robot.control_names, frame[0], self._sequence, frame[1])

    def close(self) -> None:
        """Leave the worker; it goes on. Beside the beat, which must not wait for a worker that hangs."""
        threading.Thread(target=self._client.stop, name="leaving the worker", daemon=True).start()

    def _join(self) -> None:
        self._joined_s = time.monotonic()
        self._client = LiveClient.join(
            self._said.port, self._said.token, f"robot {self._robot.name}",
            ("expression",) if self._by_face else ("controls",),
        )

    def _of(self, update: Update) -> tuple[float, np.ndarray] | None:
        """When the picture was made, and the values of all controls."""
        if self._by_face:
            seen = update.expressions.get(self._said.face)
            return (seen.captured_s, expression_signals(seen.coefficients, seen.gaze, seen.head)) if seen else None
        played = update.controls.get(self._said.character)
        return (played.captured_s, played.values.astype(np.float64)) if played else None
