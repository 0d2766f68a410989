"""What a client and the live worker say to each other, as dataclasses; core.messages carries them.

A client's first message is Hello with the worker's token. Both sides say something at least every HEARTBEAT_S: the
worker its Status, a client whatever it wants or Alive. Who is silent for SILENCE_S does not answer any more.
"""
from __future__ import annotations

import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.frames import LANDMARK_COUNT
from ..core.rig_profile import RigProfile, parse_profile, profile_text
from ..core.vocabulary import Vocabulary, array_field
from .live_settings import LiveSettings

VERSION: Final = 1
"""Rises with every change of what is said here; both sides must be of the same."""
HEARTBEAT_S: Final = 0.5
SILENCE_S: Final = 3.0
PICTURE_SIDE: Final = 320
"""px: the longest width of a Picture."""
STATES: Final = ("idle", "opening", "running", "lost", "stalled", "failed")
WANTS: Final = ("status", "controls", "expression", "picture")


@dataclass(frozen=True)
class Hello:
    """Who a client is and what it wants to be told."""

    token: str
    name: str
    wants: tuple[str, ...] = WANTS
    """Of WANTS; problems and takes are told to everybody."""


@dataclass(frozen=True)
class Alive:
    """A client is still there and has nothing to say."""


@dataclass(frozen=True)
class Open:
    """Play from this source; the one before is closed."""

    address: str
    """A webcam's number, an http or rtsp address, a video file, or a door such as livelink://:11111."""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    """What a webcam is asked for; 0 = its own choice."""
    mirror: bool = False
    loop: bool = False
    """A video starts again at its end."""
    box: str = ""
    """Where the head is, as tracking.region.FaceBox writes it; "" = find it."""
    drawn: bool = False


@dataclass(frozen=True)
class CloseSource:
    """Let go of the source; the worker stays."""


@dataclass(frozen=True)
class Character:
    """One character of the cast."""

    id: str
    """How its Controls are called; chosen by the client."""
    profile: str
    """TOML as core.rig_profile writes it."""
    blend_folder: str
    """The folder of the profile's file."""
    strength: float = 1.0
    head_and_gaze: bool = False
    mirror: bool = False
    face: int = 0
    """Which face in the picture plays it: 0 = the largest."""
    file: str = "profile.toml"
    """The name of the profile's file; what was learned of a rig lies beside it."""
    leader: str = ""
    """The id of another character of the cast whose performance this one takes over by a C-MLP."""
    transfer: str = ""
    """The C-MLP's file, for one with a leader; "" = the one kept of both, learned in seconds the first time."""

    @staticmethod
    def of(
        profile: RigProfile, name: str = "", strength: float = 1.0, head_and_gaze: bool = False, mirror: bool = False,
        face: int = 0,
    ) -> Character:
        """A character with this profile, called `name` (default: as the profile)."""
        return Character(
            name or profile.name, profile_text(profile, profile.path.parent), str(profile.path.parent), strength,
            head_and_gaze, mirror, face, profile.path.name,
        )

    @property
    def rig_profile(self) -> RigProfile:
        """The profile; SemblanceError if its text is none."""
        return parse_profile(self.profile, Path(self.blend_folder) / self.file)


@dataclass(frozen=True)
class SetCast:
    """Who plays from now on."""

    characters: tuple[Character, ...]


@dataclass(frozen=True)
class SetNeutral:
    """Take the face of the next `seconds` as this performer's neutral one."""

    seconds: float = 1.0


@dataclass(frozen=True)
class RangeOfMotion:
    """Begin to watch how far this performer's face goes, or end it."""

    begin: bool


@dataclass(frozen=True)
class ChoosePerformer:
    """Use the calibration of the performer with this name, and keep new ones under it."""

    name: str


@dataclass(frozen=True)
class Record:
    """Write a take to `path`, after a countdown; with `punch_into`, a part of that take again from `at_s` on."""

    path: str
    countdown_s: float = 0.0
    punch_into: str = ""
    at_s: float = 0.0


@dataclass(frozen=True)
class Mark:
    """Note this moment in the take that is being recorded."""

    text: str


@dataclass(frozen=True)
class StopRecording:
    """End the take; TakeDone follows."""


@dataclass(frozen=True)
class Quit:
    """End the worker."""


@dataclass(frozen=True)
class Welcome:
    """The worker's answer to Hello."""

    version: int
    pid: int


@dataclass(frozen=True)
class Status:
    """How it goes; the worker's heartbeat, four times a second."""

    state: str
    """One of STATES."""
    sentence: str = ""
    """What there is to say about it; empty if nothing."""
    source: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    """Pictures played a second."""
    latency_ms: float = 0.0
    """From a picture's arrival until its controls are sent: median of the last second."""
    confidence: float = 0.0
    dropped: int = 0
    """Pictures of this source that were never looked at, because a newer one was there."""
    recorded_s: float = 0.0
    countdown_s: float = 0.0
    neutral: str = ""
    """"", "taking" or "set"."""
    performer: str = ""


@dataclass(frozen=True)
class Controls:
    """The values of one character of the cast."""

    id: str
    time_s: float
    """By the source's clock."""
    captured_s: float
    """time.monotonic() of this machine when the picture arrived."""
    values: np.ndarray = field(metadata=array_field("float32", -1))
    """In rig units, in the order of the character's profile."""


@dataclass(frozen=True)
class ExpressionSeen:
    """What one face means: calibrated and smoothed."""

    face: int
    time_s: float
    captured_s: float
    confidence: float
    coefficients: np.ndarray = field(metadata=array_field("float32", coefficients.COUNT))
    gaze: np.ndarray = field(metadata=array_field("float32", 2, 2))
    head: np.ndarray = field(metadata=array_field("float32", 3))


@dataclass(frozen=True)
class Picture:
    """The source as it is seen now, small; at most twelve a second."""

    time_s: float
    width: int
    height: int
    image: np.ndarray = field(metadata=array_field("uint8", -1, -1, 3))
    """[height, width, 3] BGR, at most PICTURE_SIDE wide."""
    landmarks: np.ndarray = field(metadata=array_field("float32", LANDMARK_COUNT, 2))
    """px of this small picture; NaN where they are not known."""


@dataclass(frozen=True)
class TakeDone:
    """A recording has ended; `path` is the take."""

    path: str
    frames: int
    seconds: float
    first_frame_time_s: float
    markers: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Problem:
    """Something that the user should know, in one sentence."""

    sentence: str


Command = (
    Hello | Alive | Open | CloseSource | SetCast | LiveSettings | SetNeutral | RangeOfMotion | ChoosePerformer | Record
    | Mark | StopRecording | Quit
)
Report = Welcome | Status | Controls | ExpressionSeen | Picture | TakeDone | Problem
Settings = LiveSettings
_VOCABULARY: Final = Vocabulary({
    "Settings" if kind is LiveSettings else kind.__name__: kind
    for kind in (*typing.get_args(Command), *typing.get_args(Report))
})
to_message = _VOCABULARY.to_message
from_message = _VOCABULARY.from_message
