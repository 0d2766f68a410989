"""Where a host is, for sockets that listen and sockets that send."""
from __future__ import annotations

import contextlib
import errno
import socket
from typing import Any, Final

from ...core.errors import SemblanceError

_BUFFER: Final = 1 << 18


def udp_address(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Family and address of a host; IPv4 where it has both, because phones and trackers speak that.

    Raises:
        OSError: if there is no such host.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (UnicodeError, OverflowError) as error:
        raise OSError(str(error)) from error
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, address


def listening(kind: str, host: str, port: int, may_move: bool = True) -> socket.socket:
    """A UDP socket that nobody else can share; `may_move`: senders can be told another port.

    Raises:
        SemblanceError: what to close, or which address to give instead.
    """
    address = f"{kind}://{host}:{port}"
    try:
        family, where = udp_address(host, port)
        opened = socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error:
        raise SemblanceError(
            f"'{host}' in '{address}' is not a known address; leave it out to hear only this computer, or say 0.0.0.0."
        ) from error
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows lets others listen at the same port otherwise
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        opened.bind(where)
    except OSError as error:
        opened.close()
        raise SemblanceError(_why_not(error, kind, host, port, may_move)) from error
    return opened


def _why_not(error: OSError, kind: str, host: str, port: int, may_move: bool) -> str:
    if error.errno == errno.EADDRINUSE:
        taken = f"Port {port} is taken by another program (a second Semblance, Unreal, a VTuber program): close that"
        if not may_move:
            return f"{taken}; this sender knows no other port."
        other = port + 1 if port < 65_535 else port - 1
        return f"{taken}, or choose another port, such as {kind}://{host}:{other}, and tell the sender the same."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"This system keeps port {port} to itself: choose one above 1023 in '{kind}://{host}:{port}'."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"'{host}' is no address of this computer: say {kind}://0.0.0.0:{port} to hear other devices."
    return f"'{kind}://{host}:{port}' cannot be opened: {error.strerror}."
