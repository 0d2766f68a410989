"""VMC, the protocol of VTuber programs (VSeeFace, VMagicMirror, Waidayo, iFacialMocap ...): OSC in Unity's terms.

In, at port 39539 as a "Marionette", and out, to port 39540 as an "Assistant" or 39539 of another Marionette:

    /VMC/Ext/OK loaded [calibration, mode, tracking]      tracking 0 = no face is seen
    /VMC/Ext/T seconds                                    of the sender's clock
    /VMC/Ext/Bone/Pos name, px, py, pz, qx, qy, qz, qw    Head, Neck, LeftEye, RightEye; relative to the parent
    /VMC/Ext/Blend/Val name, value                        a blendshape, 0..1
    /VMC/Ext/Blend/Apply                                  those told since the last one count from now; ends our frame

Blendshapes are ARKit's ("Perfect Sync"), in any case; while none of those ever moves, the expressions that every VRM
avatar has (A I U E O, Blink, Joy ...; vrm_expressions.toml) stand for them. The head is neck and head together. Unity
has x to the right, y up and z to the front, left-handed: a rotation (x, y, z, w) of ours is (x, -y, -z, w) there.

Sources: protocol.vmc.info (performer-spec, marionette-spec, english).
"""
from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ...core.coefficients import ARKIT_OF
from ...core.frames import Expression
from ...core.osc import Argument, Message, bundle
from .door import Heard
from .face_state import CHANNELS
from .osc_reader import OscReader
from .sender import UdpSender

PORT: Final = 39539
ASSISTANT_PORT: Final = 39540
with (Path(__file__).parent / "vrm_expressions.toml").open("rb") as _file:
    _TABLE: Final = tomllib.load(_file)
_EXPRESSIONS: Final[dict[str, dict[str, float]]] = _TABLE["expression"]
_OTHER_NAME: Final[dict[str, str]] = _TABLE["other_name"]
_BONES: Final = ("Neck", "Head", "LeftEye", "RightEye")
_RESTING: Final = math.cos(math.radians(0.1) / 2)
Quaternion = tuple[float, float, float, float]
"""x, y, z, w"""
_ARKIT: Final = tuple(dict.fromkeys(ARKIT_OF))
_IS_OF: Final = np.array([[channel == name for channel in ARKIT_OF] for name in _ARKIT], np.float32)
_MEANS: Final = _IS_OF / _IS_OF.sum(1, keepdims=True)
"""float32 [52, 54]: ARKit's channels are the means of ours, where we have two."""


class VmcReader(OscReader):
    """Reads the messages above; others are of no interest."""

    def __init__(self) -> None:
        super().__init__()
        self._bones: dict[str, Quaternion] = {}
        self._channels: dict[str, float] = {}
        self._expressions: dict[str, float] = {}
        self._is_perfect_sync = False

    def _key(self, address: str, arguments: Sequence[Argument]) -> str:
        first = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        if address == "/VMC/Ext/Bone/Pos":
            return first if first in _BONES else ""
        if address == "/VMC/Ext/Blend/Val":
            name = _plain(first)
            return name if name in CHANNELS or name in _EXPRESSIONS else ""
        return address if address in ("/VMC/Ext/Blend/Apply", "/VMC/Ext/T", "/VMC/Ext/OK") else ""

    def _tell(self, address: str, arguments: Sequence[Argument]) -> bool:
        if address == "/VMC/Ext/Blend/Val":
            if numbers := self._numbers(arguments[1:], 1):
                self._tell_blend(_plain(str(arguments[0])), numbers[0])
        elif address == "/VMC/Ext/Bone/Pos":
            if numbers := self._numbers(arguments[1:], 7):
                self._tell_bone(str(arguments[0]), *numbers[3:])
        elif address == "/VMC/Ext/T":
            if numbers := self._numbers(arguments, 1):
                self.face.time_s = numbers[0]
        elif address == "/VMC/Ext/OK":
            self.face.confidence = float(len(arguments) < 4 or arguments[3] != 0)
        return address == "/VMC/Ext/Blend/Apply"

    def _tell_blend(self, name: str, value: float) -> None:
        if name in CHANNELS:
            self._channels[name] = value
            self._is_perfect_sync |= value > 0
        elif value > 0 or name in self._expressions:
            self._expressions[name] = min(max(value, 0.0), 1.0)

    def _tell_bone(self, name: str, x: float, y: float, z: float, w: float) -> None:
        length = math.hypot(x, y, z, w)
        if not 1e-3 < length < 1e3:
            self.ignored += 1
        # Avatars whose eyes turn by blendshapes may have eye bones that never move.
        elif not name.endswith("Eye") or name in self._bones or abs(w) < _RESTING * length:
            self._bones[name] = x / length, -y / length, -z / length, w / length

    def _frame(self) -> Heard:
        """The blendshapes told so far count, and the bones."""
        if self._is_perfect_sync:
            for name, value in self._channels.items():
                self.face.tell(name, value)
        elif self._expressions:
            self._tell_expressions()
        if "Head" in self._bones:
            head = angles_of(_product(self._bones.get("Neck", (0.0, 0.0, 0.0, 1.0)), self._bones["Head"]))
            for name, angle in zip(("headYaw", "headPitch", "headRoll"), head, strict=True):
                self.face.tell(name, angle)
        for side in ("Left", "Right"):
            if side + "Eye" in self._bones:
                yaw, pitch, _ = angles_of(self._bones[side + "Eye"])
                self.face.tell(f"gaze{side}Yaw", yaw)
                self.face.tell(f"gaze{side}Pitch", pitch)
        return super()._frame()

    def _tell_expressions(self) -> None:
        total: dict[str, float] = {}
        for name, share in self._expressions.items():
            for coefficient, amount in _EXPRESSIONS[name].items():
                total[coefficient] = total.get(coefficient, 0.0) + share * amount
        for coefficient, amount in total.items():
            self.face.tell(coefficient, amount)


