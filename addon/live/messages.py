"""What a client and the live worker say to each other, as dataclasses; core.messages carries them.

A client's first message is Hello with the worker's token. Both sides say something at least every HEARTBEAT_S: the
worker its Status, a client whatever it wants or Alive. Who is silent for SILENCE_S does not answer any more.
"""
from __future__ import annotations

import functools
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..core import coefficients
from ..core.errors import SemblanceError
from ..core.frames import LANDMARK_COUNT
from ..core.messages import Message
from ..core.rig_profile import RigProfile, parse_profile, profile_text
from .live_settings import LiveSettings

VERSION: Final = 1
"""Rises with every change of what is said here; both sides must be of the same."""
HEARTBEAT_S: Final = 0.5
SILENCE_S: Final = 3.0
PICTURE_SIDE: Final = 320
"""px: the longest width of a Picture."""
STATES: Final = ("idle", "opening", "running", "lost", "stalled", "failed")
WANTS: Final = ("status", "controls", "expression", "picture")


def _array(dtype: str, *shape: int) -> dict[str, Any]:
    """What an array in a field must be; -1 = any length."""
    return {"dtype": dtype, "shape": shape}


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
    values: np.ndarray = field(metadata=_array("float32", -1))
    """In rig units, in the order of the character's profile."""


@dataclass(frozen=True)
class ExpressionSeen:
    """What one face means: calibrated and smoothed."""

    face: int
    time_s: float
    captured_s: float
    confidence: float
    coefficients: np.ndarray = field(metadata=_array("float32", coefficients.COUNT))
    gaze: np.ndarray = field(metadata=_array("float32", 2, 2))
    head: np.ndarray = field(metadata=_array("float32", 3))


@dataclass(frozen=True)
class Picture:
    """The source as it is seen now, small; at most twelve a second."""

    time_s: float
    width: int
    height: int
    image: np.ndarray = field(metadata=_array("uint8", -1, -1, 3))
    """[height, width, 3] BGR, at most PICTURE_SIDE wide."""
    landmarks: np.ndarray = field(metadata=_array("float32", LANDMARK_COUNT, 2))
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
_KINDS: Final[dict[str, type]] = {
    "Settings" if kind is LiveSettings else kind.__name__: kind
    for kind in (*typing.get_args(Command), *typing.get_args(Report))
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def to_message(said: Command | Report) -> Message:
    """What `core.messages.pack` takes."""
    values, arrays = {}, {}
    for each in fields(said):
        value = getattr(said, each.name)
        if each.metadata:
            arrays[each.name] = np.asarray(value, each.metadata["dtype"])
        else:
            values[each.name] = _plain(value)
    return Message(_NAMES[type(said)], values, arrays)


def from_message(message: Message) -> Any:
    """The inverse of `to_message`: an instance of one of the classes above.

    Raises:
        SemblanceError: for a kind, key, type or array that is not known here; the other side is of another version.
    """
    kind = _KINDS.get(message.kind)
    if kind is None:
        raise SemblanceError(f"The other side says '{message.kind[:40]}', which this Semblance does not know.")
    try:
        return _read(kind, message.values, message.arrays)
    except (TypeError, ValueError, OverflowError) as error:
        raise SemblanceError(f"The other side says '{message.kind}' in a form unknown here: {error}.") from error


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _read(kind: type, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """An instance of the dataclass; keys that it does not have are refused by its constructor."""
    types_of = _types(kind)
    read: dict[str, Any] = {}
    for name, value in {**values, **arrays}.items():
        if name in types_of:
            hint, metadata = types_of[name]
            read[name] = _fitting(name, value, metadata) if metadata else _typed(name, value, hint)
        else:
            read[name] = value
    return kind(**read)


@functools.cache
def _types(kind: type) -> dict[str, tuple[Any, Any]]:
    hints = typing.get_type_hints(kind)
    return {each.name: (hints[each.name], each.metadata) for each in fields(kind)}


def _fitting(name: str, value: Any, metadata: types.MappingProxyType[str, Any]) -> np.ndarray:
    """The array, if it has the type and the shape that the field names."""
    shape = metadata["shape"]
    good = isinstance(value, np.ndarray) and value.dtype.name == metadata["dtype"] and value.ndim == len(shape)
    if not good or any(wanted not in (-1, length) for wanted, length in zip(shape, value.shape, strict=True)):
        raise ValueError(f"'{name}' is not {metadata['dtype']} {list(shape)}")
    return value


def _typed(name: str, value: Any, hint: Any) -> Any:
    """The JSON value as the type that the field names."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        each = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_typed(name, one, one_hint) for one, one_hint in zip(value, each, strict=True))
    if typing.get_origin(hint) is dict and isinstance(value, dict):
        return {key: _typed(name, one, inner[1]) for key, one in value.items()}
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return _read(hint, value, {})
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise TypeError(f"'{name}' cannot be {str(value)[:40]!r}")
    return value
