"""What a client and the robot process say to each other, as dataclasses; core.messages carries them.

A client's first message is Hello with the process's token. The process tells everybody its RobotStatus four times a
second, which is its heartbeat, and what it sent to the motors (Sent), of which only the newest counts.
"""
from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ..core.vocabulary import Vocabulary, array_field

VERSION: Final = 1
HEARTBEAT_S: Final = 0.25
SILENCE_S: Final = 3.0


@dataclass(frozen=True)
class Hello:
    """Who a client is."""

    token: str
    name: str


@dataclass(frozen=True)
class Arm:
    """A person lets the head move."""

    held: bool = False
    """Only while a button is down: StillHeld follows twice a second."""


@dataclass(frozen=True)
class StillHeld:
    """The arm button is still down. It never leads out of STOPPED."""


@dataclass(frozen=True)
class Disarm:
    """To rest, then limp."""


@dataclass(frozen=True)
class Stop:
    """Limp at once, and latched: only a person's Arm leads out of it."""

    reason: str = "Stop was pressed."


@dataclass(frozen=True)
class Target:
    """One frame of controls."""

    names: tuple[str, ...]
    time_s: float
    """time.monotonic() of this machine when the picture, or whatever it comes from, was made."""
    sequence: int
    values: np.ndarray = field(metadata=array_field("float64", -1))


@dataclass(frozen=True)
class Play:
    """Play a whole performance by the process's own clock; a new one replaces it, an empty one ends it."""

    names: tuple[str, ...]
    times_s: np.ndarray = field(metadata=array_field("float64", -1))
    values: np.ndarray = field(metadata=array_field("float32", -1, -1))
    """[T, names]"""


@dataclass(frozen=True)
class Jog:
    """While armed: move one actuator to u, all others to neutral; for calibration."""

    actuator: str
    u: float


@dataclass(frozen=True)
class Follow:
    """Join the live worker that listens on `port` and follow `face`, or the character called `character`."""

    port: int
    token: str
    character: str = ""
    face: int = 0


@dataclass(frozen=True)
class Quit:
    """To rest, limp, end."""


@dataclass(frozen=True)
class RobotStatus:
    """How it goes; the heartbeat."""

    state: str
    """One of states.State."""
    reason: str
    """Why it is in that state, in words."""
    robot: str
    names: tuple[str, ...]
    """Of the actuators, in the order of Sent."""
    rate_hz: float
    """Ticks in the last second."""
    jitter_ms: float
    """The 99th percentile of how late a tick was, over the last seconds."""
    accepted: int
    refused: int
    """Frames taken and refused so far."""
    playing: str = ""
    """"", "live", "clip" or "jog": what the head would follow."""
    faults: tuple[str, ...] = ()
    problem: str = ""
    """The last thing that went wrong and did not stop the head; empty if nothing."""
    pid: int = 0
    log: str = ""
    """Where what was sent is written down."""
    latency_ms: float = 0.0
    """From a picture's arrival to the first bytes that it has a share in: 95th percentile of the last live frames."""


@dataclass(frozen=True)
class Sent:
    """What one tick wanted, shaped and really sent."""

    time_s: float
    wanted: np.ndarray = field(metadata=array_field("float32", -1))
    """u after the rules."""
    shaped: np.ndarray = field(metadata=array_field("float32", -1))
    """u after shaping."""
    sent: np.ndarray = field(metadata=array_field("float32", -1))
    """u after the gate: what the digital twin shows."""
    raw: np.ndarray = field(metadata=array_field("float32", -1))
    """In raw units, as it left; NaN while the motor gets nothing."""
    read: np.ndarray = field(metadata=array_field("float32", -1))
    """u as the motors say; NaN where they cannot."""


Command = Hello | Arm | StillHeld | Disarm | Stop | Target | Play | Jog | Follow | Quit
Report = RobotStatus | Sent
_VOCABULARY: Final = Vocabulary({kind.__name__: kind for kind in (*typing.get_args(Command), *typing.get_args(Report))})
to_message = _VOCABULARY.to_message
from_message = _VOCABULARY.from_message
