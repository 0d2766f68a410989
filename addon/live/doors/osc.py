"""OSC: one float per address, so that any patch, mixer or script can drive a character or follow it. Port 9000.

In, and out by `OscOut.send`, each frame in one bundle (single messages are understood too):

    /face/<coefficient>       0..1; one of our 54 names or ARKit's 52 (browInnerUp fills both sides), in any case
    /face/headYaw             rad to the person's left;  /face/headPitch upwards;  /face/headRoll lifts the left ear
    /face/gazeLeftYaw         rad relative to the head, the same signs;  gazeLeftPitch, gazeRightYaw, gazeRightPitch
    /face/confidence          0..1; 0 = no face is seen
    /face/time                seconds of the sender's clock

Without gaze angles the eyes follow the eyeLook channels, and the other way round. In, the messages of the iPhone app
Face Cap as well (bannaflak.com/face-cap/livemode.html; the axes as in its author's receiver,
github.com/hizzlehoff/FaceCapOSCReceiverExample):

    /W index value            ARKit channel by number (face_cap.toml), 0..1
    /HR x y z                 head in degrees: x downwards, y to the person's left, z lifts the left ear
    /ELR x y   /ERR x y       left and right eye in degrees, as the head

Out by `OscOut.send_controls`: /<character>/<control> in the rig's own units; what an address cannot hold is "_".
"""
from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ...core import coefficients
from ...core.control_set import ControlSet
from ...core.frames import ControlFrame, Expression
from ...core.osc import Argument, bundle
from .face_state import ANGLES, CHANNELS
from .osc_reader import OscReader
from .sender import UdpSender

PORT: Final = 9000
_PREFIX: Final = "/face/"
_KNOWN: Final = frozenset(CHANNELS) | {name.lower() for name in ANGLES} | {"confidence", "time"}
with (Path(__file__).parent / "face_cap.toml").open("rb") as _file:
    _FACE_CAP: Final[tuple[str, ...]] = tuple(tomllib.load(_file)["channels"])
# Face Cap's address → our angles for its x, y, z, and their signs.
_FACE_CAP_ANGLES: Final = {
    "/HR": (("headPitch", -1), ("headYaw", 1), ("headRoll", 1)),
    "/ELR": (("gazeLeftPitch", -1), ("gazeLeftYaw", 1)),
    "/ERR": (("gazeRightPitch", -1), ("gazeRightYaw", 1)),
}
_UNFIT: Final = re.compile(r"[^!-~]|[#*,/?\[\]{}]")


class OscFaceReader(OscReader):
    """Reads the addresses above."""

    def _key(self, address: str, arguments: Sequence[Argument]) -> str:
        if address == "/W":
            return f"/W{arguments[0]}" if arguments else ""
        name = address[len(_PREFIX):].lower() if address.startswith(_PREFIX) else ""
        return address if address in _FACE_CAP_ANGLES else name if name in _KNOWN else ""

    def _tell(self, address: str, arguments: Sequence[Argument]) -> bool:
        if address == "/W":
            self._tell_channel(arguments)
        elif angles := _FACE_CAP_ANGLES.get(address):
            for (name, sign), degrees in zip(angles, self._numbers(arguments, len(angles)) or (), strict=False):
                self.face.tell(name, sign * math.radians(degrees))
        elif numbers := self._numbers(arguments, 1):
            name = address[len(_PREFIX):].lower()
            if name == "time":
                self.face.time_s = numbers[0]
            elif name == "confidence":
                self.face.confidence = min(max(numbers[0], 0.0), 1.0)
            else:
                self.face.tell(name, numbers[0])
        return False

    def _tell_channel(self, arguments: Sequence[Argument]) -> None:
        if numbers := self._numbers(arguments, 2):
            if 0 <= numbers[0] < len(_FACE_CAP):
                self.face.tell(_FACE_CAP[int(numbers[0])], numbers[1])
            else:
                self.ignored += 1


class OscOut(UdpSender):
    """Sends each frame as one bundle."""

    def __init__(self, host: str = "127.0.0.1", port: int = PORT) -> None:
        """Raises SemblanceError if there is no such host."""
        super().__init__(host, port)

    def send(self, expression: Expression) -> None:
        """A face, at the addresses below /face."""
        named = zip(coefficients.NAMES, expression.coefficients.tolist(), strict=True)
        angles = zip(ANGLES, [*expression.head.tolist(), *expression.gaze.ravel().tolist()], strict=True)
        rest = (("confidence", float(expression.confidence)), ("time", float(expression.time_s)))
        self._send(bundle((_PREFIX + name, [value]) for name, value in (*named, *angles, *rest)))

    def send_controls(self, name: str, frame: ControlFrame, controls: ControlSet) -> None:
        """A character's controls in rig units, below the character's name."""
        prefix = f"/{_address(name)}/"
        values = zip(controls.names, frame.values.tolist(), strict=True)
        self._send(bundle((prefix + _address(control), [value]) for control, value in values))


def _address(name: str) -> str:
    return _UNFIT.sub("_", name) or "_"
