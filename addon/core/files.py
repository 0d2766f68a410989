"""Writing files so that a failure leaves the old file, never half of a new one."""
from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from .errors import SemblanceError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on failure it is removed.

    The temporary name keeps the suffix, because video and image writers choose their format by it.

    Raises:
        SemblanceError: if the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SemblanceError(f"Cannot write '{path}': {reason}; choose another folder or free some space.") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all.

    Raises:
        SemblanceError: as `replacing`.
    """
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def check_writable(folder: Path) -> None:
    """Make `folder` if need be and see that files can be written there, before long work is done for nothing.

    Raises:
        SemblanceError: as `replacing`.
    """
    # Each process has its own: of two that look at once, one would find that the other took theirs away.
    probe = Path(folder) / f".semblance-probe-{secrets.token_hex(4)}"
    try:
        write_bytes(probe, b"")
    except SemblanceError as error:
        raise SemblanceError(str(error).replace(str(probe), str(folder))) from error
    probe.unlink()
