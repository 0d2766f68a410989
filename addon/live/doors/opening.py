"""Opens the door that an address names."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ...core.errors import SemblanceError
from .door import Door, Reader
from .ifacialmocap import PORT as PHONE_PORT
from .ifacialmocap import IFacialMocapDoor
from .live_link_face import PORT as LIVE_LINK_PORT
from .live_link_face import LiveLinkFaceReader
from .osc import PORT as OSC_PORT
from .osc import OscFaceReader
from .vmc import PORT as VMC_PORT
from .vmc import VmcReader

_KINDS: Final[dict[str, tuple[int, Callable[[], Reader]]]] = {
    "livelink": (LIVE_LINK_PORT, LiveLinkFaceReader),
    "vmc": (VMC_PORT, VmcReader),
    "osc": (OSC_PORT, OscFaceReader),
}
_WHICH_PHONE: Final = "write the one that its app shows, such as ifacialmocap://192.168.0.9."
_ADDRESS: Final = re.compile(
    r"(livelink|vmc|osc|ifacialmocap)://(\[[0-9a-f:.%]+\]|[^\s:/\[\]]*)(?::(\d{1,5}))?/?", re.IGNORECASE
)


def is_door(address: str) -> bool:
    """True if `open_door` is meant: the address begins with livelink://, vmc://, osc:// or ifacialmocap://."""
    return address.strip().lower().startswith(tuple(f"{kind}://" for kind in (*_KINDS, "ifacialmocap")))


def open_door(address: str, mirror: bool = False) -> Door:
    """Listen where `address` says: "livelink://", "vmc://:39539", "osc://0.0.0.0:9000"; "ifacialmocap://192.168.0.9".

    Without a host only this computer is heard; 0.0.0.0 hears other devices too. Without a port it is the usual one
    (11111, 39539, 9000); 0 takes a free one. For iFacialMocap the host is the phone, which has to be asked to send.
    `mirror` swaps the sides of the face, as in a mirror.

    Raises:
        SemblanceError: if the address is none or its port cannot be had.
    """
    match = _ADDRESS.fullmatch(address.strip())
    port = int(match[3]) if match and match[3] else None
    if match is None or (port or 0) > 65_535:
        if address.strip().lower().startswith("ifacialmocap"):
            raise SemblanceError(f"'{address}' is no address of a phone: {_WHICH_PHONE}")
        raise SemblanceError(
            f"'{address}' is no address to listen at: say livelink://, vmc:// or osc://, then a host if other devices "
            "are to be heard and a port up to 65535, such as livelink://0.0.0.0:11111."
        )
    kind, host = match[1].lower(), match[2].strip("[]")
    if kind == "ifacialmocap":
        if not host:
            raise SemblanceError(f"No phone is named: {_WHICH_PHONE}")
        return IFacialMocapDoor(host, port or PHONE_PORT, mirror)
    usual, reader = _KINDS[kind]
    return Door(kind, host or "127.0.0.1", usual if port is None else port, reader, mirror)
