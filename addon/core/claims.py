"""One worker per piece of work, among all processes and machines that see a folder.

A claim is a lock on a file, which the system lets go of when its holder ends, however it ends: nobody has to judge by
a clock whether a claim is stale. NFS and SMB pass such locks on between machines.
"""
from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from .errors import SemblanceError

_LOOK_AGAIN_S: Final = 0.25
_TAKEN: Final = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
"""What systems say of a lock that somebody else has."""


def lock(file: IO[str]) -> bool:
    """Lock the file for as long as it is open; False if somebody else has.

    Raises:
        OSError: where there are no locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 20)  # beyond what is read, because a locked byte cannot be read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Hold the claim `path`, a file that goes with it; waits while another holds it.

    Raises:
        SemblanceError: if the folder cannot be made or written, or its file system has no locks.
    """
    while (file := _take(path)) is None:
        time.sleep(_LOOK_AGAIN_S)
    try:
        yield
    finally:
        _let_go(path, file)


def is_claimed(path: Path) -> bool:
    """True while another holds the claim `path`."""
    if not path.is_file():
        return False
    file = _take(path)
    if file is not None:
        _let_go(path, file)
    return file is None


def _take(path: Path) -> IO[str] | None:
    """The locked file; None if another has it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+", encoding="utf-8")
        try:
            if lock(file) and _is_still(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()
        return None
    except OSError as error:
        raise SemblanceError(
            f"Cannot write '{path.parent}' as the only one: {error.strerror}; choose another folder or free some space."
        ) from error


def _is_still(file: IO[str], path: Path) -> bool:
    """False if the holder before removed the file after we had opened and before we had locked it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _let_go(path: Path, file: IO[str]) -> None:
    with contextlib.suppress(OSError):  # Windows removes no file that is open; an empty one stays
        path.unlink(missing_ok=True)
    file.close()
