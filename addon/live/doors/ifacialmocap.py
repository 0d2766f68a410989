"""iFacialMocap (iPhone) and MeowFace (Android), which answers as it does: text over UDP, after a greeting from us.

We greet the phone at its port 49983; from then on it sends a packet per frame to ours, also 49983:

    mouthSmile_R-0|eyeBlink_L-7|jawOpen-12|...|=head#x,y,z,px,py,pz|rightEye#x,y,z|leftEye#x,y,z|

Channels are ARKit's in percent, with _L and _R for the sides; newer senders write "&" for "-" and Left for _L. Angles
are degrees: x downwards, y to the person's left, z lifts the left ear (in the documents' example both eyes look down
with x positive, and each looks in, the right with y positive, the left with y negative;
the head is taken to turn alike).

Sources: ifacialmocap.com/for-developer, facemotion3d.net/for-developer.
"""
from __future__ import annotations

import contextlib
import math
import re
import time
from dataclasses import replace
from typing import Final

from ...core.errors import SemblanceError
from ...core.frames import Expression
from .door import Door, Heard
from .face_state import CHANNELS, FaceState, as_number
from .network import udp_address

PORT: Final = 49983
GREETING: Final = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
GREET_S: Final = 1.0
"""A phone that is silent is greeted so often: it may have been started later."""
_LONGEST: Final = 8192
_CHANNEL: Final = re.compile(r"([A-Za-z]{1,40})(?:_([LR]))?[-&](-?\d{1,9}(?:\.\d{1,20})?)")
_SIDE: Final = {"L": "Left", "R": "Right", None: ""}
# A packet's word → our angles for its x, y, z, and their signs.
_ANGLES: Final = {
    "=head": (("headPitch", -1), ("headYaw", 1), ("headRoll", 1)),
    "leftEye": (("gazeLeftPitch", -1), ("gazeLeftYaw", 1)),
    "rightEye": (("gazeRightPitch", -1), ("gazeRightYaw", 1)),
}


class IFacialMocapReader:
    """Packets → frames; each is complete in itself."""

    pending = False

    def __init__(self) -> None:
        self.ignored = 0
        self.face = FaceState()

    def read(self, packet: bytes) -> Heard:
        """The frame of one packet; ValueError in a few words if it is none of the app's."""
        if len(packet) > _LONGEST:
            raise ValueError("longer than a face")
        known = 0
        for part in packet.decode("ascii", "replace").split("|"):
            word, mark, numbers = part.partition("#")
            if mark and word in _ANGLES:
                self._tell_angles(word, numbers.split(","))
            elif match := _CHANNEL.fullmatch(part):
                name = (match[1] + _SIDE[match[2]]).lower()
                known += name in CHANNELS and self.face.tell(name, float(match[3]) / 100)
        if not known:
            raise ValueError("no words of iFacialMocap")
        return self.face.heard()

    def finish(self) -> Heard:
        """The last frame again."""
        return self.face.heard()

    def _tell_angles(self, word: str, texts: list[str]) -> None:
        for (name, sign), text in zip(_ANGLES[word], texts, strict=False):
            degrees = as_number(_number(text))
            if degrees is None:
                self.ignored += 1
            else:
                self.face.tell(name, sign * math.radians(degrees))


class IFacialMocapDoor(Door):
    """Hears one phone, after asking it to speak."""

    may_move = False

    def __init__(self, phone: str, port: int = PORT, mirror: bool = False) -> None:
        """Raises SemblanceError if there is no such phone, or our port cannot be had."""
        try:
            _, self._phone = udp_address(phone, port)
        except OSError as error:
            raise SemblanceError(
                f"'{phone}' in 'ifacialmocap://{phone}' is not a known address: say the one that the app shows."
            ) from error
        super().__init__("ifacialmocap", "0.0.0.0", PORT, IFacialMocapReader, mirror)
        self.info = replace(self.info, name=f"ifacialmocap://{phone}")
        self._greeted_s = -math.inf

    @property
    def hint(self) -> str:
        """What to check while nothing comes."""
        return "" if self._sender else (
            f"Start the app on the phone, look up the address that it shows, and let the firewall pass UDP port {PORT}."
        )

    def _listen(self) -> Expression | None:
        now = time.monotonic()
        if now - max(self._greeted_s, self._heard_s) >= GREET_S:
            self._greeted_s = now
            with contextlib.suppress(OSError):  # a network that comes back
                self._socket.sendto(GREETING, self._phone)
        return super()._listen()

    def _heed(self, packet: bytes, sender: tuple[str, int]) -> Heard | None:
        return super()._heed(packet, sender) if sender[0] == self._phone[0] else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
