"""A small head, a clock that is set by hand, and a loop on simulated servos."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from addon.robot.actuator_map import RobotMap, with_links
from addon.robot.head import Head
from addon.robot.links import ActuatorLimits, LinkSettings
from addon.robot.links.simulated import SimulatedLink
from addon.robot.loop import RobotLoop
from addon.robot.map_reading import read_map
from addon.robot.messages import Target

DESK_HEAD = """\
schema = 1
name = "desk_head"
controls = "expression"

[loop]
rate_hz = 50

[links.face]
protocol = "maestro"

[groups]
eyes = { speed = 20.0, accel = 400.0, jerk = 12000.0 }
mouth = { speed = 16.0, accel = 160.0, jerk = 4000.0 }

[[actuator]]
name = "gaze_pitch"
link = "face"
channel = 1
group = "eyes"
travel = { unit = "us", low = 1180, neutral = 1500, high = 1790 }
inputs = [{ control = "gazePitchLeft", curve = [[-0.5, -1.0], [0, 0.0], [0.5, 1.0]] }]

[[actuator]]
name = "lid"
link = "face"
channel = 2
group = "eyes"
reversed = true
travel = { unit = "us", low = 1050, neutral = 1420, high = 1900 }
inputs = [
  { control = "eyeWideLeft", gain = 0.6 },
  { control = "eyeSquintLeft", gain = -0.4 },
  { actuator = "gaze_pitch", gain = 0.35 },
]
override = { control = "eyeBlinkLeft", toward = -1.0 }

[[actuator]]
name = "jaw"
link = "face"
channel = 3
group = "mouth"
travel = { unit = "us", low = 1480, neutral = 1500, high = 1820 }
inputs = [{ control = "jawOpen", curve = [[0, 0.0], [0.5, 0.62], [1, 1.0]] }]

[[actuator]]
name = "lip"
link = "face"
channel = 4
group = "mouth"
travel = { unit = "us", low = 1300, neutral = 1510, high = 1700 }
inputs = [
  { control = "mouthLowerDownLeft", gain = 1.0 },
  { control = "mouthShrugLower", gain = -1.0 },
]

[[rule]]
kind = "cap"
of = "lip"
bound = "low"
when = "jaw"
curve = [[0.0, -1.0], [0.6, -0.8], [1.0, -0.2]]

[[rule]]
kind = "tire"
of = "jaw"
beyond = 0.85
after_s = 4.0
ease_to = 0.6
over_s = 1.0
recover_s = 5.0
"""


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def desk_head(folder: Path) -> RobotMap:
    """The map above, read from a file in `folder`."""
    path = folder / "actuators.toml"
    path.write_text(DESK_HEAD, encoding="utf-8")
    return read_map(path)


class Bench:
    """A loop on simulated servos that are within reach."""

    def __init__(self, robot: RobotMap, faults: str = "") -> None:
        self.clock, self.links = Clock(), {}
        self.robot = with_links(robot, "simulated", faults)
        self.head = Head(self.robot, self._open)
        self.loop = RobotLoop(self.robot, self.head, self.clock)
        self.sequence = 0

    def _open(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> SimulatedLink:
        link = self.links[settings.name] = SimulatedLink(settings, channels, self.clock)
        link.open()
        return link

    def say(self, **values: float) -> None:
        """A live frame where these signals are not 0."""
        names = self.robot.control_names
        frame = np.array([values.get(name, 0.0) for name in names])
        self.sequence += 1
        self.loop.target(Target(names, self.clock(), self.sequence, frame))

    def run(self, seconds: float, frames: bool = True, **values: float) -> list[np.ndarray]:
        """Tick for a while, with a live frame before each tick or none; returns what was sent as u."""
        sent = []
        for _ in range(round(seconds * self.robot.loop.rate_hz)):
            if frames:
                self.say(**values)
            self.loop.tick()
            self.clock.now_s += self.loop.period_s
            if self.loop.newest:
                sent.append(self.loop.newest.sent)
        return sent

    def to_live(self, **values: float) -> Bench:
        """Connected, armed and following."""
        self.loop.connect()
        self.loop.arm()
        self.run(3, **values)
        return self


class StillLink:
    """Takes everything and is never at fault."""

    def __getattr__(self, name: str) -> Callable[..., object]:
        return {"read_faults": list, "set_watchdog": lambda seconds: True}.get(name, lambda *_: None)