class VmcOut(UdpSender):
    """Sends each frame as one bundle: head, eyes and the 52 Perfect Sync blendshapes."""

    def __init__(self, host: str = "127.0.0.1", port: int = ASSISTANT_PORT) -> None:
        """Raises SemblanceError if there is no such host."""
        super().__init__(host, port)

    def send(self, expression: Expression) -> None:
        """A face, in Unity's terms."""
        contents: list[Message] = [
            ("/VMC/Ext/OK", [1, 3, 0, int(expression.confidence > 0)]),
            ("/VMC/Ext/T", [float(expression.time_s)]),
            _bone("Head", expression.head),
            _bone("LeftEye", expression.gaze[0]),
            _bone("RightEye", expression.gaze[1]),
        ]
        for name, value in zip(_ARKIT, (_MEANS @ expression.coefficients).tolist(), strict=True):
            contents.append(("/VMC/Ext/Blend/Val", [name[0].upper() + name[1:], value]))
        contents.append(("/VMC/Ext/Blend/Apply", []))
        self._send(bundle(contents))


def rotation_of(yaw: float, pitch: float, roll: float = 0.0) -> Quaternion:
    """Angles as in core.frames → our quaternion of Ry(yaw) · Rx(-pitch) · Rz(roll)."""
    turn = (0.0, math.sin(yaw / 2), 0.0, math.cos(yaw / 2))
    nod = (math.sin(-pitch / 2), 0.0, 0.0, math.cos(pitch / 2))
    tilt = (0.0, 0.0, math.sin(roll / 2), math.cos(roll / 2))
    return _product(_product(turn, nod), tilt)


def angles_of(rotation: Quaternion) -> tuple[float, float, float]:
    """Our unit quaternion → (yaw, pitch, roll); the inverse of `rotation_of` for pitches within ±90°."""
    x, y, z, w = rotation
    yaw = math.atan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y))
    pitch = math.asin(min(max(2 * (y * z - w * x), -1.0), 1.0))
    roll = math.atan2(2 * (x * y + w * z), 1 - 2 * (x * x + z * z))
    return yaw, pitch, roll


def _product(a: Quaternion, b: Quaternion) -> Quaternion:
    """First b, then a."""
    (ax, ay, az, aw), (bx, by, bz, bw) = a, b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def _bone(name: str, angles: np.ndarray) -> Message:
    x, y, z, w = rotation_of(*angles.tolist())
    return "/VMC/Ext/Bone/Pos", [name, 0.0, 0.0, 0.0, x, -y, -z, w]


def _plain(name: str) -> str:
    """An expression's name in small letters, by VRM 0 where VRM 1 has another."""
    name = name.lower()
    return _OTHER_NAME.get(name, name)
